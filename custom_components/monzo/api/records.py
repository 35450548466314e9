"""The records of a list from the bank."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self, overload, override

from .fields import Fields, read_optional


@dataclass(frozen=True, slots=True, repr=False)
class Records[T](Sequence[T]):
    """The records of a list from the bank, in the order of the bank."""

    _records: tuple[T, ...] = ()

    skipped: int = field(default=0, kw_only=True)
    """How many more records the list had that could not be read."""

    complete_from: int = field(default=0, kw_only=True)
    """The index of the first record after the last one that could not be read."""

    @classmethod
    def from_json(cls, data: object, key: str, read: Callable[[object], T]) -> Self:
        """Read the list with this key, and skip the records that `read` cannot read.

        Raises MonzoResponseError if there is no list.
        """
        fields = Fields(data)
        rows = fields.require(fields.rows, key)
        records: list[T] = []
        complete_from = 0
        for row in rows:
            if (record := read_optional(read, row)) is None:
                complete_from = len(records)
            else:
                records.append(record)
        return cls(tuple(records), skipped=len(rows) - len(records), complete_from=complete_from)

    @override
    def __len__(self) -> int:
        """Return the number of records that could be read."""
        return len(self._records)

    @override
    def __iter__(self) -> Iterator[T]:
        """Iterate over the records that could be read."""
        return iter(self._records)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    @override
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        """Return one record, or a tuple of several."""
        return self._records[index]

    @override
    def __repr__(self) -> str:
        return f"<Records: {len(self)} read, {self.skipped} skipped>"
