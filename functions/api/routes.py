"""Every address of the HTTP API, in the order in which its document shows them."""

import secrets
from typing import Any

import answering
from answering import Answer, Refused
from page import docs_policy, file, page_policy
from reading import Caller, Query, Request, Text
from routing import Access, Office, Routes

from heisenbug.domain.assets import PAIR_PATTERN, Pair
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import Integer, shown
from heisenbug.filtering import ASSET, ENDED, wanted_of
from heisenbug.messages import utc
from heisenbug.session import COOKIE, LASTS_SECONDS
from heisenbug.store.connection import TICKET_TTL_SECONDS
from heisenbug.wiring import now

Plain = dict[str, Any]
A_TIME = {"type": "string", "examples": ["2025-05-10"]}
LIMIT = Query("limit", Integer(1, 100), 20, "How many at most.")
CONVERSIONS = Query("limit", Integer(1, 1000), 20, "How many at most.")
POINTS = Query("limit", Integer(1, 1000), 200, "How many of the newest samples at most.")
SAMPLES = Query("limit", Integer(1, 500), 120, "How many of the newest samples at most.")
CURSOR = Query("cursor", Integer(1, 2**40), None, "Go on from the cursor of the answer before.")
YEAR = Query("year", Integer(2000, 9999), None, "The calendar year (UTC); else the one that it is.")
MOMENT = Query("cursor", Integer(2, 2**40), None, "Go on from the cursor of the answer before.")
PAIR = Text(
    "pair", {"type": "string", "pattern": PAIR_PATTERN, "examples": ["BTC-USD"]}, "One pair alone, such as BTC-USD."
)
TRADES = (
    Text("asset", ASSET.schema(), "Only trades that give or take this asset."),
    Text("state", ENDED.schema(), "Only trades that ended so."),
    Text("from", A_TIME, "Only trades that were decided at this time or later; a day is its beginning (UTC)."),
    Text("to", A_TIME, "Only trades that were decided before this time; a day is its beginning (UTC)."),
)
LONGEST_WHY = 200
LONGEST_ID = 100
# Lambda answers with at most 6 MB.
LARGEST_REPORT = 5_000_000

routes = Routes()

# ------------------------------------------------------------------------ asked


@routes.add("GET", "/api/ping", "Pong", access=Access.ANYONE)
def ping(office: Office, request: Request) -> Plain:
    """Whether the API answers; needs no token."""
    return {"status": "pong", "at": now().isoformat(timespec="milliseconds")}


@routes.add("GET", "/api/session", "Session", access=Access.ANYONE)
def session(office: Office, request: Request) -> Plain:
    """Who the caller is: the role, by what it is known, and until when; a stranger has none."""
    return _session(request.caller)


@routes.add("GET", "/api/overview", "Overview", PAIR)
def overview(office: Office, request: Request) -> Plain:
    """Everything of the panel's first screen at once; prices are of `pair`, or else of the first enabled pair."""
    told = office.overview.overview(_pair(request.query.get("pair")))
    return {**told, "status": {**told["status"], "websocket_url": office.websocket_url}}


@routes.add("GET", "/api/performance", "Performance")
def performance(office: Office, request: Request) -> Plain:
    """How the bot has done today (UTC) and over the trades that are kept."""
    return office.overview.performance()


@routes.add("GET", "/api/ticks", "Ticks")
def ticks(office: Office, request: Request) -> Plain:
    """The newest ticks, newest first, and how many of the last hour never were."""
    return office.overview.ticks()


@routes.add("GET", "/api/health", "Health")
def health(office: Office, request: Request) -> Plain:
    """Whether the bot does its work, and what is wrong where it does not."""
    return office.desk.health()


@routes.add("GET", "/api/status", "Status")
def status(office: Office, request: Request) -> Plain:
    """How the bot is: what it is told, what bars it, its newest tick, equity and trades."""
    return {**office.desk.status(), "websocket_url": office.websocket_url}


@routes.add("GET", "/api/config", "Config")
def config(office: Office, request: Request) -> Plain:
    """Every setting, their version, and what is wrong with them, if anything."""
    return office.desk.config()


@routes.add("GET", "/api/config/schema", "ConfigSchema")
def config_schema(office: Office, request: Request) -> Plain:
    """Bounds, default and meaning of every setting."""
    return office.desk.config_schema()


@routes.add("GET", "/api/config/history", "ConfigHistory", LIMIT, CURSOR)
def config_history(office: Office, request: Request) -> Plain:
    """The versions of the settings, newest first."""
    return office.desk.config_history(request.number(LIMIT), request.optional(CURSOR))


@routes.add("GET", "/api/pairs", "Pairs")
def pairs(office: Office, request: Request) -> Plain:
    """Every pair, enabled or not."""
    return office.desk.pairs()


@routes.add("GET", "/api/trades", "Trades", LIMIT, CURSOR, *TRADES)
def trades(office: Office, request: Request) -> Plain:
    """The newest trades, newest first; of one asset, one outcome or one time alone where that is asked for."""
    return office.desk.trades(request.number(LIMIT), request.optional(CURSOR), wanted_of(request.query))


@routes.add("GET", "/api/trades.csv", "Csv", *TRADES)
def trades_csv(office: Office, request: Request) -> Answer:
    """The kept trades as CSV; those alone that are asked for."""
    return answering.download(office.exports.trades(wanted_of(request.query)), "trades.csv")


@routes.add("GET", "/api/tax.csv", "Csv", YEAR)
def tax_csv(office: Office, request: Request) -> Answer:
    """Every executed trade of a year as CSV, in the columns of CoinTracking."""
    year = request.optional(YEAR) or now().year
    return answering.download(_sendable(office.exports.tax(year)), f"tax-{year}.csv")


@routes.add("GET", "/api/markets", "Markets")
def markets(office: Office, request: Request) -> Plain:
    """The markets that were uploaded for backtests, by name."""
    return {"markets": office.backtests.markets()}


@routes.add("GET", "/api/trades/{id}", "ExplainedTrade")
def trade(office: Office, request: Request) -> Plain:
    """One trade by its sequence number, its id or its first four or more letters: what was seen and why it was made."""
    return office.desk.trade(request.named["id"])


@routes.add("GET", "/api/opportunities", "Opportunities", CONVERSIONS)
def opportunities(office: Office, request: Request) -> Plain:
    """The best conversions of the newest tick, each with its numbers and what stopped it."""
    return office.desk.opportunities(request.number(CONVERSIONS))


@routes.add("GET", "/api/decisions", "Decisions", LIMIT, MOMENT)
def decisions(office: Office, request: Request) -> Plain:
    """The newest decisions, newest first, what stopped the best conversion of each, and whether it is so again."""
    return office.desk.decisions(request.number(LIMIT), request.optional(MOMENT))


@routes.add("GET", "/api/portfolio", "Portfolio")
def portfolio(office: Office, request: Request) -> Plain:
    """What the bot holds, with its value and entry price in the base currency."""
    return office.desk.portfolio()


@routes.add("GET", "/api/equity", "Equity", POINTS)
def equity(office: Office, request: Request) -> Plain:
    """Equity and drawdown at the newest samples, oldest first."""
    return office.desk.equity(request.number(POINTS))


@routes.add("GET", "/api/prices", "Prices", SAMPLES, PAIR)
def prices(office: Office, request: Request) -> Plain:
    """Prices at the newest samples, oldest first; of one pair alone with `?pair=BTC-USD`."""
    return office.desk.prices(request.number(SAMPLES), _pair(request.query.get("pair")))


@routes.add("GET", "/api/backtests", "Backtests", LIMIT)
def backtests(office: Office, request: Request) -> Plain:
    """The newest backtests, newest first."""
    return office.backtests.newest(request.number(LIMIT))


@routes.add("GET", "/api/backtests/{job}", "Backtest")
def backtest(office: Office, request: Request) -> Plain:
    """A backtest as it stands: its state, how far it is, and its figures once it is done."""
    return office.backtests.job(request.named["job"][:LONGEST_ID])


@routes.add("GET", "/api/backtests/{job}/report", "BacktestReport")
def backtest_report(office: Office, request: Request) -> Answer:
    """All that a backtest that is done reports: its figures and its trades."""
    return _report(office.backtests.report(request.named["job"][:LONGEST_ID]))


@routes.add("GET", "/api/sweeps", "Sweeps", LIMIT)
def sweeps(office: Office, request: Request) -> Plain:
    """The newest sweeps, newest first."""
    return office.sweeps.newest(request.number(LIMIT))


@routes.add("GET", "/api/sweeps/{job}", "Sweep")
def sweep(office: Office, request: Request) -> Plain:
    """A sweep as it stands: its state, how many of its configurations were run, and its figures once it is done."""
    return office.sweeps.job(request.named["job"][:LONGEST_ID])


@routes.add("GET", "/api/sweeps/{job}/report", "SweepReport")
def sweep_report(office: Office, request: Request) -> Answer:
    """All that a sweep that is done reports: the row of every configuration, the best in sample first."""
    return _report(office.sweeps.report(request.named["job"][:LONGEST_ID]))


# ------------------------------------------------------------------------- told


@routes.add("PATCH", "/api/config", "Config", access=Access.ADMIN, sends="SettingsChange")
def patch_config(office: Office, request: Request) -> Plain:
    """Change settings, all or none; with `If-Match: VERSION` only where nobody changed them first (409)."""
    return office.desk.change_config(request.sent(), "api", request.version_seen())


@routes.add("POST", "/api/config/check", "Checked", sends="SettingsTried")
def check_config(office: Office, request: Request) -> Plain:
    """What is wrong with a change of settings, and what it would change; nothing is kept of it."""
    return office.desk.check_config(request.sent())


@routes.add("POST", "/api/config/restore", "Config", access=Access.ADMIN, sends="Restore")
def restore_config(office: Office, request: Request) -> Plain:
    """Set settings back to what they were at a version, all or those of `names`, as a new version."""
    told = request.sent_of("version", "names")
    return office.desk.restore_config(told.get("version"), told.get("names"), "api", request.version_seen())


@routes.add("PUT", "/api/pairs/{pair}", "Pair", access=Access.ADMIN, sends="PairChange")
def put_pair(office: Office, request: Request) -> Plain:
    """Add a pair or replace what is told of it: enabled with priority 50 unless it is said otherwise."""
    told = request.sent_of("enabled", "priority")
    return office.desk.put_pair(request.named["pair"], told.get("enabled", True), told.get("priority", 50))


@routes.add("DELETE", "/api/pairs/{pair}", "Removed", access=Access.ADMIN)
def remove_pair(office: Office, request: Request) -> Plain:
    """Take a pair out."""
    return office.desk.remove_pair(request.named["pair"])


@routes.add("POST", "/api/start", "Config", access=Access.ADMIN)
def start(office: Office, request: Request) -> Plain:
    """Let the bot trade."""
    return office.desk.change_config({"is_active": True}, "api")


@routes.add("POST", "/api/stop", "Config", access=Access.ADMIN)
def stop(office: Office, request: Request) -> Plain:
    """Let the bot look, but not trade."""
    return office.desk.change_config({"is_active": False}, "api")


@routes.add("POST", "/api/kill", "Kill", access=Access.ADMIN, sends="KillReason")
def kill(office: Office, request: Request) -> Plain:
    """Stop at once, until a person re-arms the bot; what it holds stays as it is."""
    return office.desk.kill("api", _why(request.sent_of("why").get("why", "")))


@routes.add("POST", "/api/trades/{id}/resolve", "Trade", access=Access.ADMIN, sends="Statement")
def resolve(office: Office, request: Request) -> Plain:
    """State, typed in full, what became of an unresolved trade: "executed 100 USD for 0.0012 BTC", or a failure."""
    return office.desk.resolve(request.named["id"], request.sent_of("statement").get("statement"), "api")


@routes.add("POST", "/api/backtests", "Backtest", access=Access.ADMIN, sends="BacktestWish", status=202)
def post_backtest(office: Office, request: Request) -> Plain:
    """Begin a backtest of a market that was uploaded; ask for it by its id until it is done."""
    return office.backtests.ask(request.sent(), _job_id())


@routes.add("POST", "/api/sweeps", "Sweep", access=Access.ADMIN, sends="SweepWish", status=202)
def post_sweep(office: Office, request: Request) -> Plain:
    """Begin a sweep over a market that was uploaded: every configuration of a grid, in sample and out of it."""
    return office.sweeps.ask(request.sent(), _job_id())


@routes.add("POST", "/api/rearm", "Kill", access=Access.ADMIN)
def rearm(office: Office, request: Request) -> Plain:
    """Lift the kill; drawdown counts from now on."""
    return office.desk.rearm()


@routes.add("POST", "/api/session", "Session")
def open_session(office: Office, request: Request) -> Answer:
    """Let a browser come back without its token for a week: the answer sets a cookie that no script can read."""
    if not request.caller.session:
        raise Refused(400, "no_token", "Send the token itself: `Authorization: Bearer TOKEN`.")
    return answering.plain(_session(request.caller), cookies=[_cookie(request, request.caller.session, LASTS_SECONDS)])


@routes.add("DELETE", "/api/session", "Session", access=Access.ANYONE)
def close_session(office: Office, request: Request) -> Answer:
    """Let the browser forget its cookie."""
    return answering.plain(_session(Caller()), cookies=[_cookie(request, "", 0)])


@routes.add("POST", "/api/ws-ticket", "Ticket")
def ws_ticket(office: Office, request: Request) -> Plain:
    """A ticket that opens one WebSocket in the caller's own role: add it as `?ticket=`."""
    ticket = secrets.token_urlsafe(32)
    office.connections.issue(ticket, request.caller.role, int(now().timestamp()))
    return {"ticket": ticket, "expires_in": TICKET_TTL_SECONDS, "websocket_url": office.websocket_url}


# ------------------------------------------------------------------------ files


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


# ---------------------------------------------------------------------- private


def _pair(text: str | None) -> str | None:
    try:
        return None if text is None else str(Pair.parse(text))
    except ValueError as bad:
        raise InvalidSettings([FieldError("pair", str(bad))]) from bad


def _session(caller: Caller) -> Plain:
    expires_at = utc(int(caller.expires_at)) if caller.expires_at else None
    return {"role": caller.role, "by": caller.by, "expires_at": expires_at}


def _cookie(request: Request, value: str, seconds: int) -> str:
    is_secure = request.headers.get("x-forwarded-proto") == "https"
    always = f"{COOKIE}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict"
    return f"{always}; Secure" if is_secure else always


def _report(report: str) -> Answer:
    return answering.text(_sendable(report))


def _sendable(text: str) -> str:
    if len(text) > LARGEST_REPORT:
        message = f"It has {len(text):,} bytes, too many to send: read it in the stack's bucket or tables."
        raise Refused(413, "too_large", message)
    return text


def _job_id() -> str:
    """An id that sorts by time."""
    return f"{now():%Y%m%dT%H%M%S.%f}"[:-3] + f"-{secrets.token_hex(3)}"


def _why(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidSettings([FieldError("why", f"why must be a text, not {shown(value)}.")])
    text = value[:LONGEST_WHY].encode("utf-8", "replace").decode()
    return text or "by hand"
