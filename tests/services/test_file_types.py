"""Recognition of the files that can be attached to a transaction."""

import pytest

from custom_components.monzo.services.file_types import (
    FILE_TYPES,
    file_type_of_content,
    file_type_of_suffix,
)

# The first bytes of files.
SUPPORTED_CONTENT = {
    "image/jpeg": b"\xff\xd8\xff\xe0 not much of a photo",
    "image/png": b"\x89PNG\r\n\x1a\n...",
    "image/gif": b"GIF89a...",
    "image/webp": b"RIFF\x0a\x00\x00\x00WEBPVP8 ...",
    "image/heic": b"\x00\x00\x00\x18ftypheic...",
    "application/pdf": b"%PDF-1.7 ...",
}

UNSUPPORTED_CONTENT = {
    "nothing": b"",
    "a text": b"monzo_client_secret: hunter2\n",
    "a web page": b"<!DOCTYPE html>",
    "a drawing that may contain scripts": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "an archive": b"PK\x03\x04",
    "a film in the container of HEIC": b"\x00\x00\x00\x18ftypisom",
    "sound in the container of WebP": b"RIFF\x0a\x00\x00\x00WAVEfmt ",
    "a database": b"SQLite format 3\x00",
    "a photo after a line of text": b"\n" + SUPPORTED_CONTENT["image/jpeg"],
    "the beginning of a signature": b"\x89PNG",
}

SUPPORTED_SUFFIXES = {
    ".png": "image/png",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".pdf": "application/pdf",
    ".heic": "image/heic",
    ".gif": "image/gif",
    ".webp": "image/webp",
}

# They say nothing about the type of the file.
UNKNOWN_SUFFIXES = ("", ".thumb", ".com", ".php")

UNSUPPORTED_SUFFIXES = (
    ".zip",
    ".html",
    ".exe",
    ".svg",
    ".gz",
    ".svgz",
    ".txt",
    ".json",
    ".mp4",
    ".tiff",
)


def test_the_content_decides_the_type_of_a_file(subtests: pytest.Subtests) -> None:
    assert SUPPORTED_CONTENT.keys() == {file_type.mime_type for file_type in FILE_TYPES}
    for mime_type, content in SUPPORTED_CONTENT.items():
        with subtests.test(mime_type):
            file_type = file_type_of_content(content)
            assert file_type is not None
            assert file_type.mime_type == mime_type


def test_other_content_is_not_supported(subtests: pytest.Subtests) -> None:
    for name, content in UNSUPPORTED_CONTENT.items():
        with subtests.test(name):
            assert file_type_of_content(content) is None


def test_the_suffix_decides_the_type_of_a_url(subtests: pytest.Subtests) -> None:
    for suffix, mime_type in SUPPORTED_SUFFIXES.items():
        with subtests.test(suffix):
            file_type = file_type_of_suffix(suffix)
            assert file_type is not None
            assert file_type.mime_type == mime_type


def test_a_url_with_an_unknown_suffix_is_taken_for_a_jpeg() -> None:
    for suffix in UNKNOWN_SUFFIXES:
        file_type = file_type_of_suffix(suffix)
        assert file_type is not None
        assert file_type.mime_type == "image/jpeg"


def test_other_suffixes_are_not_supported(subtests: pytest.Subtests) -> None:
    for suffix in UNSUPPORTED_SUFFIXES:
        with subtests.test(suffix):
            assert file_type_of_suffix(suffix) is None
