"""What models have in common."""

from typing import override


class Private:
    """Keeps names, numbers and amounts out of logs: a model shows only what it is a model of."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
