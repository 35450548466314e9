"""Whether webhook deliveries from Monzo arrive at this Home Assistant."""


class WebhookStatus:
    """Remembers whether deliveries arrive: while they do, polls can be rarer."""

    def __init__(self) -> None:
        """Initialize the status: no delivery has arrived yet."""
        self._arriving = False

    @property
    def arriving(self) -> bool:
        """Whether the latest payments were announced by deliveries."""
        return self._arriving

    def update(self, *, arriving: bool) -> bool:
        """Set whether deliveries arrive, and return whether that has changed."""
        changed = self._arriving is not arriving
        self._arriving = arriving
        return changed
