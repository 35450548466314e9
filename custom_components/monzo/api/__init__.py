"""A typed client for the Monzo API. It does not depend on Home Assistant."""

from .accounts import Account, Identity, Owner
from .attachments import Attachment, UploadTarget
from .balance import Balance
from .client import API_URL, DEFAULT_TIMEOUT, MAX_PAGE_SIZE, MonzoClient
from .exceptions import (
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoEvictedError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRateLimitError,
    MonzoRejectedError,
    MonzoResponseError,
    MonzoUnreachableError,
    MonzoVerificationRequiredError,
)
from .money import Money, currency_exponent
from .pots import Pot
from .private import Private
from .receipts import Receipt, ReceiptItem, ReceiptMerchant, ReceiptPayment, ReceiptTax
from .records import Records
from .response import parse_retry_after
from .server_clock import ServerClock
from .transactions import Address, Counterparty, Merchant, Transaction
from .webhooks import Webhook

__all__ = [
    "API_URL",
    "DEFAULT_TIMEOUT",
    "MAX_PAGE_SIZE",
    "Account",
    "Address",
    "Attachment",
    "Balance",
    "Counterparty",
    "Identity",
    "Merchant",
    "Money",
    "MonzoAuthenticationError",
    "MonzoClient",
    "MonzoConnectionError",
    "MonzoError",
    "MonzoEvictedError",
    "MonzoNotFoundError",
    "MonzoPermissionError",
    "MonzoRateLimitError",
    "MonzoRejectedError",
    "MonzoResponseError",
    "MonzoUnreachableError",
    "MonzoVerificationRequiredError",
    "Owner",
    "Pot",
    "Private",
    "Receipt",
    "ReceiptItem",
    "ReceiptMerchant",
    "ReceiptPayment",
    "ReceiptTax",
    "Records",
    "ServerClock",
    "Transaction",
    "UploadTarget",
    "Webhook",
    "currency_exponent",
    "parse_retry_after",
]
