"""Command line of the demo, which `scripts/demo` calls."""

import argparse
import fcntl
import socket
import sys

from sandbox.home_assistant.errors import HomeAssistantFailedError
from sandbox.shutdown import run_until_stopped

from .runner import STATE_FOLDER, Options, run_demo


def _check_port(port: int, option: str) -> None:
    """Exit with a message if a port cannot be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as err:
            sys.exit(f"Port {port} cannot be used ({err}). Choose another one with {option}.")


def _speed(text: str) -> float:
    speed = float(text)
    if speed <= 0:
        msg = "the speed must be greater than zero"
        raise argparse.ArgumentTypeError(msg)
    return speed


def _parse_options() -> Options:
    """Parse the command line; `scripts/demo --help` describes it."""
    parser = argparse.ArgumentParser(prog="scripts/demo", add_help=False)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--bank-port", type=int, default=8124)
    parser.add_argument("--speed", type=_speed, default=1.0)
    parser.add_argument("--by-hand", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    return Options(**vars(parser.parse_args()))


def main() -> None:
    """Run the demo until a signal stops it."""
    options = _parse_options()
    STATE_FOLDER.mkdir(exist_ok=True)
    with (STATE_FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("The demo is already running in another terminal.")
        _check_port(options.port, "--port")
        _check_port(options.bank_port, "--bank-port")
        try:
            run_until_stopped(run_demo(options))
        except* HomeAssistantFailedError as errors:
            sys.exit("\n".join(str(error) for error in errors.exceptions))


if __name__ == "__main__":
    main()
