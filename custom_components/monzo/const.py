"""Constants of the Monzo integration, each choice with its reason."""

from datetime import time, timedelta
from typing import Final

DOMAIN: Final = "monzo"
MANUFACTURER: Final = "Monzo"

# The version of config entries that Home Assistant's built-in integration writes, so that it can
# take over again.
ENTRY_VERSION: Final = 1
ENTRY_MINOR_VERSION: Final = 3

# Actions pick their targets by these texts, and so do those of Home Assistant's built-in
# integration, which may have written the devices or may get them back.
DEVICE_MODEL_ACCOUNT: Final = "Account"
DEVICE_MODEL_POT: Final = "Pot"

CONF_EXCLUDED_ACCOUNTS: Final = "excluded_accounts"
CONF_ALLOW_TRANSFERS: Final = "allow_transfers"
CONF_MAX_PER_TRANSFER: Final = "max_per_transfer"
CONF_MAX_PER_DAY: Final = "max_per_day"

# Where people create the client that Home Assistant signs in with.
DEVELOPER_PORTAL_URL: Final = "https://developers.monzo.com"
TROUBLESHOOTING_URL: Final = (
    "https://github.com/monzo-for-home-assistant/monzo-for-home-assistant"
    "/blob/main/docs/troubleshooting.md"
)

# Pots change with money moving, which the balances betray, or by hand in the app.
POTS_OUTDATED_AFTER: Final = timedelta(minutes=10)

# People open a new account once in years.
ACCOUNTS_OUTDATED_AFTER: Final = timedelta(hours=1)

# Long enough for a proxy to have changed its mind, short enough not to be noticed.
ASK_AGAIN_AFTER: Final = timedelta(seconds=2)

# Generous, because an answer that is given up on loses the only valid refresh token.
TOKEN_TIMEOUT: Final = timedelta(seconds=30)

# What was spent "today" starts anew at this hour in London, as Monzo's documentation has it.
BANK_TIME_ZONE: Final = "Europe/London"
BANK_DAY_STARTS: Final = time(4)

# What people call pounds in helpers of their own; entities of integrations say GBP.
CURRENCY_SYMBOLS: Final = {"GBP": "£"}

# The title of a feed item if nobody gives one: who it comes from, for the rest of the feed is all
# Monzo's.
FEED_TITLE: Final = "Home Assistant"

# Monzo wants a picture with every item, which the phone loads by itself: so one that is public for
# good, and shows whom the item comes from. A picture of Home Assistant's own server would not do,
# for most of those are not to be reached from outside.
FEED_IMAGE_URL: Final = "https://brands.home-assistant.io/_/homeassistant/icon.png"
