"""Notify entities that show messages in the feed of the Monzo app."""

from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.notify import (  # type: ignore[attr-defined, unused-ignore]  # 2026.10 does not export NotifyEntityFeature
    NotifyEntity,
    NotifyEntityDescription,
    NotifyEntityFeature,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts import AccountState, device_name
from .bank import bank_errors, translating_defects
from .const import FEED_IMAGE_URL, FEED_TITLE, MANUFACTURER
from .entity import EntityTables, MonzoEntity, MonzoEntityDescription, async_add_as_they_appear
from .runtime import MonzoConfigEntry

# One at a time, so that items appear in the order in which they were sent.
PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class MonzoNotifyDescription(MonzoEntityDescription[AccountState], NotifyEntityDescription):
    """Describes a notify entity of an account."""


# Monzo does not document which kinds of accounts have a feed, so each account has the entity. It is
# off by default where a message would be hard to find.
ACCOUNT_FEEDS: Final = (
    MonzoNotifyDescription(key="feed", is_useful_fn=lambda account: account.is_current_account),
)


@translating_defects("the set-up of notify entities")
async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the notify entities of a config entry."""
    async_add_as_they_appear(
        entry, async_add_entities, MonzoFeedNotify, EntityTables(account=ACCOUNT_FEEDS)
    )


class MonzoFeedNotify(MonzoEntity[AccountState], NotifyEntity):
    """Notify entity for the feed of one account."""

    entity_description: MonzoNotifyDescription

    _attr_supported_features = NotifyEntityFeature.TITLE

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        """Show a message in the feed. Feed items cannot be deleted.

        Raises Unauthorized if the user is not an administrator, because the message appears in the
        Monzo app between those of the bank. All automations may send messages.
        """
        user_id = self._context.user_id if self._context else None
        if user_id is not None:
            user = await self.hass.auth.async_get_user(user_id)
            if user is None or not user.is_admin:
                raise Unauthorized(context=self._context)
        account = device_name(self.device_entry) if self.device_entry else MANUFACTURER
        async with bank_errors(self.hass, self.coordinator.config_entry, account):
            await self.coordinator.session.create_feed_item(
                self._monzo_id,
                title=title or FEED_TITLE,
                body=message,
                image_url=FEED_IMAGE_URL,
            )
