"""The page where a person lets a program in, and what its two buttons do."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from aiohttp import web
from yarl import URL

from .bank import Bank
from .oauth import SignIns

_PAGES = Path(__file__).parent / "pages"
_ASK = Template((_PAGES / "authorise.html").read_text(encoding="utf-8"))
_SAY = Template((_PAGES / "message.html").read_text(encoding="utf-8"))


class AuthorisePage:
    """Monzo's auth host, without the e-mail: choose who you are, then allow or deny."""

    def __init__(self, bank: Bank, sign_ins: SignIns) -> None:
        """Show a bank's people."""
        self._bank = bank
        self._sign_ins = sign_ins

    def add_to(self, application: web.Application) -> None:
        """Serve the page at the root."""
        application.router.add_get("/", self._show)
        application.router.add_post("/authorise", self._decide)

    async def _show(self, request: web.Request) -> web.Response:
        if not request.query:
            return _message("Sandbox bank", "Its control page is at /control.", status=200)
        if problem := self._problem(request.query):
            return _message("This did not work", problem, status=400)
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{escape(request.query[name])}">'
            for name in ("client_id", "redirect_uri", "state")
        )
        people = "".join(
            f'<option value="{person.user_id}">{escape(person.name)}</option>'
            for person in self._bank.people.values()
        )
        client = self._sign_ins.clients[request.query["client_id"]]
        page = _ASK.substitute(client=escape(client.name), fields=fields, people=people)
        return web.Response(text=page, content_type="text/html")

    async def _decide(self, request: web.Request) -> web.Response:
        """Send the person back to the program, with a code or with a denial in the usual form."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if problem := self._problem({"response_type": "code", **form}):
            return _message("This did not work", problem, status=400)
        back = URL(form["redirect_uri"])
        person = self._bank.people.get(form.get("person", ""))
        if form.get("decision") == "allow" and person is not None:
            code = self._sign_ins.issue_code(form["client_id"], person, form["redirect_uri"])
            answer = {"code": code, "state": form["state"]}
        else:
            answer = {"error": "access_denied", "state": form["state"]}
        raise web.HTTPFound(back.update_query(answer))

    def _problem(self, query: Mapping[str, str]) -> str:
        """Return what is wrong with an address that a program sent somebody to."""
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
    page = _SAY.substitute(title=escape(title), text=escape(text))
    return web.Response(text=page, content_type="text/html", status=status)
