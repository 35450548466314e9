"""Lets something happen between the bank's answers about a balance and about transactions."""

from collections.abc import Callable, Collection
from typing import Final

from sandbox.server import BankServer, Delay

from .state_helpers import HeldResponse
from .transfer_client import Held

BALANCE: Final = "/balance"
TRANSACTIONS: Final = "/transactions"


async def hold_both_answers[First, Second](
    server: BankServer,
    first: Callable[[], First],
    second: Callable[[], Second],
    *,
    executed: Collection[str] = (),
) -> tuple[First, Second]:
    """Make one payment, and another one while the bank holds the answers about the first.

    The bank has executed some of the two requests before the second payment, and executes the
    others after it.
    """
    answers = {
        path: HeldResponse() if path in executed else Held(Delay(0))
        for path in (BALANCE, TRANSACTIONS)
    }
    for path, answer in answers.items():
        server.fail("GET", path, answer)
    made_first = first()
    for answer in answers.values():
        await answer.arrived.wait()
    made_second = second()
    for answer in answers.values():
        answer.released.set()
    return made_first, made_second
