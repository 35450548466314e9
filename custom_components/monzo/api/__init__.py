"""A typed client for the Monzo API. It does not depend on Home Assistant."""

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
from .models import (
    Account,
    Address,
    Attachment,
    Balance,
    Counterparty,
    Identity,
    Merchant,
    Owner,
    Pot,
    Records,
    Transaction,
    UploadTarget,
    Webhook,
)
from .money import Money, currency_exponent
from .private import Private
from .receipts import Receipt, ReceiptItem, ReceiptMerchant, ReceiptPayment, ReceiptTax
from .response import parse_retry_after
from .server_clock import ServerClock

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
