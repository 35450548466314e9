"""Runs a program until it ends or a signal stops it."""

import asyncio
from collections.abc import Coroutine
import signal
from typing import Any


def run_until_stopped(program: Coroutine[Any, Any, None]) -> bool:
    """Run a coroutine; SIGINT, SIGTERM and SIGHUP cancel it, so that it can clean up.

    A second signal interrupts the clean-up. Returns whether a signal stopped the program.
    """
    return asyncio.run(_cancel_on_signal(program))


async def _cancel_on_signal(program: Coroutine[Any, Any, None]) -> bool:
    task = asyncio.ensure_future(program)

    def stop() -> None:
        task.cancel()
        print("\nStopping ...", flush=True)

    loop = asyncio.get_running_loop()
    # A shell makes programs that it starts in the background ignore SIGINT, and asyncio then leaves
    # it ignored. A handler of our own makes Ctrl-C and `kill -INT` work there too.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    # Ignored on purpose under nohup, which lets a program outlive its terminal.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, stop)
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False
