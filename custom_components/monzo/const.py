"""Constants of the Monzo integration, each choice with its reason."""

from datetime import time, timedelta
from typing import Final

DOMAIN: Final = "monzo"
MANUFACTURER: Final = "Monzo"

# The version of config entries that Home Assistant's built-in integration writes, so that it can
# take over again.
ENTRY_VERSION: Final = 1
ENTRY_MINOR_VERSION: Final = 3

# Actions filter devices by these models. The built-in integration uses the same texts, and may
# have created the devices or may take them over again.
DEVICE_MODEL_ACCOUNT: Final = "Account"
DEVICE_MODEL_POT: Final = "Pot"

# The model of the devices of budgets, which the built-in integration does not have.
DEVICE_MODEL_BUDGET: Final = "Budget"

CONF_EXCLUDED_ACCOUNTS: Final = "excluded_accounts"
CONF_ALLOW_ANSWERS: Final = "allow_answers"
CONF_ALLOW_TRANSFERS: Final = "allow_transfers"
CONF_ALLOW_LANGUAGE_MODELS: Final = "allow_language_models"
CONF_MAX_PER_TRANSFER: Final = "max_per_transfer"
CONF_MAX_PER_DAY: Final = "max_per_day"
CONF_KEEP_TRANSACTIONS: Final = "keep_transactions"
CONF_ONLY_ADMINISTRATORS: Final = "only_administrators"
CONF_STATISTICS: Final = "statistics"
CONF_PAY_DAY: Final = "pay_day"
CONF_PAY_DAY_OF_MONTH: Final = "pay_day_of_month"

# A dialog about an entry ends with this reason if the user removes the entry meanwhile.
ENTRY_REMOVED: Final = "entry_removed"

# Users create the Monzo client for their sign-in here.
DEVELOPER_PORTAL_URL: Final = "https://developers.monzo.com"
TROUBLESHOOTING_URL: Final = (
    "https://github.com/monzo-for-home-assistant/monzo-for-home-assistant"
    "/blob/main/docs/troubleshooting.md"
)

# Long, because a time-out can lose the only valid refresh token.
TOKEN_TIMEOUT: Final = timedelta(seconds=30)

# The spending of "today" starts from zero at this hour in London, as documented by Monzo.
BANK_TIME_ZONE: Final = "Europe/London"
BANK_DAY_STARTS: Final = time(4)

# Units that people give to their own number helpers; entities of integrations use GBP.
CURRENCY_SYMBOLS: Final = {"GBP": "£"}

# The default title of a feed item names its sender, because all other items are from Monzo.
FEED_TITLE: Final = "Home Assistant"

# Monzo requires a picture for every feed item, and the phone loads it directly. This one is public.
# A picture on Home Assistant's own server would not load, because most are not public.
FEED_IMAGE_URL: Final = "https://brands.home-assistant.io/_/homeassistant/icon.png"
