"""Commands that look: status, opportunities, decisions, portfolio."""

from typing import Annotated, Any

import typer

from cli import show
from cli.stack import call

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for programs.")]
# Numbers go to the bot as they were typed: it refuses them in the words that every surface has.
Limit = Annotated[str, typer.Option("--limit", "-n", metavar="N", help="How many at most.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Go on from the cursor of an earlier answer.")]


def status(json: Json = False) -> None:
    """How the bot is: what it is told, what bars it, its newest tick, equity and trades."""
    answer = call("GET", "status")
    if json:
        show.as_json(answer)
        return
    show.facts(_status_facts(answer))
    _tell_doubt(answer)
    for error in answer["settings_errors"]:
        show.say(f"[bold]Settings not understood, nothing trades:[/] {error['message']}")
    for pair, guarded in answer["guarded"].items():
        show.say(f"[bold]{pair} is guarded[/] since {guarded['since']}: {guarded['reason']}")
    show.say("Next: heisenbug opportunities says what it would trade and why not; heisenbug watch follows it live.")


def _status_facts(answer: dict[str, Any]) -> dict[str, Any]:
    window, killed = answer["window"], answer["killed"]
    return {
        "Money": _money(answer),
        "State": answer["state"] if not killed else f"killed by {killed['by']} at {killed['at']}: {killed['why']}",
        "Entries": "\n".join(map(show.halt_line, answer.get("halts") or [])) or "no protection stops them",
        "Equity": f"{answer['equity'] or '-'} {answer['base_currency']}",
        "Drawdown": show.percent(answer["drawdown"]),
        "Window": f"{window['samples']} of {window['of']} samples",
        "Data age": None if answer["data_age_seconds"] is None else f"{answer['data_age_seconds']} s",
        "Ticks": answer["ticks"],
        "Last tick": answer["last_tick"],
        "Next tick": answer["next_tick"],
        "Exchange": show.exchange_line(answer.get("exchange_quiet_until")),
        "Refit": _refit_line(answer.get("refit")),
        "Open trade": _open_line(answer["open_trade"]),
        "Came to nothing": "\n".join(map(_dropped_line, answer.get("dropped") or [])) or "none",
        "Trades of late": "\n".join(map(_trade_line, answer["recent_trades"])) or "none",
    }


def _money(answer: dict[str, Any]) -> str:
    consent = answer.get("consent")
    if answer["mode"] == "live":
        return f"LIVE: {consent['by']} typed '{consent['typed']}' at {consent['at']}" if consent else "LIVE"
    held_back = answer.get("held_back")
    return f"PAPER, held back from live. {held_back}" if held_back else "PAPER"


def _refit_line(refit: dict[str, Any] | None) -> str:
    return f"{refit['at']} {refit['outcome']}: {refit['why']}" if refit else "none yet; one a day"


def _tell_doubt(answer: dict[str, Any]) -> None:
    """An open trade that nobody knows the end of bars all others: say what is known, and the way out."""
    trade = answer["open_trade"]
    if trade and trade["state"] == "UNRESOLVED":
        show.tell(f"Trade {trade['id']} is UNRESOLVED, nothing else is traded: {trade['outcome']}")
        show.say(f"The bot goes on asking. Who knows what became of it: heisenbug resolve {trade['id']}")


def _trade_line(trade: dict[str, Any]) -> str:
    return (
        f"{trade['at']} {trade['amount']} {trade['from']} -> {trade['received'] or '-'} {trade['to']} {trade['state']}"
    )


def _dropped_line(dropped: dict[str, Any]) -> str:
    return f"{dropped['at']} {dropped['from']} -> {dropped['to']} {dropped['state']}: {dropped['why']}"


def _open_line(trade: dict[str, Any] | None) -> str:
    return f"{_trade_line(trade)} {trade['outcome']}" if trade else "none"


def opportunities(limit: Limit = "10", json: Json = False) -> None:
    """The best conversions of the newest tick, each with its numbers and what stopped it."""
    answer = call("GET", "opportunities", query={"limit": limit})
    if json:
        show.as_json(answer)
        return
    columns = {
        "from": "From",
        "to": "To",
        "confidence": "Confidence",
        "risk": "Risk",
        "expected_return": "Net return",
        "cost_bps": "Cost bp",
        "gate": "Gate",
        "why": "Why",
    }
    show.table(answer["opportunities"], columns, "No tick yet; the first comes within a minute.")


def decisions(limit: Limit = "10", cursor: Cursor = None, json: Json = False) -> None:
    """The newest decisions, newest first, and why they did not trade."""
    answer = call("GET", "decisions", query={"limit": limit, "cursor": cursor})
    if json:
        show.as_json(answer)
        return
    rows = [_decision_row(row) for row in answer["decisions"]]
    columns = {"at": "Tick", "verdict": "Verdict", "conversion": "Best conversion", "why": "Why"}
    show.table(rows, columns, "No tick yet; the first comes within a minute.")


def _decision_row(row: dict[str, Any]) -> dict[str, Any]:
    best = row["best"] or {}
    return {
        "at": row["at"],
        "verdict": "trade" if row["chosen"] else "no trade",
        "conversion": f"{best.get('from', '-')} -> {best.get('to', '-')}",
        "why": best.get("why"),
    }


def portfolio(json: Json = False) -> None:
    """What the bot holds, with value and entry price."""
    answer = call("GET", "portfolio")
    if json:
        show.as_json(answer)
        return
    base = answer["base_currency"]
    columns = {
        "asset": "Asset",
        "amount": "Amount",
        "price": f"Price {base}",
        "value": f"Value {base}",
        "entry_price": "Entry",
    }
    show.table(answer["holdings"], columns, "It holds nothing.")
    show.say(f"Equity {answer['equity'] or '-'} {base}, {show.percent(answer['drawdown'])} under its peak.")
