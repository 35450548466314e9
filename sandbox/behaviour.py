"""Every guess about Monzo's HTTP side, as a switch. The ledger's own guesses are `bank.BankBehaviour`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class BankBehaviour:
    """What the ledger does where nobody has seen what Monzo does. All of it is assumed."""

    dedupe_conflict: Literal["replay", "refuse", "move"] = "replay"
    """A used dedupe id comes back with another pot, account or amount: the first move's answer
    again, a refusal, or a move of its own."""

    locked_pots_take_deposits: bool = True
    """The app lets money into a locked pot; only taking it out is what the lock is for."""

    keep_metadata: bool = False
    """Documented is that a program's own metadata is kept. Seen is that only `notes` is."""

    spend_today_never_positive: bool = True
    """A day with more refunds than spending counts as nothing spent."""

    savings_in_total: bool = True
    """Whether `total_balance` has the interest-bearing pots in it too."""


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """More than `requests` within `window` are refused; the figures are a claim, not documented."""

    requests: int = 30
    window: timedelta = timedelta(minutes=5)
    retry_after: Literal["seconds", "date"] | None = None
    """The form of the Retry-After header; none was ever recorded."""


@dataclass(frozen=True, kw_only=True)
class ServerBehaviour:
    """How the server behaves where recordings and documentation disagree or say nothing."""

    # Signing in

    code_life: timedelta = timedelta(minutes=10)
    """Assumed; five to ten minutes is usual."""

    token_life: timedelta = timedelta(seconds=107_999)
    """As recorded. Documented are 21600 seconds."""

    approve_at_once: bool = False
    """Whether a new sign-in needs no approval in the app."""

    denied_is_revoked: bool = False
    """Whether denying in the app ends the sign-in at once, or leaves it waiting for ever."""

    wrong_secret: str = "unauthorized.bad_client"  # noqa: S105 - an error code
    """The code for a wrong client secret; assumed."""

    # Reading

    full_history: timedelta = timedelta(minutes=5)
    """How long after approval the whole history can be read; documented."""

    gated_history: timedelta = timedelta(days=89, hours=12)
    """How far back can be read later: 89 days work, 90 do not, in between is assumed."""

    longest_span: timedelta = timedelta(days=365)
    """The widest range of one listing, as recorded."""

    without_since: timedelta | None = timedelta(days=30)
    """How far back a listing without `since` goes, as claimed; None refuses it when the history
    is gated, as older clients saw."""

    limit_above_100: Literal["clamp", "refuse"] = "clamp"
    """Assumed."""

    unreadable_balance: frozenset[str] = frozenset({"uk_monzo_flex_backing_loan", "uk_prepaid"})
    """Account types whose balance is forbidden; the first as claimed, the second assumed."""

    unreadable_transactions: frozenset[str] = frozenset({"uk_monzo_flex_backing_loan"})
    """As claimed."""

    unreadable_pots: frozenset[str] = frozenset({"uk_monzo_flex_backing_loan"})
    """Assumed."""

    joint_pots_name_own_account: bool = False
    """Whether joint pots name the asking person's own account as theirs; clients guard for it."""

    # Answers

    receipt_answer: Literal["empty", "id", "receipt"] = "empty"
    """What putting a receipt answers. The documentation says the first and the second."""

    refusals: Mapping[str, str] = field(default=_NOTHING)
    """Other error codes for the assumed ones, such as {"forbidden.pot_locked": "bad_request.x"}."""

    errors_as_html: bool = False
    """Whether 429 and 5xx come as a web page from a proxy in front of the bank."""

    rate_limit: RateLimit | None = None
    """Off unless given."""

    # Webhooks

    webhook_retry_delays: tuple[float, ...] = (0, 0, 0, 0)
    """Seconds before the second to fifth attempt. Documented are five attempts with exponential
    back-off; here none, for tests."""

    webhook_body: Literal["full", "documented"] = "full"
    """As recorded, or the few keys of the documentation's example."""

    webhook_copies: int = 1
    """How often each delivery is made. Doubled ones have been claimed."""

    webhook_order: Literal["as made", "swapped"] = "as made"
    """Swapped: each delivery waits for the next one and goes after it."""

    webhook_lost: int = 0
    """Every so many-th delivery is lost: 0 none, 1 all, 2 every other."""

    webhooks_end_with_sign_in: bool = False
    """Whether an evicted or logged-out program's webhooks are removed."""

    webhook_hosts: Mapping[str, str] = field(default=_NOTHING)
    """Where hosts of webhook addresses really are, such as
    {"ha.example.test": "http://127.0.0.1:8123"}."""


DEFAULT_BANK_BEHAVIOUR = BankBehaviour()
DEFAULT_SERVER_BEHAVIOUR = ServerBehaviour()
