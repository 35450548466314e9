"""The authorise page, on which a person allows or denies a client access to the accounts."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from aiohttp import web
from yarl import URL

from .bank import Bank
from .oauth import SignIns

_PAGES = Path(__file__).parent / "pages"
_AUTHORISE_TEMPLATE = Template((_PAGES / "authorise.html").read_text(encoding="utf-8"))
_MESSAGE_TEMPLATE = Template((_PAGES / "message.html").read_text(encoding="utf-8"))


class AuthorisePage:
    """Stands in for Monzo's auth host. It asks for the person's name in place of an e-mail."""

    def __init__(self, bank: Bank, sign_ins: SignIns) -> None:
        """Initialize the page for the people of a bank."""
        self._bank = bank
        self._sign_ins = sign_ins

    def add_to(self, application: web.Application) -> None:
        """Serve the page at the root."""
        application.router.add_get("/", self._show)
        application.router.add_post("/authorise", self._decide)

    async def _show(self, request: web.Request) -> web.Response:
        if not request.query:
            return _message("Sandbox bank", "The control page is at /control.", status=200)
        if problem := self._problem(request.query):
            return _message("Invalid sign-in link", problem, status=400)
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{escape(request.query[name])}">'
            for name in ("client_id", "redirect_uri", "state")
        )
        people = "".join(
            f'<option value="{person.user_id}">{escape(person.name)}</option>'
            for person in self._bank.people.values()
        )
        client = self._sign_ins.clients[request.query["client_id"]]
        page = _AUTHORISE_TEMPLATE.substitute(
            client=escape(client.name), fields=fields, people=people
        )
        return web.Response(text=page, content_type="text/html")

    async def _decide(self, request: web.Request) -> web.Response:
        """Redirect the person back to the client, with a code or with OAuth's usual error."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if problem := self._problem({"response_type": "code", **form}):
            return _message("Invalid sign-in link", problem, status=400)
        redirect_uri = URL(form["redirect_uri"])
        person = self._bank.people.get(form.get("person", ""))
        if form.get("decision") == "allow" and person is not None:
            code = self._sign_ins.issue_code(form["client_id"], person, form["redirect_uri"])
            result = {"code": code, "state": form["state"]}
        else:
            result = {"error": "access_denied", "state": form["state"]}
        raise web.HTTPFound(redirect_uri.update_query(result))

    def _problem(self, query: Mapping[str, str]) -> str:
        """Return the problem of an authorise URL, or an empty text."""
        for name in ("client_id", "redirect_uri", "response_type", "state"):
            if not query.get(name):
                return f"Badly formatted URL. Missing the {name} parameter"
        client = self._sign_ins.clients.get(query["client_id"])
        if client is None:
            return "Unknown client"
        if query["response_type"] != "code":
            return "Badly formatted URL. The response type must be code"
        allowed = client.redirect_uris
        if allowed is not None and query["redirect_uri"] not in allowed:
            return "The redirect address is not registered for this client"
        return ""


def _message(title: str, text: str, *, status: int) -> web.Response:
    page = _MESSAGE_TEMPLATE.substitute(title=escape(title), text=escape(text))
    return web.Response(text=page, content_type="text/html", status=status)
