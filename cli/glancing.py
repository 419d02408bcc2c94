"""Commands that look at the bot as a whole: health, cost, performance, ticks, equity, prices, markets."""

from typing import Annotated, Any

import typer

from cli import show
from cli.asking import Json, Limit
from cli.stack import call
from heisenbug import __version__

Pair = Annotated[str | None, typer.Option("--pair", help="One pair alone, such as BTC-USD.")]
SHOWN_TICKS = 5
TICK_COLUMNS = {
    "at": "Due",
    "tick": "Number",
    "after_ms": "Decided after ms",
    "price_age_seconds": "Price age s",
    "equity": "Equity",
    "guarded": "Guarded",
    "is_sample": "Sample",
    "errors": "Errors",
}


def health(json: Json = False) -> None:
    """Whether the bot does its work, what is wrong, and what is deployed; exit code 0 either way."""
    answer = call("GET", "health")
    if json:
        show.as_json(answer)
        return
    show.facts(_health_facts(answer))
    show.table(list(map(_tick_row, answer["ticks"][:SHOWN_TICKS])), TICK_COLUMNS, "No tick yet.")
    for problem in answer["problems"]:
        show.tell(problem)
    show.say("Next: heisenbug ticks shows more ticks; heisenbug doctor looks at this computer too.")


def _health_facts(answer: dict[str, Any]) -> dict[str, Any]:
    age, exchange, versions = answer["last_tick_age_seconds"], answer["exchange"], answer["versions"]
    return {
        "Status": answer["status"],
        "Newest tick": "never" if age is None else f"{age:.0f} s ago",
        "Missed": f"{answer['missed_ticks']} ticks in the last hour",
        "Clients": f"{answer['clients']} connected",
        **{f"Dead {kept['what']}": _letters_line(kept) for kept in answer["dead_letters"]},
        "Unresolved": _unresolved_line(answer["unresolved"]),
        "Watched": "\n".join(map(_watched_line, answer["watched"])) or "none",
        "Exchange": f"{exchange['venue']} at {exchange['address']}, {show.exchange_line(exchange['quiet_until'])}",
        "Versions": f"package {versions['package']}, template {versions['template']}, Python {versions['python']}; "
        f"this command line {__version__}",
    }


def _letters_line(kept: dict[str, Any]) -> str:
    if kept["letters"] is None:
        return f"the queue {kept['queue']} cannot be asked"
    return f"{kept['letters']} in the queue {kept['queue']}"


def _unresolved_line(trade: dict[str, Any] | None) -> str:
    if trade is None:
        return "none"
    return f"{trade['id']}, {trade['amount']} {trade['from']} to {trade['to']}; heisenbug resolve {trade['id']}"


def _watched_line(watched: dict[str, Any]) -> str:
    return (
        f"number {watched['sequence']}, failed {watched['failed_at']}, asked for again {watched['ask_at']}, "
        f"until {watched['until']}"
    )


def _tick_row(tick: dict[str, Any]) -> dict[str, Any]:
    return {**tick, "errors": "; ".join(tick["errors"]) or "none"}


def cost(json: Json = False) -> None:
    """What running it in AWS has cost this month and will have at its end, in dollars, from counted usage."""
    answer = call("GET", "cost")
    if json:
        show.as_json(answer)
        return
    dollars = ("so_far", "forecast", "forecast_listed")
    rows = [
        {**line, "amount": f"{line['amount']:,.0f} {line['unit']}", **{name: f"{line[name]:.2f}" for name in dollars}}
        for line in answer["lines"]
    ]
    columns = {
        "what": "What",
        "amount": "So far",
        "so_far": "So far $",
        "forecast": "Month $",
        "forecast_listed": "Month $ at list price",
    }
    show.table(rows, columns, "Nothing was counted yet.")
    show.say(
        f"{answer['month']}: ${answer['so_far']:.2f} so far, ${answer['forecast']:.2f} at its end at this pace; "
        f"${answer['forecast_listed']:.2f} where nothing is free. Prices are those of us-east-1; your bill decides."
    )


def performance(json: Json = False) -> None:
    """How it has done today (UTC) and over the trades that are kept."""
    answer = call("GET", "performance")
    if json:
        show.as_json(answer)
        return
    today, kept = answer["today"], answer["kept"]
    show.facts(
        {
            "Equity": f"{today['equity'] or '-'}, from {today['begin'] or '-'} at the day's first sample",
            "Today": f"{today['change'] or '-'}; {_counted(today)}",
            "Kept trades": f"since {kept['since'] or '-'}; {_counted(kept)}",
        }
    )
    show.say("Next: heisenbug trades lists them; heisenbug equity shows the line.")


def _counted(row: dict[str, Any]) -> str:
    return f"{row['trades']} trades, {row['failed']} failed, {row['turnover']} turned over, {row['costs']} of costs"


def ticks(json: Json = False) -> None:
    """The newest ticks, newest first, and how many of the last hour never were."""
    answer = call("GET", "ticks")
    if json:
        show.as_json(answer)
        return
    show.table(list(map(_tick_row, answer["ticks"])), TICK_COLUMNS, "No tick yet; the first comes within a minute.")
    show.say(f"Missed in the last hour: {answer['missed_ticks']}. Next: heisenbug decisions says what they decided.")


def equity(limit: Limit = "20", json: Json = False) -> None:
    """Equity and drawdown at the newest samples, oldest first."""
    answer = call("GET", "equity", query={"limit": limit})
    if json:
        show.as_json(answer)
        return
    rows = [{**point, "drawdown": show.percent(point["drawdown"])} for point in answer["equity"]]
    show.table(rows, {"at": "Sample", "equity": "Equity", "drawdown": "Drawdown"}, "No sample knows every price yet.")


def prices(pair: Pair = None, limit: Limit = "20", json: Json = False) -> None:
    """Prices at the newest samples, oldest first, of all pairs or of one."""
    answer = call("GET", "prices", query={"limit": limit, "pair": pair})
    if json:
        show.as_json(answer)
        return
    rows = [
        {"at": sample["at"], "pair": name, **quote}
        for sample in answer["prices"]
        for name, quote in sample["quotes"].items()
    ]
    show.table(rows, {"at": "Sample", "pair": "Pair", "bid": "Bid", "ask": "Ask"}, "No sample has such a price yet.")


def markets(json: Json = False) -> None:
    """The markets that were uploaded for backtests in AWS, by name."""
    answer = call("GET", "markets")
    if json:
        show.as_json(answer)
        return
    rows = [{"name": name} for name in answer["markets"]]
    show.table(rows, {"name": "Market"}, "None was uploaded yet; heisenbug market upload FILE does it.")
    show.say("Next: heisenbug backtest --remote NAME.")
