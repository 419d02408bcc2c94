"""What is asked of the bot over HTTP."""

import answering
from answering import Answer, Plain
from parameters import CONVERSIONS, CURSOR, LIMIT, MOMENT, PAIR, POINTS, SAMPLES, TRADES, YEAR
from reading import Request
from routing import Office, Routes

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.filtering import wanted_of
from heisenbug.spending import spending
from heisenbug.wiring import now

routes = Routes(of_bot=True)


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
    """Whether the bot does its work: what is wrong, its ticks, what was given up, who looks on, what is deployed."""
    return office.health.now()


@routes.add("GET", "/api/cost", "Cost", of_bot=False)
def cost(office: Office, request: Request) -> Plain:
    """What running it has cost this month and will have at its end, in dollars, from counted usage."""
    return spending(now())


@routes.add("GET", "/api/status", "Status")
def status(office: Office, request: Request) -> Plain:
    """How the bot is: what it is told, what bars it, its newest tick, equity and trades."""
    return {**office.desk.standing.status(), "websocket_url": office.websocket_url}


@routes.add("GET", "/api/config", "Config")
def config(office: Office, request: Request) -> Plain:
    """Every setting, their version, and what is wrong with them, if anything."""
    return office.desk.settings.config()


@routes.add("GET", "/api/config/schema", "ConfigSchema")
def config_schema(office: Office, request: Request) -> Plain:
    """Bounds, default and meaning of every setting."""
    return office.desk.settings.schema()


@routes.add("GET", "/api/config/history", "ConfigHistory", LIMIT, CURSOR)
def config_history(office: Office, request: Request) -> Plain:
    """The versions of the settings, newest first."""
    return office.desk.settings.history(request.number(LIMIT), request.optional(CURSOR))


@routes.add("GET", "/api/pairs", "Pairs")
def pairs(office: Office, request: Request) -> Plain:
    """Every pair, enabled or not."""
    return office.desk.pairs.all()


@routes.add("GET", "/api/trades", "Trades", LIMIT, CURSOR, *TRADES)
def trades(office: Office, request: Request) -> Plain:
    """The newest trades, newest first; of one asset, one outcome or one time alone where that is asked for."""
    return office.desk.trades.newest(request.number(LIMIT), request.optional(CURSOR), wanted_of(request.query))


@routes.add("GET", "/api/trades.csv", "Csv", *TRADES)
def trades_csv(office: Office, request: Request) -> Answer:
    """The kept trades as CSV; those alone that are asked for."""
    return answering.download(office.exports.trades(wanted_of(request.query)), "trades.csv")


@routes.add("GET", "/api/tax.csv", "Csv", YEAR)
def tax_csv(office: Office, request: Request) -> Answer:
    """Every executed trade of a year as CSV, in the columns of CoinTracking."""
    year = request.optional(YEAR) or now().year
    return answering.download(office.exports.tax(year), f"tax-{year}.csv")


@routes.add("GET", "/api/trades/{id}", "ExplainedTrade")
def trade(office: Office, request: Request) -> Plain:
    """One trade by its sequence number, its id or its first four or more letters: what was seen and why it was made."""
    return office.desk.trades.one(request.named["id"])


@routes.add("GET", "/api/opportunities", "Opportunities", CONVERSIONS)
def opportunities(office: Office, request: Request) -> Plain:
    """The best conversions of the newest tick, each with its numbers and what stopped it."""
    return office.desk.board.opportunities(request.number(CONVERSIONS))


@routes.add("GET", "/api/decisions", "Decisions", LIMIT, MOMENT)
def decisions(office: Office, request: Request) -> Plain:
    """The newest decisions, newest first, what stopped the best conversion of each, and whether it is so again."""
    return office.desk.board.decisions(request.number(LIMIT), request.optional(MOMENT))


@routes.add("GET", "/api/portfolio", "Portfolio")
def portfolio(office: Office, request: Request) -> Plain:
    """What the bot holds, with its value and entry price in the base currency."""
    return office.desk.worth.portfolio()


@routes.add("GET", "/api/equity", "Equity", POINTS)
def equity(office: Office, request: Request) -> Plain:
    """Equity and drawdown at the newest samples, oldest first."""
    return office.desk.worth.equity(request.number(POINTS))


@routes.add("GET", "/api/prices", "Prices", SAMPLES, PAIR)
def prices(office: Office, request: Request) -> Plain:
    """Prices at the newest samples, oldest first; of one pair alone with `?pair=BTC-USD`."""
    return office.desk.worth.prices(request.number(SAMPLES), _pair(request.query.get("pair")))


def _pair(text: str | None) -> str | None:
    try:
        return None if text is None else str(Pair.parse(text))
    except ValueError as bad:
        raise InvalidSettings([FieldError("pair", str(bad))]) from bad
