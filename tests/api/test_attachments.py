import pytest

from custom_components.monzo.api import (
    MonzoClient,
    MonzoConnectionError,
    MonzoError,
    MonzoRejectedError,
    MonzoResponseError,
)

from .conftest import TOKEN
from .scripted_server import ScriptedServer, response


async def test_a_file_is_uploaded_without_the_access_token(
    client: MonzoClient, server: ScriptedServer
) -> None:
    async with ScriptedServer() as storage:
        storage.script(response(b""))
        target = {"file_url": "https://example.com/f", "upload_url": f"{storage.url}/u?Sig=a%2Bb"}
        server.script(response(target))
        file_url = await client.upload_attachment("tea.png", "image/png", b"PNG")
    assert file_url == "https://example.com/f"
    (request,) = server.requests
    assert str(request) == "POST /attachment/upload"
    assert request.form == {
        "file_name": "tea.png",
        "file_type": "image/png",
        "content_length": "3",
    }
    (upload,) = storage.requests
    # The signature must arrive as Monzo wrote it.
    assert str(upload) == "PUT /u?Sig=a%2Bb"
    assert upload.body == b"PNG"
    assert upload.headers["Content-Type"] == "image/png"
    assert "Authorization" not in upload.headers
    assert TOKEN not in str(upload.headers)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (response(b"<Error><Code>AccessDenied</Code></Error>", 403), MonzoRejectedError),
        (response(b"<Error/>", 503), MonzoConnectionError),
        (response({}, 307, Location="http://127.0.0.1:1/"), MonzoResponseError),
        (b"", MonzoConnectionError),
    ],
    ids=["refused", "unavailable", "redirected", "closed"],
)
async def test_a_failed_upload_raises_the_error_of_the_response(
    client: MonzoClient, server: ScriptedServer, reply: bytes, error: type[MonzoError]
) -> None:
    server.script(response({"file_url": "f", "upload_url": f"{server.url}/u"}), reply)
    with pytest.raises(error):
        await client.upload_attachment("tea.png", "image/png", b"PNG")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "upload_url",
    [
        "nowhere",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://",
        "http://[",
        "http://127.0.0.1:99999/",
        "http://\ud800/",
        "http://" + "ä" * 300,
        "//127.0.0.1/",
    ],
)
async def test_an_upload_url_that_is_not_one_is_an_error(
    client: MonzoClient, server: ScriptedServer, upload_url: str
) -> None:
    server.script(response({"file_url": "f", "upload_url": upload_url}))
    with pytest.raises((MonzoConnectionError, MonzoResponseError)):
        await client.upload_attachment("tea.png", "image/png", b"PNG")
    assert len(server.requests) == 1
