"""Waiting with a limit, which no working test reaches, also not on a slow machine."""

import asyncio
from collections.abc import Callable

LIMIT_SECONDS = 60

# Enough rounds of the event loop for a task to reach its next wait for something else.
ROUNDS = 1_000


async def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true. Raises TimeoutError at the limit."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - the sandbox has no event for most conditions
            await asyncio.sleep(0)


async def let_tasks_run() -> None:
    """Let all tasks run for a while, without time passing."""
    for _round in range(ROUNDS):
        await asyncio.sleep(0)
