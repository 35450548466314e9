"""What an item in the feed of the Monzo app says if nobody says otherwise."""

from typing import Final

# Who it comes from: the feed is otherwise all Monzo's.
DEFAULT_TITLE: Final = "Home Assistant"

# Monzo wants a picture with every item, which the phone loads by itself: so one that is public for
# good, and shows whom the item comes from. A picture of Home Assistant's own server would not do,
# for most of those are not to be reached from outside.
DEFAULT_IMAGE_URL: Final = "https://brands.home-assistant.io/_/homeassistant/icon.png"
