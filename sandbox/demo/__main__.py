"""The demo: command line."""

import argparse
import asyncio
from contextlib import suppress
import fcntl
import signal
import socket
import sys

from sandbox.home_assistant.errors import HomeAssistantFailedError

from .setup import STATE, Options, demonstrate


def _expect_free(port: int, option: str) -> None:
    """End the program if somebody else listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as err:
            sys.exit(f"Port {port} cannot be used ({err}). Choose another with {option}.")


def _speed(text: str) -> float:
    """Return a factor that time can be multiplied by."""
    speed = float(text)
    if speed <= 0:
        msg = "the speed must be above zero"
        raise argparse.ArgumentTypeError(msg)
    return speed


def _options() -> Options:
    """Read the command line; `scripts/demo --help` explains it."""
    parser = argparse.ArgumentParser(prog="scripts/demo", add_help=False)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--bank-port", type=int, default=8124)
    parser.add_argument("--speed", type=_speed, default=1.0)
    parser.add_argument("--by-hand", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    return Options(**vars(parser.parse_args()))


async def _run(options: Options) -> None:
    """Run the demo until a signal asks to stop; a second one is less patient."""
    running = asyncio.current_task()

    def stop() -> None:
        print("\nStopping ...", flush=True)
        if running is not None:
            running.cancel()

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await demonstrate(options)


def main() -> None:
    """Show the demo."""
    options = _options()
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("The demo is running already, in another terminal.")
        _expect_free(options.port, "--port")
        _expect_free(options.bank_port, "--bank-port")
        try:
            asyncio.run(_run(options))
        except* HomeAssistantFailedError as errors:
            sys.exit("\n".join(str(error) for error in errors.exceptions))


if __name__ == "__main__":
    main()
