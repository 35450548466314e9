"""Base class for values that must not appear in logs."""

from typing import override


class Private:
    """Hide the contents of an object from its repr, and so from logs and tracebacks.

    Names, account numbers and amounts are private. The repr shows the type only.
    """

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
