"""The dashboard has a view of the past as soon as there are statistics of it."""

from datetime import timedelta
from typing import Any

from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
import pytest

from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, CONF_STATISTICS
from custom_components.monzo.transactions import Retention
from sandbox.bank import Bank
from sandbox.server import BankServer
from tests.backfill.old_customer import OldCustomer
from tests.conftest import AdvanceTime, SignIn
from tests.dashboard.test_layout import OpenDashboard, open_dashboard
from tests.helpers.state_helpers import set_up

AN_UPDATE = timedelta(minutes=6)

pytestmark = pytest.mark.usefixtures("recorder_mock")

# Also a fixture of this module.
__all__ = ["open_dashboard"]


@pytest.mark.parametrize("statistics", [True, False])
async def test_each_account_has_charts_of_its_months_and_years(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    open_dashboard: OpenDashboard,
    statistics: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    customer = OldCustomer(bank, years=2, rows=100)
    bank.receive(customer.account.id, 250_000)
    options = {CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING, CONF_STATISTICS: statistics}
    await set_up(hass, sign_in(customer.person, options=options))
    for _update in range(2):
        await advance_time(AN_UPDATE)
    views = (await open_dashboard())["views"]
    if not statistics:
        assert len(views) == 1
        return

    overview, history = views
    assert (overview["title"], history["title"]) == ("Overview", "History")
    (section,) = history["sections"]
    heading, *charts = section["cards"]
    assert heading["heading"] == "Current account"
    assert [chart["title"] for chart in charts] == [
        "Spending by month",
        "Income and spending by month",
        "Spending by year",
    ]
    assert [chart["period"] for chart in charts] == ["month", "month", "year"]
    account = customer.account.id.lower()
    names: dict[str, Any] = {
        row["entity"]: row["name"] for chart in charts for row in chart["entities"]
    }
    assert names == {
        f"monzo:{account}_spending_eating_out": "Eating out",
        f"monzo:{account}_income": "Income",
        f"monzo:{account}_spending": "Spending",
    }

    (only,) = (await open_dashboard(hide_amounts=True))["views"]
    assert "title" not in only
