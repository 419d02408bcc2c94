"""What people type wrong, for every setting and every other form: refused in the same words on every surface."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cli.telling import typed
from heisenbug.domain.rules import BadValue
from heisenbug.domain.settings import RULES

KINDS = {
    "empty": "",
    "text": "much too much",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus infinity": "-Infinity",
    "negative": "-7",
    "huge": "9" * 400,
    "too large for a number": "1e999",
    "wrong type": "[true]",
    "half a map": '{"USD": ',
    "a word of another language": "null, please",
}


def typed_wrong() -> Iterator[tuple[str, str]]:
    """Every setting with every text that it does not take."""
    for name, rule in RULES.items():
        for text in KINDS.values():
            try:
                rule.check(typed(text))
            except BadValue:
                yield name, text


UNKNOWN = [("rsk_tolerance", "0.5"), ("__class__", "{}"), ("Mode", "paper"), ("a" * 300, "1")]
BAD_INPUT = [*typed_wrong(), *UNKNOWN]


@dataclass(frozen=True, slots=True)
class Form:
    """One thing asked or told wrong, over HTTP and as a command, with the field that is named for it."""

    words: tuple[str, ...]
    method: str
    path: str
    named: str
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)


def _pair_forms() -> Iterator[Form]:
    for priority in ("", "high", "NaN", "Infinity", "-7", "0", "101", "1.5", "9" * 400, "[1]", "true", "null"):
        words = ("pairs", "add", "SOL-USD", f"--priority={priority}")
        yield Form(words, "PUT", "pairs/SOL-USD", "priority", {"priority": typed(priority), "enabled": True})
    for name in ("BTC", "btc-usd", "BTC-BTC", "-USD", "BTC_USD", "NaN", "A" * 60 + "-USD", "BTC-USD-ETH"):
        told = {"priority": 50, "enabled": True}
        yield Form(("pairs", "add", "--", name), "PUT", f"pairs/{name}", "pair", told)


def _restore_forms() -> Iterator[Form]:
    for version in ("", "two", "NaN", "-1", "0", "1.5", "9" * 400, "[1]", "true"):
        body = {"version": typed(version), "names": ["mode"]}
        yield Form(("config", "restore", "--", version, "mode"), "POST", "config/restore", "version", body)


def _reading_forms() -> Iterator[Form]:
    numbers = ("", "ten", "NaN", "Infinity", "-1", "0", "1.5", "1e3", "9" * 400)
    for path, words in (
        ("config/history", ("config", "history")),
        ("opportunities", ("opportunities",)),
        ("decisions", ("decisions",)),
        ("equity", ("equity",)),
        ("prices", ("prices",)),
    ):
        for number in numbers:
            yield Form((*words, f"--limit={number}"), "GET", path, "limit", query={"limit": number})
    for path, words in (("config/history", ("config", "history")), ("decisions", ("decisions",))):
        for number in ("", "ten", "NaN", "-1", "0"):
            yield Form((*words, f"--cursor={number}"), "GET", path, "cursor", query={"cursor": number})
    for pair in ("", "BTC", "btc-usd", "BTC-BTC", "NaN", "A" * 300):
        yield Form(("prices", f"--pair={pair}"), "GET", "prices", "pair", query={"pair": pair})


def _backtest_forms(market: str) -> Iterator[Form]:
    for option, name in (("--from", "from"), ("--to", "to")):
        for text in ("yesterday", "NaN", "Infinity", "-1", "2025-13-40", "9" * 300):
            body = {"market": market, name: text, "fill": "next_sample", "venue": "uphold"}
            yield Form(("backtest", f"--remote={market}", f"{option}={text}"), "POST", "backtests", name, body)
    for name, text in typed_wrong():
        if text == KINDS["wrong type"]:
            body = {"market": market, "set": {name: typed(text)}, "fill": "next_sample", "venue": "uphold"}
            words = ("backtest", f"--remote={market}", f"--set={name}={text}")
            yield Form(words, "POST", "backtests", name, body)
    body = {"market": "nowhere", "fill": "next_sample", "venue": "uphold"}
    yield Form(("backtest", "--remote=nowhere"), "POST", "backtests", "market", body)
    body = {"market": market, "fill": "next_sample", "venue": "mtgox"}
    yield Form(("backtest", f"--remote={market}", "--venue=mtgox"), "POST", "backtests", "venue", body)


def forms(market: str) -> list[Form]:
    """All of them; backtests are of this uploaded market."""
    return [*_pair_forms(), *_restore_forms(), *_reading_forms(), *_backtest_forms(market)]
