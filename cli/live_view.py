"""The bot in one frame of a terminal: whose money, how it is, what it is worth, what it did, when it looks next."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli import show
from cli.watched import Known, Plain, moment

SHOWN_TRADES = 5
BARS = "▁▂▃▄▅▆▇█"
LINE_WIDTH = 40
METER_WIDTH = 12
PATIENCE_SECONDS = 3
STATES = {"running": "green", "stopped": "yellow"}


class LiveView:
    """Draws what is known, once a second and whenever something new is known."""

    def __init__(self, console: Console) -> None:
        self._known: Known | None = None
        self._link = Text("connecting", style="dim")
        self._live = Live(console=console, get_renderable=self._drawn, refresh_per_second=2)

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def connected(self) -> None:
        """The connection stands."""
        self._link = Text("● live", style="green")

    def lost(self, why: str, pause_seconds: float) -> None:
        """The connection is gone; it is tried again after a pause."""
        self._link = Text(f"○ not connected, again in {pause_seconds:.0f} s: {why}", style="yellow")

    def told(self, message: Plain) -> None:
        """Nothing more than what is known already."""

    def knows(self, known: Known) -> None:
        """How the bot is by now."""
        self._known = known

    def _drawn(self) -> RenderableType:
        return drawn(self._known, self._link, datetime.now(UTC))


def drawn(known: Known | None, link: Text, now: datetime) -> RenderableType:
    """The frame at a moment."""
    if known is None:
        return Text("Asking the bot how it is…", style="dim")
    is_live = known.status["mode"] == "live"
    parts = [_facts(known, now), *_warnings(known.status), Text(""), _trades(known.trades, now)]
    return Panel(
        Group(*parts),
        title=_badge(known.status),
        title_align="left",
        subtitle=Text.assemble(link, "  ", ("Ctrl-C ends the watching, not the bot", "dim")),
        subtitle_align="left",
        border_style="red" if is_live else "cyan",
        padding=(1, 2),
    )


def _badge(status: Plain) -> Text:
    money = (
        (" LIVE money ", "bold white on red") if status["mode"] == "live" else (" PAPER money ", "bold black on cyan")
    )
    return Text.assemble(money, " ", (f" {status['state']} ", f"bold {STATES.get(status['state'], 'red')}"))


def _facts(known: Known, now: datetime) -> Table:
    status, base = known.status, known.status["base_currency"]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(
        "Equity", Text.assemble((f"{status['equity'] or '-'} {base}", "bold"), "  ", (line(known.equity), "cyan"))
    )
    grid.add_row("Drawdown", _drawdown(status))
    grid.add_row("Holding", holding(known.portfolio, base))
    grid.add_row("Prices", _age(known, now))
    grid.add_row("Next check", _countdown(status, now))
    return grid


def _drawdown(status: Plain) -> Text:
    drawdown, most = status["drawdown"], status["max_drawdown"]
    if drawdown is None:
        return Text("-")
    used = min(drawdown / most, 1.0)
    style = "red" if used > 0.8 else "yellow" if used > 0.5 else "green"
    full = round(used * METER_WIDTH)
    words = f"  {show.percent(drawdown)} of {most:.0%} at most"
    return Text.assemble(("━" * full, style), ("━" * (METER_WIDTH - full), "dim"), words)


def holding(portfolio: Plain, base: str) -> str:
    """What is held, the most valuable first."""
    held = [row for row in portfolio["holdings"] if float(row["amount"])]
    held.sort(key=lambda row: -(row["value"] or 0.0))
    return " · ".join(_held(row, base) for row in held) or "nothing"


def _held(row: Plain, base: str) -> str:
    worth = "" if row["asset"] == base or row["value"] is None else f" ≈ {row['value']:,.2f}"
    return f"{row['amount']} {row['asset']}{worth}"


def _age(known: Known, now: datetime) -> Text:
    window = known.status["window"]
    rest = f", {window['samples']} of {window['of']} samples"
    if known.priced_at is None:
        return Text(f"none yet{rest}")
    age = max((now - known.priced_at).total_seconds(), 0.0)
    late = 2 * known.status["check_interval"] + PATIENCE_SECONDS
    return Text(f"{age:.0f} s old{rest}", style="yellow" if age > late else "")


def _countdown(status: Plain, now: datetime) -> Text:
    left = (moment(status["next_tick"]) - now).total_seconds()
    every = f", every {status['check_interval']} s"
    if left >= 0:
        return Text(f"in {left:.0f} s{every}")
    return Text(f"now{every}") if left > -PATIENCE_SECONDS else Text(f"{-left:.0f} s late{every}", style="yellow")


def _warnings(status: Plain) -> Iterator[Text]:
    killed, trade = status["killed"], status["open_trade"]
    lines = [
        f"Killed by {killed['by']}: {killed['why']} Next: heisenbug rearm." if killed else "",
        *(f"Entries are {show.halt_line(halt)}" for halt in status["halts"]),
        f"Held back from live. {status['held_back']}" if status["held_back"] else "",
        *(error["message"] for error in status["settings_errors"]),
        *(f"{pair} is left out: {guarded['reason']}" for pair, guarded in status["guarded"].items()),
        f"The exchange {show.exchange_line(status['exchange_quiet_until'])}." if status["exchange_quiet_until"] else "",
        f"Trade {trade['id']} is UNRESOLVED: {trade['outcome']} Next: heisenbug resolve {trade['id']}"
        if trade and trade["state"] == "UNRESOLVED"
        else "",
    ]
    return (Text(f"! {text}", style="red") for text in lines if text)


def _trades(trades: Sequence[Plain], now: datetime) -> RenderableType:
    if not trades:
        return Text("No trade yet. Most markets, most of the time, give nothing to trade after costs.", style="dim")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for trade in trades[:SHOWN_TRADES]:
        grid.add_row(_clock(moment(trade["at"]), now), _trade(trade))
    return grid


def _clock(at: datetime, now: datetime) -> str:
    return at.strftime("%H:%M:%SZ" if at.date() == now.date() else "%d %b %H:%MZ")


def _trade(trade: Plain) -> Text:
    state = trade["state"].lower()
    style = {"executed": "green", "failed": "red"}.get(state, "yellow")
    conversion = f"{trade['amount']} {trade['from']} → {trade['received'] or '-'} {trade['to']}  "
    why = " — ".join(filter(None, (trade["reason"], trade["outcome"])))
    return Text.assemble(conversion, (state, style), "\n", (why, "dim"))


def line(values: Sequence[float]) -> str:
    """The newest values as a line of little bars, between their own least and most."""
    newest = _thinned(values)
    if len(newest) < 2:
        return ""
    least, most = min(newest), max(newest)
    steps = len(BARS) - 1
    return "".join(BARS[round((value - least) / (most - least) * steps) if most > least else 0] for value in newest)


def _thinned(values: Sequence[float]) -> Sequence[float]:
    step = max(1, -(-len(values) // LINE_WIDTH))
    return values[(len(values) - 1) % step :: step]
