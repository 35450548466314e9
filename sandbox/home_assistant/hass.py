"""Runs Home Assistant's `hass` with the sandbox as its bank. Arguments: BANK_URL, hass's options.

With `--moment` (ISO 8601), the clock stands still at that time. Each line of standard input then
sets it to another time. The program stops when its standard input closes.
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


def _follow_standard_input(clock: time_machine.Traveller | None) -> None:
    """Set the clock by lines of standard input, and stop the program when it closes."""
    # An unbuffered file, because the lock of the buffered sys.stdin would block the program's end.
    try:
        for line in FileIO(sys.stdin.fileno(), closefd=False):
            if clock:
                clock.move_to(datetime.fromisoformat(line.decode().strip()))
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Run Home Assistant, and return hass's exit code."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("bank_url")
    parser.add_argument("--moment")
    options, sys.argv[1:] = parser.parse_known_args()
    with ExitStack() as stack:
        stack.enter_context(redirected(options.bank_url))
        clock = None
        if options.moment:
            clock = stack.enter_context(time_machine.travel(options.moment, tick=False))
        Thread(target=_follow_standard_input, args=(clock,), daemon=True).start()
        return hass()


if __name__ == "__main__":
    sys.exit(main())
