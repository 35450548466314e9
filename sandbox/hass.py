"""Runs Home Assistant's own `hass` with the sandbox for a bank: BANK_URL, then hass's options.

With `--moment`, ISO 8601, its clock stands still at that moment.
"""

import argparse
from contextlib import ExitStack
import os
import signal
import sys
from threading import Thread

from homeassistant.__main__ import main as hass
import time_machine

from .redirect import redirected


def _end_with_parent() -> None:
    """Stop Home Assistant when whoever holds the other end of standard input is gone."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Run until stopped, and return hass's exit code."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("bank_url")
    parser.add_argument("--moment")
    options, sys.argv[1:] = parser.parse_known_args()
    Thread(target=_end_with_parent, daemon=True).start()
    with ExitStack() as stack:
        stack.enter_context(redirected(options.bank_url))
        if options.moment:
            stack.enter_context(time_machine.travel(options.moment, tick=False))
        return hass()


if __name__ == "__main__":
    sys.exit(main())
