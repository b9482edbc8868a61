"""Who may talk to the page, and what a page may do."""

import hmac
from hashlib import sha256
from http.cookies import SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stages.lib.page.web.forms import fields

COOKIE = "embedsmith_token"
LARGEST_BODY = 20_000_000
"""Bytes of a request: a day's log of queries."""
READING = frozenset({"GET", "HEAD"})
HEADERS = {
    # everything comes from here, no script stands in a page, and no other site may frame it
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
}
ENTER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Embedsmith</title>
<link rel="stylesheet" href="/static/page.css"><main><form method="post" action="/enter">
<p><label>Token <input name="token" type="password" autofocus></label> <button>Enter</button></p>
</form></main></html>"""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Lets through what this page's own forms and links send, and nobody else.

    Args:
        app: the page.
        token: what a visitor has to know; "" where only this machine reaches the page.

    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token
        self._proof = sha256(token.encode()).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it in one line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = await self._refusal(Request(scope, receive))
        await (refusal or self._app)(scope, receive, safe)

    async def _refusal(self, request: Request) -> Response | None:
        headers = request.headers
        host = headers.get("host", "")
        # a foreign name that resolves to this machine would make a foreign page one of our own
        if not self._token and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return PlainTextResponse("this page answers to 127.0.0.1 and localhost alone", 403)
        if request.method not in READING:
            if not _same_origin(headers, host):
                return PlainTextResponse("only this page's own forms may change something", 403)
            if int(headers.get("content-length") or LARGEST_BODY + 1) > LARGEST_BODY:
                return PlainTextResponse(f"more than {LARGEST_BODY:,} bytes", 413)
        if not self._token or request.url.path.startswith("/static/"):
            return None
        if request.url.path == "/enter" and request.method == "POST":
            return await self._enter(request)
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        if cookie and hmac.compare_digest(cookie.value, self._proof):
            return None
        return HTMLResponse(ENTER, 401)

    async def _enter(self, request: Request) -> Response:
        given = (await fields(request)).get("token", "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return HTMLResponse(ENTER, 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, self._proof, httponly=True, samesite="strict")
        return answer


def _same_origin(headers: Headers, host: str) -> bool:
    """Whether a browser says that this page itself sends the request."""
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    return urlsplit(headers.get("origin", "")).netloc == host != ""
