"""The action that writes notes and metadata on a transaction."""

from dataclasses import replace

from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import BankServer
from tests.helpers.transfer_client import TransferClient, refused

ANNOTATE = "annotate_transaction"


async def test_notes_are_written_replaced_and_cleared(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.current.id, -350)
    for notes in ("Lunch with Sam & Äda\nand Bo", "Lunch", ""):
        response = await transfer_client.call(
            ANNOTATE,
            account=transfer_client.device(home.current),
            transaction_id=row.id,
            notes=notes,
        )
        assert row.notes == notes
        assert response == {
            "transaction_id": row.id,
            "account_id": home.current.id,
            "notes": notes or None,
            "metadata": {"notes": notes} if notes else {},
        }


async def test_the_response_contains_only_stored_metadata(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.current.id, -350, notes="lunch")
    call = {"account": transfer_client.device(home.current), "transaction_id": row.id}
    metadata = {"project": "kitchen", "number": 7}
    response = await transfer_client.call(ANNOTATE, **call, metadata=metadata)
    assert (response["notes"], response["metadata"]) == ("lunch", {})

    bank.behaviour = replace(bank.behaviour, keep_metadata=True)
    response = await transfer_client.call(ANNOTATE, **call, notes="dinner", metadata=metadata)
    assert response["notes"] == "dinner"
    assert response["metadata"] == {"project": "kitchen", "number": "7", "notes": "dinner"}


async def test_a_call_without_notes_and_metadata_is_refused_without_a_request(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    call = {
        "account": transfer_client.device(home.current),
        "transaction_id": bank.pay(home.current.id, -350).id,
    }
    sent = len(server.requests)
    with refused() as refusal:
        await transfer_client.call(ANNOTATE, **call)
    assert refusal.key == "nothing_to_annotate"
    with refused() as refusal:
        await transfer_client.call(ANNOTATE, **call, metadata={})
    assert refusal.key == "nothing_to_annotate"
    assert len(server.requests) == sent


async def test_a_transaction_of_another_account_is_not_annotated(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    row = bank.pay(home.joint.id, -350)
    with refused() as refusal:
        await transfer_client.call(
            ANNOTATE, account=transfer_client.device(home.current), transaction_id=row.id, notes="x"
        )
    assert refusal.key == "not_the_accounts_transaction"
    assert refusal.error.translation_placeholders == {
        "transaction_id": row.id,
        "account": "Current account",
    }
    assert row.notes == ""


async def test_an_unknown_transaction_is_not_annotated(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    bens = bank.pay(home.bens.id, -350)
    for transaction_id in ("tx_0", "../accounts", "Ä/?#%", bens.id):
        with refused() as refusal:
            await transfer_client.call(
                ANNOTATE,
                account=transfer_client.device(home.current),
                transaction_id=transaction_id,
                notes="x",
            )
        assert refusal.key == "not_found"
    assert bens.notes == ""
