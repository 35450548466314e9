"""The end of a period is reported once, also if its pay day was none."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from homeassistant.core import HomeAssistant

from custom_components.monzo.budgets.signals import BudgetPeriodEnded
from custom_components.monzo.budgets.tracking import TrackedBudget
from custom_components.monzo.budgets.usage_log import UsageLog
from custom_components.monzo.recurring.pay_day import PayDayRule, PayDays
from tests.helpers.budgets import settings_of

LONDON = ZoneInfo("Europe/London")
FIRST, SECOND, THIRD, FOURTH = (
    date(2026, 9, 24),
    date(2026, 9, 28),
    date(2026, 10, 23),
    date(2026, 11, 24),
)

CYCLE = settings_of(period="pay_cycle", limit="100")


def ended(log: UsageLog, day: date, *pay_days: date) -> list[date]:
    """Return the first days of the periods that are reported on a day with these pay days."""
    known = PayDays(rule=PayDayRule(), detected=pay_days)
    tracked = TrackedBudget.on(day, CYCLE, LONDON, known)
    assert tracked is not None
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    reports = [*log.note(tracked, tracked.status(day, []), noon)]
    return [it.period.first for it in reports if isinstance(it, BudgetPeriodEnded)]


async def test_a_period_that_goes_on_after_its_end_is_not_reported_again(
    hass: HomeAssistant,
) -> None:
    log = UsageLog(hass, "entry")
    both = (FIRST, SECOND, THIRD, FOURTH)
    assert ended(log, FIRST, *both) == []
    assert ended(log, SECOND, *both) == [FIRST]
    # The second salary turns out to be none.
    one = (FIRST, THIRD, FOURTH)
    assert ended(log, SECOND + timedelta(days=1), *one) == []
    assert ended(log, THIRD, *one) == []
    assert ended(log, THIRD + timedelta(days=1), *one) == []
    # The next period is a new one.
    assert ended(log, FOURTH, *one, date(2026, 12, 23)) == [THIRD]


async def test_a_period_that_began_by_mistake_is_reported_at_its_real_end(
    hass: HomeAssistant,
) -> None:
    log = UsageLog(hass, "entry")
    assert ended(log, SECOND, SECOND, THIRD) == []
    # The user chooses another pay day.
    assert ended(log, SECOND, FIRST, THIRD) == []
    assert ended(log, THIRD, FIRST, THIRD, FOURTH) == [FIRST]
