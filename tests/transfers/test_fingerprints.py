"""Fingerprints stay as they were in release 1.0.0, so that a repeated call is recognized."""

from decimal import Decimal
from typing import Any

import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.transfers import (
    Deposit,
    Distribution,
    KeepAccountAt,
    MoveBetweenPots,
    MoveDirection,
    Percentage,
    Remainder,
    SetPotBalance,
    TransferRequest,
    Withdrawal,
)


def gbp(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


def request[RequestT: TransferRequest](
    request_class: type[RequestT], *pots: str, currency: str = "GBP", **fields: Any
) -> RequestT:
    common: dict[str, Any] = {"dedupe_id": "call", "is_id_new": True, "account_id": "acc"}
    return request_class(**common, pot_ids=pots, currency=currency, **fields)


def set_pot_balance(**fields: Any) -> SetPotBalance:
    return request(SetPotBalance, "pot_a", read_followed=lambda: gbp("1.00"), **fields)


# Computed by release 1.0.0.
FINGERPRINTS: dict[str, tuple[TransferRequest, str]] = {
    "an exact deposit": (
        request(Deposit, "pot_a", share=gbp("12.34")),
        "ca1232d9556ea03dcd1ee579aa4c445b5a9007c942fc8c6a4ba1cda3abe71f23",
    ),
    "a percentage with a minimum": (
        request(Deposit, "pot_a", share=Percentage(Decimal("33.30")), keep_at_least=gbp("100.00")),
        "8b63d6327f13cc34d3dd77380431f69c99d2184b3f2f46fb4dc77e1aa991eba4",
    ),
    "a withdrawal of everything": (
        request(Withdrawal, "pot_a", share=Remainder(), keep_at_least=gbp("0.00")),
        "7a75768dab7edeff08f4460677383ba6a23700be46ef77fd4ff21443279f9b51",
    ),
    "yen": (
        request(Deposit, "pot_a", currency="JPY", share=Money(Decimal(500), "JPY")),
        "1ef339f7e5d9cf23633855be25e8ff57da4dac1d5da7a4c2983b194a0f1ecec4",
    ),
    "a target balance of a pot": (
        set_pot_balance(amount=gbp("700.00"), followed_entity="", most=gbp("25.00")),
        "3fa09f551b71a4070b4793ce05f15d25bcf2ef961c92b5107e7c59068cfa0e87",
    ),
    "a pot that follows an entity": (
        set_pot_balance(
            amount=None,
            followed_entity="sensor.credit_card",
            most=None,
            keep_at_least=gbp("250.00"),
        ),
        "ca2e88f7482330cd985a4ef84de6609c4c1666798d62f5479883083734190265",
    ),
    "a sweep of an account": (
        request(
            KeepAccountAt,
            "pot_a",
            amount=gbp("500.00"),
            most=None,
            smallest=gbp("10.00"),
            only=MoveDirection.DEPOSIT,
        ),
        "899cc805bbc48b188992b02299bb1ff6fcb15113bad059eef217ab588c60dbe2",
    ),
    "a target balance of an account": (
        request(
            KeepAccountAt,
            "pot_a",
            amount=gbp("500.00"),
            most=gbp("1.00"),
            smallest=None,
            only=None,
        ),
        "2c85eeb88dfe81314dff97b1184922a825dc160a495ecc5ad0f6bf4d8aa3e254",
    ),
    "a distribution": (
        request(
            Distribution,
            "pot_a",
            "pot_b",
            "pot_c",
            shares=(gbp("100.00"), Percentage(Decimal(10)), Remainder()),
            whole=None,
            keep_at_least=gbp("50.00"),
        ),
        "3356a2b7744d0c242f9a1d7c0d4e8efad95426a8389a5ee54046a8b62c1897e2",
    ),
    "a move between pots": (
        request(MoveBetweenPots, "pot_a", "pot_b", share=gbp("40.00")),
        "ce865a213a438ff00e52047ecd3d3077d15217f0c34009025def6709ec767aff",
    ),
}


@pytest.mark.parametrize(("made", "expected"), FINGERPRINTS.values(), ids=FINGERPRINTS.keys())
def test_a_fingerprint_is_that_of_release_1_0_0(made: TransferRequest, expected: str) -> None:
    assert made.fingerprint == expected
