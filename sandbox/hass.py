"""Runs Home Assistant's own `hass` with the sandbox for a bank: BANK_URL, then hass's options."""

import os
import signal
import sys
from threading import Thread

from homeassistant.__main__ import main as hass

from .redirect import redirected


def _end_with_parent() -> None:
    """Stop Home Assistant when whoever holds the other end of standard input is gone."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Run until stopped, and return hass's exit code."""
    bank_url = sys.argv.pop(1)
    Thread(target=_end_with_parent, daemon=True).start()
    with redirected(bank_url):
        return hass()


if __name__ == "__main__":
    sys.exit(main())
