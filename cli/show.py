"""How answers are printed: data on stdout, as tables for people or as JSON for programs; talk on stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH_OF_A_FILE = 200

out = Console(highlight=False, markup=False)
if not out.is_terminal:
    out.width = WIDTH_OF_A_FILE
talk = Console(stderr=True, highlight=False)


def as_json(data: Any) -> None:
    """Print data as JSON, nothing else."""
    out.print_json(json.dumps(data), highlight=False) if out.is_terminal else print(json.dumps(data))


def as_json_line(data: Any) -> None:
    """Print data as JSON on one line, at once."""
    print(json.dumps(data), flush=True)


def raw(text: str) -> None:
    """Text on stdout, to the byte."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """One line of talk."""
    talk.print(text, soft_wrap=True)


def tell(text: str) -> None:
    """One line of talk in somebody else's words, printed as they are."""
    talk.print(text, markup=False, soft_wrap=True)


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], empty: str) -> None:
    """Rows under headings; `columns` maps each key to its heading, `empty` is said where there are none."""
    if not rows:
        say(empty)
        return
    grid = Table(box=None, header_style="bold", pad_edge=False)
    for heading in columns.values():
        grid.add_column(heading, overflow="fold")
    for row in rows:
        grid.add_row(*(cell(row.get(key)) for key in columns))
    out.print(grid)


def facts(pairs: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        text = cell(value).replace("\n", "\n" + " " * (width + 2))
        out.print(f"{name:<{width}}  {text}", soft_wrap=True)


def cell(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}" if 1e-4 <= abs(value) < 1 else f"{value:.6g}" if abs(value) >= 1 else "0"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def percent(fraction: float | None) -> str:
    """A fraction as a percentage."""
    return "-" if fraction is None else f"{fraction:.2%}"


def halt_line(halt: dict[str, Any]) -> str:
    """What stops entries, until when, and how to lift it."""
    until = f" until {halt['until']}" if halt["until"] else ""
    return f"stopped{until} by {halt['by']}: {halt['why']} {halt['lift']}"


def exchange_line(quiet_until: str | None) -> str:
    """Whether the exchange may be asked."""
    return f"wants to be left alone until {quiet_until}; nothing is asked before" if quiet_until else "may be asked"
