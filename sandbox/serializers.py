"""Monzo's JSON as recorded. Missing values are null, "", [], {} or a missing key, like at Monzo."""

from datetime import UTC, datetime

from .bank import NUMBERED_TYPES
from .models import (
    Account,
    Attachment,
    Balance,
    JsonObject,
    Merchant,
    Person,
    Pot,
    Receipt,
    Transaction,
    Webhook,
)

# Account types whose recordings are from before 2024, without the keys that were added then.
_OLDER_TYPES = frozenset(
    {"uk_business", "uk_monzo_flex_backing_loan", "uk_prepaid", "uk_retail_joint"}
)

_PRODUCT_TYPES = {"uk_loan": "loan", "uk_monzo_flex": "flex", "uk_rewards": "rewards"}

_ICONS = {"uk_monzo_flex": "flex", "uk_retail": "personal"}


def timestamp(moment: datetime) -> str:
    """Return a time as in transactions: UTC, milliseconds without trailing zeros."""
    return full_timestamp(moment).removesuffix("Z").rstrip("0").removesuffix(".") + "Z"


def full_timestamp(moment: datetime) -> str:
    """Return a time as in accounts and pots: UTC, always with three decimals."""
    moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def account_json(account: Account) -> JsonObject:
    """Return an account as recorded for its type; unknown types have the newest format."""
    data: JsonObject = {
        "id": account.id,
        "closed": account.closed,
        "created": full_timestamp(account.created),
        "description": account.description,
        "type": account.type,
    }
    newer = account.type not in _OLDER_TYPES
    if newer:
        data |= {
            "owner_type": "unknown" if account.type == "uk_loan" else "personal",
            "is_flex": account.type == "uk_monzo_flex",
            "product_type": _PRODUCT_TYPES.get(account.type, "standard"),
            "closed_account_app_access": False,
            "legal_entity": "monzo_uk",
            "country_code_alpha3": "GBR",
        }
    data |= {
        "currency": account.currency,
        "country_code": "GB",
        "owners": [_owner_json(owner) for owner in account.owners],
    }
    if account.business_id:
        data["business_id"] = account.business_id
    if account.type in NUMBERED_TYPES:
        data |= _number_json(account, with_iban=newer)
    if account.type in _ICONS:
        icon = _ICONS[account.type]
        data["assets"] = {
            "image_url": f"https://public-images.monzo.com/card_styles/account_icon/{icon}@3x.png"
        }
    return data


def _owner_json(person: Person) -> JsonObject:
    return {
        "user_id": person.user_id,
        "preferred_name": person.name,
        "preferred_first_name": person.first_name,
    }


def _number_json(account: Account, *, with_iban: bool) -> JsonObject:
    number: JsonObject = {"account_number": account.number, "sort_code": "040004"}
    if not with_iban:
        return {**number, "payment_details": {"locale_uk": number}}
    digits = f"GB00MONZ040004{account.number}"
    iban = {
        "unformatted": digits,
        "formatted": " ".join(digits[start : start + 4] for start in range(0, len(digits), 4)),
        "bic": "MONZGB2L",
        "usage_description": "Receive payments from abroad. [Learn more...](monzo://sandbox)",
        "usage_description_web": "Receive payments from abroad.",
    }
    return {
        **number,
        "payment_details": {"locale_uk": number, "iban": iban},
        "monzo_branch_address_formatted": "Sandbox Bank, 1 Sand Street, London, United Kingdom",
    }


def balance_json(balance: Balance) -> JsonObject:
    """Return a balance; without a travel currency, the local currency is "" and the rate is 0."""
    return {
        "balance": balance.balance,
        "total_balance": balance.total_balance,
        "balance_including_flexible_savings": balance.with_savings,
        "currency": balance.currency,
        "spend_today": balance.spend_today,
        "local_currency": balance.abroad.currency if balance.abroad else "",
        "local_exchange_rate": balance.abroad.rate if balance.abroad else 0,
        "local_spend": [
            {"spend_today": spent, "currency": currency}
            for currency, spent in balance.local_spend.items()
        ],
    }


def pot_json(pot: Pot, *, account_id: str | None = None) -> JsonObject:
    """Return a pot; a pot without a goal has no `goal_amount`."""
    data: JsonObject = {
        "id": pot.id,
        "name": pot.name,
        "style": pot.style,
        "balance": pot.balance,
        "currency": pot.currency,
        "type": pot.type,
        "product_id": "default" if pot.type == "default" else "Sandbox_2024-01-01_Easy_Access",
        "current_account_id": account_id or pot.account_id,
        "cover_image_url": "",
        "isa_wrapper": "ISA" if pot.isa else "",
        "round_up": pot.round_up,
        "round_up_multiplier": pot.round_up_multiplier,
        "is_tax_pot": False,
        "created": full_timestamp(pot.created),
        "updated": full_timestamp(pot.updated),
        "deleted": pot.deleted,
        "locked": pot.locked,
        "available_for_bills": pot.type == "default",
        "has_virtual_cards": False,
    }
    if pot.goal is not None:
        data["goal_amount"] = pot.goal
    if pot.locked_until is not None:
        data["locked_until"] = full_timestamp(pot.locked_until)
    return data


def transaction_json(transaction: Transaction, *, expand_merchant: bool) -> JsonObject:
    """Return a transaction with every key of the latest recordings.

    Only a declined payment has `decline_reason`; `settled` is "" while pending.
    """
    by_card = transaction.merchant is not None
    by_pot = "pot_id" in transaction.metadata
    data: JsonObject = {
        "id": transaction.id,
        "created": timestamp(transaction.created),
        "description": transaction.description,
        "amount": transaction.amount,
        "fees": {},
        "currency": transaction.currency,
        "merchant": _merchant_json(transaction.merchant, expand=expand_merchant),
        "merchant_feedback_uri": "",
        "notes": transaction.notes,
        "metadata": dict(transaction.metadata),
        "labels": None,
        "attachments": [_transaction_attachment_json(item) for item in transaction.attachments]
        or None,
        "international": None,
        "category": transaction.category,
        "categories": None
        if by_pot
        else transaction.categories or {transaction.category: transaction.amount},
        "is_load": transaction.is_load,
        "settled": timestamp(transaction.settled) if transaction.settled else "",
        "local_amount": transaction.local_amount,
        "local_currency": transaction.local_currency,
        "updated": timestamp(transaction.updated),
        "account_id": transaction.account_id,
        "user_id": transaction.user_id,
        "counterparty": dict(transaction.counterparty),
        "scheme": transaction.scheme,
        "dedupe_id": transaction.dedupe_id,
        "originator": transaction.originator,
        "include_in_spending": transaction.include_in_spending,
        "can_be_excluded_from_breakdown": by_card,
        "can_be_made_subscription": by_card,
        "can_split_the_bill": by_card,
        "can_add_to_tab": by_card,
        "can_match_transactions_in_categorization": by_card,
        "amount_is_pending": transaction.amount_is_pending,
        "atm_fees_detailed": _atm_fee_json(transaction),
        "parent_account_id": "",
    }
    if transaction.decline_reason:
        data["decline_reason"] = transaction.decline_reason
    if transaction.virtual_card:
        data["virtual_card"] = _virtual_card_json(transaction)
    return data


def documented_transaction_json(transaction: Transaction) -> JsonObject:
    """Return a transaction with the few keys of the documentation's webhook example."""
    full = transaction_json(transaction, expand_merchant=True)
    keys = (
        "account_id",
        "amount",
        "created",
        "currency",
        "description",
        "id",
        "category",
        "is_load",
        "settled",
        "merchant",
    )
    return {key: full[key] for key in keys}


def _merchant_json(merchant: Merchant | None, *, expand: bool) -> JsonObject | str | None:
    if merchant is None:
        return None
    if not expand:
        return merchant.id
    address = merchant.address
    short = "Somewhere in the world"
    if address.street:
        short = f"{address.street}, {address.city} {address.postcode}"
    return {
        "id": merchant.id,
        "group_id": merchant.group_id,
        "name": merchant.name,
        "logo": merchant.logo,
        "emoji": merchant.emoji,
        "category": merchant.category,
        "online": merchant.online,
        "atm": merchant.atm,
        "address": {
            "short_formatted": short,
            "formatted": f"{short}, {address.country_name}"
            if address.street
            else address.country_name,
            "address": address.street,
            "city": address.city,
            "region": "",
            "country": address.country,
            "postcode": address.postcode,
            "latitude": address.latitude,
            "longitude": address.longitude,
            "zoom_level": 17 if address.street else 5,
            "approximate": not address.street,
        },
        "disable_feedback": False,
        "suggested_tags": f"#{merchant.category}",
        "metadata": {
            "created_for_merchant": merchant.id,
            "provider": "user",
            "provider_id": "",
            "suggested_tags": f"#{merchant.category}",
        },
    }


def _atm_fee_json(transaction: Transaction) -> JsonObject | None:
    if transaction.atm_fee is None:
        return None
    return {
        "allowance_id": "",
        "allowance_usage_explainer_text": "",
        "fee_amount": transaction.atm_fee.fee,
        "fee_currency": transaction.currency,
        "fee_summary": "",
        "withdrawal_amount": transaction.atm_fee.withdrawal,
        "withdrawal_currency": transaction.currency,
    }


def _virtual_card_json(transaction: Transaction) -> JsonObject:
    return {
        "id": "virtcard_0000000000000000000001",
        "account_id": transaction.account_id,
        "name": transaction.virtual_card,
        "card_design_id": "",
        "card_details": {
            "card_id": "mccard_0000000000000000000002",
            "last_digits": "0002",
            "name": transaction.virtual_card,
            "expires": "12/30",
        },
        "source_details": {"type": "account", "source_id": transaction.account_id, "name": ""},
        "created": timestamp(transaction.created),
    }


def attachment_json(attachment: Attachment) -> JsonObject:
    """Return an attachment as in the response to its registration."""
    return {
        "id": attachment.id,
        "user_id": attachment.user_id,
        "external_id": attachment.transaction_id,
        "file_url": attachment.file_url,
        "file_type": attachment.file_type,
        "created": timestamp(attachment.created),
    }


def _transaction_attachment_json(attachment: Attachment) -> JsonObject:
    """Return an attachment as in a transaction, where two values have two keys each."""
    data = attachment_json(attachment)
    return data | {"type": attachment.file_type, "url": attachment.file_url}


def receipt_json(receipt: Receipt) -> JsonObject:
    """Return a receipt, with Monzo's empty values for the fields that were not sent."""
    merchant_keys = ("name", "phone", "email", "store_name", "store_address", "store_postcode")
    sent = receipt.body.get("merchant")
    merchant = dict.fromkeys(merchant_keys, "") | {"online": False}
    return {
        "id": receipt.id,
        "external_id": receipt.external_id,
        "transaction_id": receipt.transaction_id,
        "proof_of_purchase_id": "",
        "total": receipt.body["total"],
        "currency": receipt.body["currency"],
        "merchant": merchant | (sent if isinstance(sent, dict) else {}),
        "payments": receipt.body.get("payments") or [],
        "taxes": receipt.body.get("taxes") or [],
        "items": receipt.body["items"],
        "barcode": None,
    }


def webhook_json(webhook: Webhook) -> JsonObject:
    """Return a registered webhook."""
    return {"account_id": webhook.account_id, "id": webhook.id, "url": webhook.url}
