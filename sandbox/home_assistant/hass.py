"""Runs Home Assistant's `hass` with the sandbox as its bank. Arguments: BANK_URL, hass's options.

With `--moment` (ISO 8601), the clock stands still at that time. Each line of standard input then
sets it to another time. `--constants` is a JSON object that replaces constants of the integration,
by module and name. The program stops when its standard input closes.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from importlib import import_module
from io import FileIO
import json
import os
import signal
import sys
from threading import Thread
from unittest.mock import patch

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


@contextmanager
def _replaced_constants(folder: str, constants: Mapping[str, object]) -> Iterator[None]:
    """Replace constants of the integration in this configuration folder."""
    with ExitStack() as stack:
        if constants:
            # Home Assistant does the same before it loads custom integrations.
            sys.path.insert(0, folder)
        for path, value in constants.items():
            module, _, name = path.rpartition(".")
            found = import_module(f"custom_components.monzo.{module}")
            stack.enter_context(patch.object(found, name, value))
        yield


def main() -> int:
    """Run Home Assistant, and return hass's exit code."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("bank_url")
    parser.add_argument("--moment")
    parser.add_argument("--constants", type=json.loads, default={})
    parser.add_argument("--config")
    options, hass_options = parser.parse_known_args()
    sys.argv[1:] = [*hass_options, "--config", options.config]
    with ExitStack() as stack:
        stack.enter_context(redirected(options.bank_url))
        stack.enter_context(_replaced_constants(options.config, options.constants))
        clock = None
        if options.moment:
            clock = stack.enter_context(time_machine.travel(options.moment, tick=False))
        Thread(target=_follow_standard_input, args=(clock,), daemon=True).start()
        return hass()


if __name__ == "__main__":
    sys.exit(main())
