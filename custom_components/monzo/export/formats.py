"""The formats of exported files."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from .beancount_format import BeancountFormat
from .csv_format import CsvFormat
from .file_format import FileFormat
from .ofx_format import OfxFormat
from .qif_format import QifFormat


class FileFormatName(StrEnum):
    """The name of a format in the action."""

    CSV = "csv"
    QIF = "qif"
    OFX = "ofx"
    BEANCOUNT = "beancount"


FILE_FORMATS: Final[Mapping[FileFormatName, FileFormat]] = {
    FileFormatName.CSV: CsvFormat(),
    FileFormatName.QIF: QifFormat(),
    FileFormatName.OFX: OfxFormat(),
    FileFormatName.BEANCOUNT: BeancountFormat(),
}
