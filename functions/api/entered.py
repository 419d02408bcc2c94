"""Who comes in, and the files of the page: sessions, tickets for the WebSocket, the panel, the document."""

import secrets

import answering
from answering import Answer, Plain, Refused
from page import docs_policy, file, page_policy
from reading import Caller, Request
from routing import Access, Office, Routes

from heisenbug.messages import utc
from heisenbug.session import COOKIE, LASTS_SECONDS
from heisenbug.store.connection import TICKET_TTL_SECONDS
from heisenbug.wiring import now

routes = Routes()


@routes.add("GET", "/api/ping", "Pong", access=Access.ANYONE)
def ping(office: Office, request: Request) -> Plain:
    """Whether the API answers; needs no token."""
    return {"status": "pong", "at": now().isoformat(timespec="milliseconds")}


@routes.add("GET", "/api/session", "Session", access=Access.ANYONE)
def session(office: Office, request: Request) -> Plain:
    """Who the caller is: the role, by what it is known, and until when; a stranger has none."""
    return _session(request.caller)


@routes.add("POST", "/api/session", "Session", is_guessed_at=True)
def open_session(office: Office, request: Request) -> Answer:
    """Let a browser come back without its token for a week: the answer sets a cookie that no script can read."""
    if not request.caller.session:
        raise Refused(400, "no_token", "Send the token itself: `Authorization: Bearer TOKEN`.")
    return answering.plain(_session(request.caller), cookies=[_cookie(request, request.caller.session, LASTS_SECONDS)])


@routes.add("DELETE", "/api/session", "Session", access=Access.ANYONE)
def close_session(office: Office, request: Request) -> Answer:
    """Let the browser forget its cookie."""
    return answering.plain(_session(Caller()), cookies=[_cookie(request, "", 0)])


@routes.add("POST", "/api/ws-ticket", "Ticket", of_bot=True)
def ws_ticket(office: Office, request: Request) -> Plain:
    """A ticket that opens one WebSocket of one bot in the caller's own role: add it as `?ticket=`."""
    ticket = secrets.token_urlsafe(32)
    office.connections.issue(ticket, request.caller.role, int(now().timestamp()), office.bot_id)
    return {"ticket": ticket, "expires_in": TICKET_TTL_SECONDS, "websocket_url": office.websocket_url}


@routes.add("GET", "/", "", access=Access.ANYONE)
def page(office: Office, request: Request) -> Answer:
    """The page."""
    return file("index.html", request, page_policy(office.websocket_url))


@routes.add("GET", "/assets/{name}", "", access=Access.ANYONE)
def asset(office: Office, request: Request) -> Answer:
    """What the page is made of."""
    return file(request.named["name"], request)


@routes.add("GET", "/api/openapi.json", "", access=Access.ANYONE)
def openapi(office: Office, request: Request) -> Answer:
    """The document of this API."""
    return file("openapi.json", request)


@routes.add("GET", "/api/docs", "", access=Access.ANYONE)
def docs(office: Office, request: Request) -> Answer:
    """The page that shows the document and tries it out."""
    return file("docs.html", request, docs_policy())


def _session(caller: Caller) -> Plain:
    expires_at = utc(int(caller.expires_at)) if caller.expires_at else None
    return {"role": caller.role, "by": caller.by, "expires_at": expires_at}


def _cookie(request: Request, value: str, seconds: int) -> str:
    is_secure = request.headers.get("x-forwarded-proto") == "https"
    always = f"{COOKIE}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict"
    return f"{always}; Secure" if is_secure else always
