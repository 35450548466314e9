"""Runs Home Assistant's own `hass` with the sandbox for a bank: BANK_URL, then hass's options.

With `--moment`, ISO 8601, its clock stands still at that moment, and then at each other one that
comes as a line of standard input.
"""

import argparse
from contextlib import ExitStack
from datetime import datetime
from io import FileIO
import os
import signal
import sys
from threading import Thread

from homeassistant.__main__ import main as hass
import time_machine

from sandbox.redirect import redirected


def _listen_to_parent(clock: time_machine.Traveller | None) -> None:
    """Set the clock as told, and stop when whoever tells is gone."""
    # Without the buffer of sys.stdin, whose lock would be in the way when the program ends.
    try:
        for line in FileIO(sys.stdin.fileno(), closefd=False):
            if clock:
                clock.move_to(datetime.fromisoformat(line.decode().strip()))
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Run until stopped, and return hass's exit code."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("bank_url")
    parser.add_argument("--moment")
    options, sys.argv[1:] = parser.parse_known_args()
    with ExitStack() as stack:
        stack.enter_context(redirected(options.bank_url))
        clock = None
        if options.moment:
            clock = stack.enter_context(time_machine.travel(options.moment, tick=False))
        Thread(target=_listen_to_parent, args=(clock,), daemon=True).start()
        return hass()


if __name__ == "__main__":
    sys.exit(main())
