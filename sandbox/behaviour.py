"""Switches for uncertain behaviour of Monzo; the defaults are the best guess."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class BankBehaviour:
    """Behaviour of the ledger that was never observed at Monzo. All defaults are assumptions."""

    dedupe_conflict: Literal["replay", "refuse", "move"] = "replay"
    """Answer to a used dedupe id with another pot, account or amount: repeat the first transfer's
    answer, refuse, or make another transfer."""

    locked_pots_take_deposits: bool = True
    """Whether a locked pot accepts deposits, as in the app: the lock prevents withdrawals."""

    keep_metadata: bool = False
    """Whether a client's own metadata is stored (documented), or only `notes` (observed)."""

    spend_today_never_positive: bool = True
    """Whether `spend_today` is 0, not positive, on a day with more refunds than spending."""

    day_reset_delay: timedelta = timedelta(0)
    """How long after 04:00 in London `spend_today` starts from zero, negative for earlier. Monzo
    documents "approximately 4am"."""

    own_transfers_in_spending: bool = True
    """Whether transfers to one's own joint account have `include_in_spending`; recorded as true."""

    released_authorisation: Literal["vanishes", "becomes zero", "is credited"] = "vanishes"
    """What becomes of a card payment that the merchant never collects: it is no longer listed, its
    amount becomes 0, or a credit follows. None of this was recorded."""

    savings_in_total: bool = True
    """Whether `total_balance` includes the savings pots."""


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """Refuse more than `requests` within `window`. The defaults were reported, not documented."""

    requests: int = 30
    window: timedelta = timedelta(minutes=5)
    retry_after: Literal["seconds", "date"] | None = None
    """Format of the Retry-After header; no recording has this header."""


@dataclass(frozen=True, kw_only=True)
class ServerBehaviour:
    """Behaviour of the HTTP API where recordings and documentation disagree or say nothing."""

    # Signing in

    code_lifetime: timedelta = timedelta(minutes=10)
    """Assumed; five to ten minutes are usual."""

    token_lifetime: timedelta = timedelta(seconds=107_999)
    """Recorded. The documentation says 21600 seconds."""

    new_token_known_after: timedelta = timedelta(0)
    """Time until a new access token is accepted; assumed, as with servers that share it slowly."""

    renewal_keeps_grant: Literal["no", "null", "empty", "absent"] = "no"
    """Whether the refresh token stays valid after a renewal, and how the answer shows that: as
    null, as an empty text, or without the key. Documented: each renewal replaces it."""

    approve_at_once: bool = False
    """Whether a new sign-in is approved without the app."""

    denied_is_revoked: bool = False
    """Whether a denial in the app ends the sign-in at once; otherwise it stays pending."""

    wrong_secret: str = "unauthorized.bad_client"  # noqa: S105 - an error code
    """Error code for a wrong client secret; assumed."""

    # Read requests

    full_history: timedelta = timedelta(minutes=5)
    """Time after approval in which the full history can be read; documented."""

    later_history: timedelta = timedelta(days=89, hours=12)
    """Age of the oldest readable transaction after that: 89 days work, 90 days do not; the exact
    limit in between is assumed."""

    longest_span: timedelta = timedelta(days=365)
    """Longest time range of one list request; recorded."""

    without_since: timedelta | None = timedelta(days=30)
    """Start of a list without `since`, as reported. None: such a request is refused once the full
    history is closed, as older clients experienced."""

    limit_above_100: Literal["clamp", "refuse"] = "clamp"
    """Handling of `limit` above 100; assumed."""

    unreadable_balance: frozenset[str] = frozenset({"uk_monzo_flex_backing_loan", "uk_prepaid"})
    """Account types without a readable balance; the first was reported, the second is assumed."""

    unreadable_balance_answer: Literal["forbidden", "error", "empty", "no spend_today"] = (
        "forbidden"
    )
    """Answer to a request for such a balance: 403 (reported), 500, an empty object, or a balance
    without `spend_today`. All but the first are assumed."""

    unreadable_transactions: frozenset[str] = frozenset({"uk_monzo_flex_backing_loan"})
    """Account types without a readable list of transactions; reported."""

    unreadable_pots: frozenset[str] = frozenset({"uk_monzo_flex_backing_loan"})
    """Account types without a readable list of pots; assumed."""

    joint_pots_name_own_account: bool = False
    """Whether pots of a joint account name the person's own account instead; some clients handle
    this case."""

    # Responses
    receipt_answer: Literal["empty", "id", "receipt"] = "empty"
    """Response to storing a receipt. The documentation mentions the first and the second."""

    refusals: Mapping[str, str] = field(default=_NOTHING)
    """Replacements for assumed error codes, such as {"forbidden.pot_locked": "bad_request.x"}."""

    errors_as_html: bool = False
    """Whether 429 and 5xx come as a web page from a proxy in front of the API."""

    rate_limit: RateLimit | None = None
    """No limit by default."""

    # Webhooks

    webhook_retry_delays: tuple[float, ...] = (0, 0, 0, 0)
    """Seconds before the second to fifth attempt. Monzo documents five attempts with exponential
    back-off; the default has no delay, to keep tests fast."""

    webhook_body: Literal["full", "documented"] = "full"
    """The full transaction (recorded), or only the keys of the documentation's example."""

    webhook_copies: int = 1
    """How many times each delivery is sent. Duplicates were reported."""

    webhook_order: Literal["as made", "swapped"] = "as made"
    """Swapped: each delivery waits for the next one and is sent after it."""

    webhook_lost: int = 0
    """Lose every n-th delivery: 0 none, 1 all, 2 every other one."""

    webhook_urls: Literal["any", "https on port 443"] = "any"
    """URLs that can be registered; all others are refused. Clients disagree about it."""

    webhooks_end_with_sign_in: bool = False
    """Whether a client's webhooks are removed when its sign-in is evicted or logged out."""

    webhook_hosts: Mapping[str, str] = field(default=_NOTHING)
    """Real addresses of the hosts in webhook URLs, such as
    {"ha.example.test": "http://127.0.0.1:8123"}."""


DEFAULT_BANK_BEHAVIOUR = BankBehaviour()
DEFAULT_SERVER_BEHAVIOUR = ServerBehaviour()
