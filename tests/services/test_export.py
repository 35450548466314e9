"""The action that writes transactions to a file for other programs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
import errno
import json
import os
from pathlib import Path
import stat
import tempfile
from typing import Any

from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockUser
import voluptuous as vol

from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, DOMAIN
from custom_components.monzo.export.csv_format import COLUMNS
from custom_components.monzo.export.formats import FileFormatName
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.services.export import EXPORT_SCHEMA
from custom_components.monzo.transactions import history
from custom_components.monzo.transactions.archive import Archive
from custom_components.monzo.transactions.archive_file import ArchiveFile
from custom_components.monzo.transactions.record import TransactionRecord
from custom_components.monzo.transactions.retention import Retention
from custom_components.monzo.transactions.spans import Spans
from sandbox.bank import Bank
from sandbox.faults import Answer, Edited
from sandbox.household import Household
from sandbox.models import Account, Transaction
from sandbox.server import BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.export.parsers import READERS, csv_rows, read_csv
from tests.helpers.examples import ACCOUNT, FENCE, examples_in
from tests.helpers.state_helpers import set_up, set_up_and_import
from tests.helpers.transfer_client import TransferClient, refused
from tests.test_docs import PAGES

EXPORT = "export_transactions"


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Return the only folder, besides the public one, that Home Assistant may write to."""
    folder = tmp_path / "media"
    folder.mkdir()
    hass.config.allowlist_external_dirs = {str(folder), hass.config.path("www")}
    return folder


class Exporter:
    """Exports transactions of accounts to one file."""

    def __init__(self, client: TransferClient, path: Path) -> None:
        """Initialize with the path of the file."""
        self._client = client
        self.path = path

    async def export(self, *accounts: Account, **fields: object) -> dict[str, Any]:
        """Export accounts, as CSV unless the fields name another format."""
        return await self._client.call(
            EXPORT,
            **{
                "account": [self._client.device(account) for account in accounts],
                "format": "csv",
                "path": str(self.path),
                **fields,
            },
        )

    def device(self, account: Account) -> str:
        """Return the ID of the device of an account."""
        return self._client.device(account)

    async def spending(self, account: Account, **fields: object) -> dict[str, Any]:
        """Return the answer about the spending of an account."""
        return await self._client.call("get_spending", account=self.device(account), **fields)

    @property
    def text(self) -> str:
        """The text of the file."""
        return self.path.read_bytes().decode()

    @property
    def files(self) -> list[str]:
        """The names of all files in the folder."""
        return sorted(file.name for file in self.path.parent.iterdir())


@pytest.fixture
def exporter(transfer_client: TransferClient, folder: Path) -> Exporter:
    """Return an exporter to a new file."""
    return Exporter(transfer_client, folder / "monzo.csv")


def ledger(bank: Bank, *accounts: Account, days: int = 30) -> dict[str, Transaction]:
    """Return the bank's transactions that moved money in the last days, by ID."""
    since = dt_util.utcnow() - timedelta(days=days)
    return {
        row.id: row
        for account in accounts
        for row in bank.transactions(account.id)
        if row.created >= since and row.amount and not row.decline_reason
    }


# The file


@pytest.mark.parametrize("format_name", FileFormatName)
async def test_the_file_of_two_accounts_equals_the_ledger_to_the_penny(
    exporter: Exporter, home: Household, bank: Bank, format_name: FileFormatName
) -> None:
    bank.pay(home.joint.id, -3_000, categories={"groceries": -1_800, "gifts": -1_200})
    bank.pay(
        home.current.id, -1_234, local_amount=-1_950, local_currency="JPY", merchant="寿司, Tokyo"
    )
    bank.decline(home.current.id, -7_000)
    bank.pay(home.current.id, 0)
    response = await exporter.export(home.current, home.joint, format=format_name)
    rows = ledger(bank, home.current, home.joint)
    assert len(rows) > 60
    read = READERS[format_name](exporter.text)
    assert {each.transaction_id: each.amount for each in read} == {
        row.id: Decimal(row.amount) / 100 for row in rows.values()
    }
    assert len(read) == len(rows)
    total = sum(row.amount for row in rows.values())
    assert sum(each.amount for each in read) == Decimal(total) / 100
    assert response == {
        "path": str(exporter.path),
        "since": response["since"],
        "before": response["before"],
        "complete": True,
        "missing": [],
        "count": len(rows),
        "sums": {"GBP": total / 100},
    }


async def test_every_transaction_belongs_to_its_account(
    exporter: Exporter, home: Household, bank: Bank
) -> None:
    await exporter.export(home.current, home.joint)
    names = {row["transaction_id"]: row["account"] for row in csv_rows(exporter.text)}
    accounts = {id_: names[id_] for id_ in ledger(bank, home.joint)}
    assert len(set(accounts.values())) == 1
    assert set(names.values()) != set(accounts.values())


async def test_accounts_of_the_same_name_are_told_apart(
    exporter: Exporter,
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
) -> None:
    registry = dr.async_get(transfer_client.hass)
    for account in (home.current, home.joint):
        registry.async_update_device(transfer_client.device(account), name_by_user="Ours")
    await exporter.export(home.current, home.joint)
    names = {each.account for each in read_csv(exporter.text)}
    assert names == {f"Ours {home.current.id[-4:]}", f"Ours {home.joint.id[-4:]}"}


async def test_an_account_that_is_chosen_twice_is_exported_once(
    exporter: Exporter, home: Household, bank: Bank
) -> None:
    response = await exporter.export(home.joint, home.joint)
    assert response["count"] == len(ledger(bank, home.joint))


async def test_accounts_of_two_people_can_be_in_one_file(
    exporter: Exporter,
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    await advance_time(timedelta(minutes=6))
    ben = sign_in(home.ben)
    await set_up(transfer_client.hass, ben)
    device = transfer_client.seen_from(transfer_client.hass, ben).device(home.bens)
    response = await exporter.export(
        account=[transfer_client.device(home.current), device],
        since=dt_util.utcnow() - timedelta(days=3),
    )
    assert response["count"] == len(ledger(bank, home.current, home.bens, days=3))


async def test_the_file_of_yen_has_no_decimals(
    exporter: Exporter,
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    advance_time: AdvanceTime,
) -> None:
    await advance_time(timedelta(minutes=6))
    yen = bank.open_account(home.ann, currency="JPY", balance=100_000)
    bank.pay(yen.id, -1_234)
    assert await transfer_client.hass.config_entries.async_reload(transfer_client.entry.entry_id)
    response = await exporter.export(yen, home.joint)
    assert response["sums"]["JPY"] == sum(row.amount for row in ledger(bank, yen).values())
    assert {row["amount"] for row in csv_rows(exporter.text)} >= {"-1234"}


async def test_the_period_begins_inclusive_and_ends_exclusive(
    exporter: Exporter, home: Household, bank: Bank
) -> None:
    since, before = (
        (dt_util.utcnow() - timedelta(days=days)).replace(microsecond=0) for days in (20, 10)
    )
    first = bank.pay(home.joint.id, -2, at=since)
    last = bank.pay(home.joint.id, -3, at=before - timedelta(milliseconds=1))
    too_early = bank.pay(home.joint.id, -1, at=since - timedelta(milliseconds=1))
    too_late = bank.pay(home.joint.id, -4, at=before)
    await exporter.export(home.joint, since=since, before=before)
    exported = {each.transaction_id for each in read_csv(exporter.text)}
    assert exported >= {first.id, last.id}
    assert not exported & {too_early.id, too_late.id}


async def test_a_file_that_lacks_an_unreadable_transaction_is_not_complete(
    exporter: Exporter, home: Household, server: BankServer
) -> None:
    def spoil(data: dict[str, Any]) -> dict[str, Any]:
        data["transactions"][-1]["amount"] = "much"
        return data

    server.fail("GET", "/transactions", Edited(spoil), times=1)
    assert (await exporter.export(home.joint))["complete"] is False


async def test_only_the_user_of_home_assistant_can_read_the_file(
    exporter: Exporter, home: Household
) -> None:
    await exporter.export(home.joint)
    assert stat.S_IMODE(exporter.path.stat().st_mode) == 0o600
    assert exporter.files == ["monzo.csv"]


async def test_a_relative_path_starts_at_the_configuration_folder(
    exporter: Exporter, hass: HomeAssistant, home: Household, tmp_path: Path
) -> None:
    hass.config.config_dir = str(tmp_path)
    response = await exporter.export(home.joint, path="media/monzo.csv")
    assert response["path"] == str(exporter.path)
    assert exporter.path.exists()


# An existing file


async def test_an_existing_file_is_replaced_only_with_overwrite(
    exporter: Exporter, home: Household, server: BankServer
) -> None:
    exporter.path.write_text("mine")
    sent = len(server.requests)
    with refused() as refusal:
        await exporter.export(home.joint)
    assert refusal.key == "export_file_exists"
    assert str(exporter.path) in refusal.text
    assert (exporter.text, len(server.requests)) == ("mine", sent)

    await exporter.export(home.joint, overwrite=True)
    assert read_csv(exporter.text)
    assert exporter.files == ["monzo.csv"]


async def test_a_file_that_appears_meanwhile_is_not_replaced(
    exporter: Exporter, home: Household, server: BankServer
) -> None:
    def appear(data: dict[str, Any]) -> dict[str, Any]:
        exporter.path.write_text("mine")
        return data

    server.fail("GET", "/transactions", Edited(appear), times=1)
    with refused() as refusal:
        await exporter.export(home.joint)
    assert refusal.key == "export_file_exists"
    assert exporter.text == "mine"
    assert exporter.files == ["monzo.csv"]


# Invalid calls


UNUSABLE_PATHS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "outside of the allowed folders": (
        lambda it: it.parent / "monzo.csv",
        "export_path_not_allowed",
    ),
    "out of an allowed folder": (lambda it: it / "../monzo.csv", "export_path_not_allowed"),
    "through a link": (lambda it: it / "link/monzo.csv", "export_path_not_allowed"),
    "a link": (lambda it: it / "linked.csv", "export_path_not_allowed"),
    "a missing folder": (lambda it: it / "2026/monzo.csv", "export_folder_missing"),
    "a file as a folder": (lambda it: it / "file/monzo.csv", "export_folder_missing"),
    "a folder": (lambda it: it / "folder", "export_path_is_folder"),
    "the allowed folder": (lambda it: it, "export_path_is_folder"),
    "a name that no file can have": (lambda it: it / "mon\x00zo.csv", "export_path_not_allowed"),
    "a name that is too long": (lambda it: it / f"{'x' * 300}.csv", "export_not_written"),
}


def everything_in(folder: Path) -> list[Path]:
    """Return all files and folders in a folder."""
    return sorted(folder.rglob("*"))


async def test_a_path_that_cannot_be_written_is_refused_and_nothing_is_written(
    exporter: Exporter,
    home: Household,
    folder: Path,
    tmp_path: Path,
    subtests: pytest.Subtests,
) -> None:
    (folder / "folder").mkdir()
    (folder / "file").touch()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file.csv").write_text("mine")
    (folder / "link").symlink_to(outside)
    (folder / "linked.csv").symlink_to(outside / "file.csv")
    before = everything_in(tmp_path)
    for name, (path, key) in UNUSABLE_PATHS.items():
        with subtests.test(name):
            with refused() as refusal:
                await exporter.export(home.joint, path=str(path(folder)), overwrite=True)
            assert refusal.key == key
            assert str(path(folder))[:200] in refusal.text
            assert everything_in(tmp_path) == before
            assert (outside / "file.csv").read_text() == "mine"


async def test_a_public_folder_is_refused(
    exporter: Exporter, hass: HomeAssistant, home: Household, tmp_path: Path
) -> None:
    hass.config.config_dir = str(tmp_path)
    public = tmp_path / "www"
    public.mkdir()
    hass.config.allowlist_external_dirs.add(str(public))
    for path in (public / "monzo.csv", public / "private/monzo.csv"):
        with refused() as refusal:
            await exporter.export(home.joint, path=str(path))
        assert refusal.key == "export_path_public"
    assert list(public.iterdir()) == []


async def test_a_period_that_ends_before_it_begins_is_refused_without_a_request(
    exporter: Exporter, home: Household, server: BankServer
) -> None:
    sent = len(server.requests)
    now = dt_util.utcnow()
    with refused() as refusal:
        await exporter.export(
            home.joint, since=now - timedelta(days=1), before=now - timedelta(days=2)
        )
    assert refusal.key == "since_not_before"
    assert (exporter.files, len(server.requests)) == ([], sent)


async def test_the_devices_must_be_accounts(
    exporter: Exporter, transfer_client: TransferClient, home: Household
) -> None:
    for device, key in (
        (transfer_client.device(home.holiday), "not_an_account"),
        ("no such device", "service_device_not_found"),
    ):
        with refused() as refusal:
            await exporter.export(account=[transfer_client.device(home.joint), device])
        assert refusal.key == key
    assert exporter.files == []


def test_an_invalid_field_is_named(subtests: pytest.Subtests) -> None:
    valid = {"account": "device", "format": "csv", "path": "/media/monzo.csv"}
    assert EXPORT_SCHEMA(valid)["account"] == ["device"]
    for field, value in (
        ("account", []),
        ("account", [None]),
        ("format", "pdf"),
        ("format", None),
        ("path", " "),
        ("path", None),
        ("since", "yesterday"),
        ("before", 12),
        ("overwrite", "perhaps"),
        ("limit", 7),
    ):
        with subtests.test(field=field, value=value), pytest.raises(vol.Invalid, match=field):
            EXPORT_SCHEMA({**valid, field: value})
    for field in valid:
        with subtests.test(missing=field), pytest.raises(vol.Invalid, match=field):
            EXPORT_SCHEMA({key: valid[key] for key in valid if key != field})


async def test_a_user_must_be_an_administrator(
    transfer_client: TransferClient,
    exporter: Exporter,
    home: Household,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
) -> None:
    fields = {
        "account": transfer_client.device(home.joint),
        "format": "qif",
        "path": str(exporter.path),
    }

    async def call(user: MockUser) -> None:
        await transfer_client.hass.services.async_call(
            DOMAIN, EXPORT, fields, blocking=True, context=Context(user_id=user.id)
        )

    with pytest.raises(Unauthorized):
        await call(hass_read_only_user)
    assert exporter.files == []
    await call(hass_admin_user)
    assert exporter.files == ["monzo.csv"]
    supported = transfer_client.hass.services.supports_response(DOMAIN, EXPORT)
    assert supported is SupportsResponse.OPTIONAL


# Failures


def fail_with(error: OSError) -> Callable[..., Any]:
    """Return a function that raises an error of the operating system."""

    def fail(*_args: object, **_options: object) -> None:
        raise error

    return fail


FULL = OSError(errno.ENOSPC, "No space left on device")
ERRORS = {
    "full": (FULL, "export_disk_full"),
    "quota": (OSError(errno.EDQUOT, "Disk quota exceeded"), "export_disk_full"),
    "read-only": (OSError(errno.EROFS, "Read-only file system"), "export_not_written"),
}


@pytest.mark.parametrize(
    ("module", "function"),
    [(tempfile, "mkstemp"), (os, "fsync"), (Path, "replace")],
    ids=["at the first write", "at the last write", "at the end"],
)
async def test_a_full_or_read_only_disk_leaves_the_earlier_file(
    exporter: Exporter,
    home: Household,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    function: str,
    subtests: pytest.Subtests,
) -> None:
    exporter.path.write_text("last month")
    for name, (error, key) in ERRORS.items():
        with subtests.test(name):
            with monkeypatch.context() as disk:
                disk.setattr(module, function, fail_with(error))
                with refused() as refusal:
                    await exporter.export(home.joint, overwrite=True)
            assert refusal.key == key
            assert not isinstance(refusal.error, ServiceValidationError)
            assert str(exporter.path) in refusal.text
            assert exporter.text == "last month"
            assert exporter.files == ["monzo.csv"]


async def test_a_bank_that_fails_halfway_leaves_the_earlier_file(
    exporter: Exporter, home: Household, bank: Bank, server: BankServer
) -> None:
    exporter.path.write_text("last month")
    for number in range(150):
        bank.pay(home.joint.id, -1 - number)
    # The first page arrives.
    server.fail("GET", "/transactions", Answer.error("bad_request.bad_param"), after=1)
    with refused() as refusal:
        await exporter.export(home.joint, overwrite=True)
    assert refusal.key == "rejected"
    assert exporter.text == "last month"
    assert exporter.files == ["monzo.csv"]


# Kept transactions


@pytest.fixture
async def keeper(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    folder: Path,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> Exporter:
    """Return an exporter for Ann, who keeps everything, after the bank's 89 days were read."""
    for days in (*range(1, 88, 3), 300, 450):
        bank.pay(home.joint.id, -100 - days, at=bank.clock() - timedelta(days=days))
    entry = sign_in(home.ann, options={CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING})
    await set_up_and_import(hass, entry, advance_time, polls=15, every=timedelta(minutes=5))
    return Exporter(TransferClient(hass, entry, bank, server), folder / "monzo.csv")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read few transactions of the archive at once."""
    monkeypatch.setattr(history, "_RECORDS_AT_ONCE", 10)


async def test_kept_transactions_are_exported_without_a_request(
    keeper: Exporter, small_pages: None, home: Household, bank: Bank, server: BankServer
) -> None:
    rows = ledger(bank, home.joint, home.current, days=85)
    server.requests.clear()
    for format_name in FileFormatName:
        response = await keeper.export(
            home.joint,
            home.current,
            format=format_name,
            since=dt_util.utcnow() - timedelta(days=85),
            overwrite=True,
        )
        read = READERS[format_name](keeper.text)
        assert {each.transaction_id: each.amount for each in read} == {
            id_: Decimal(row.amount) / 100 for id_, row in rows.items()
        }
        assert len(read) == response["count"] == len(rows) > 60
        assert response["complete"]
    assert not server.requests


async def test_a_payment_that_the_bank_took_back_is_not_exported(
    keeper: Exporter, home: Household, bank: Bank, advance_time: AdvanceTime
) -> None:
    hold = bank.pay(home.joint.id, -20_000, merchant="Hotel")
    await advance_time(timedelta(minutes=5))
    await keeper.export(home.joint)
    assert hold.id in keeper.text
    bank.release(hold.id)
    await advance_time(timedelta(minutes=61))
    await keeper.export(home.joint, overwrite=True)
    assert hold.id not in keeper.text


@pytest.mark.parametrize("pages", [0, 2])
async def test_the_rest_comes_from_the_bank_if_the_archive_cannot_be_read(
    keeper: Exporter,
    small_pages: None,
    home: Household,
    bank: Bank,
    server: BankServer,
    monkeypatch: pytest.MonkeyPatch,
    pages: int,
) -> None:
    find, left = ArchiveFile.find, [None] * pages

    def fail_later(*arguments: Any) -> list[TransactionRecord]:
        if not left:
            raise OSError(errno.EIO, "Input/output error")
        left.pop()
        return find(*arguments)

    monkeypatch.setattr(ArchiveFile, "find", fail_later)
    server.requests.clear()
    response = await keeper.export(home.joint)
    rows = ledger(bank, home.joint)
    assert sorted(each.transaction_id for each in read_csv(keeper.text)) == sorted(rows)
    assert response["count"] == len(rows) > 20
    assert server.requests


async def test_the_file_joins_the_archive_with_the_bank_and_names_what_is_missing(
    keeper: Exporter,
    small_pages: None,
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
) -> None:
    now = dt_util.utcnow()
    archive = async_get_memory(hass).find(Archive)
    assert archive

    def ago(days: int) -> datetime:
        return now - timedelta(days=days)

    log = archive.logs[home.joint.id]
    log.spans = Spans([(ago(500), ago(400)), (ago(80), ago(50)), (ago(40), now)])
    response = await keeper.export(home.joint, since=ago(600))

    rows = {
        id_: row
        for id_, row in ledger(bank, home.joint, days=600).items()
        if row.created >= ago(89) or ago(500) <= row.created < ago(400)
    }
    exported = [each.transaction_id for each in read_csv(keeper.text)]
    assert sorted(exported) == sorted(rows)
    assert any(row.created < ago(400) for row in rows.values())
    assert response["complete"] is False
    first, second = response["missing"]
    assert first == {
        "account": keeper.device(home.joint),
        "since": ago(600).isoformat(),
        "before": ago(500).isoformat(),
    }
    assert second["since"] == ago(400).isoformat()
    visible = datetime.fromisoformat(second["before"])
    assert timedelta(0) <= visible - ago(89) <= timedelta(minutes=10)

    joined = await keeper.export(home.joint, since=ago(85), overwrite=True)
    assert (joined["complete"], joined["missing"]) == (True, [])
    spending = await keeper.spending(home.joint, since=ago(600))
    assert (spending["complete"], len(spending["missing"])) == (False, 2)


# The page about the export


async def test_the_example_exports_the_last_month(
    exporter: Exporter,
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    folder: Path,
) -> None:
    hass = transfer_client.hass
    assert await async_setup_component(hass, "persistent_notification", {})
    (example,) = examples_in("docs/export.md")
    automation = example.with_devices({ACCOUNT: transfer_client.device(home.current)})
    data = automation["actions"][0]["data"]
    data["path"] = data["path"].replace("/media", str(folder))
    script = {"example": {"sequence": automation["actions"]}}
    assert await async_setup_component(hass, "script", {"script": script})
    await hass.services.async_call("script", "example", blocking=True)

    end = dt_util.start_of_local_day()
    since = (end - timedelta(days=1)).replace(day=1)
    rows = [row for row in ledger(bank, home.current).values() if since <= row.created < end]
    path = folder / f"monzo-{since:%Y-%m}.csv"
    assert len(read_csv(path.read_text())) == len(rows) > 10
    (notification,) = hass.data["persistent_notification"].values()
    total = sum(row.amount for row in rows) / 100
    assert notification["message"].strip() == (
        f"{len(rows)} transactions, {total} GBP in total, are in {path}."
    )


def test_the_configuration_for_firefly_gives_every_column_a_role() -> None:
    ((language, text),) = FENCE.findall(PAGES["export.md"].section("Firefly III"))
    assert language == "json"
    config = json.loads(text)
    assert len(config["roles"]) == len(COLUMNS)
    roles = dict(zip(COLUMNS, config["roles"], strict=True))
    assert roles["amount"] == "amount"
    assert (roles["local_amount"], roles["local_currency"]) == (
        "amount_foreign",
        "foreign-currency-code",
    )
    assert COLUMNS[config["unique_column_index"]] == "transaction_id"
    assert roles["transaction_id"] == config["unique_column_type"]
