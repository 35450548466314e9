"""Files of transactions for other programs: CSV, QIF, OFX and Beancount."""

from .export import RecordPage, Statement, async_export
from .file_format import ExportedAccount, ExportedPeriod
from .formats import FileFormatName
from .published_file import check_destination

__all__ = [
    "ExportedAccount",
    "ExportedPeriod",
    "FileFormatName",
    "RecordPage",
    "Statement",
    "async_export",
    "check_destination",
]
