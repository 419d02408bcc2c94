"""The report of a backtest: one file that loads nothing, runs nothing but itself, and believes no name it is given."""

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.report import sections, tables
from heisenbug.backtest.report.drawing import bar, reliability_diagram
from heisenbug.backtest.report.page import MARK, report_of
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.summary import Figures, figures_of
from heisenbug.fitting.calibration import Bin
from tests.histories import KEEN, generated, wish

LIBRARY = "window.LightweightCharts = { version: '\N{TRADE MARK SIGN}' };"
NASTY = """<script>alert(1)</script>"'&$policy</title>"""


class Seen(HTMLParser):
    """What a browser would find: each element with its attributes, and the text of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is not None:
            self.texts.append((*self.elements[-1], data))

    def inline(self, tag: str) -> list[str]:
        """The texts of the scripts that run, or of the styles."""
        return [text for found, attributes, text in self.texts if found == tag and "type" not in attributes]

    def data(self) -> dict[str, Any]:
        """What the chart is drawn from."""
        found: dict[str, Any] = json.loads(next(text for _, attributes, text in self.texts if "type" in attributes))
        return found


@cache
def traded() -> Figures:
    return figures_of(run_fast(wish(generated(240), Fill.NEXT_SAMPLE, **KEEN)))


@cache
def untraded() -> Figures:
    return figures_of(run_fast(wish(generated(240))))


def renamed(figures: Figures, name: str) -> Figures:
    """The same figures of a market with another name."""
    return replace(figures, summary=replace(figures.summary, market=name))


@pytest.mark.parametrize("figures", [traded, untraded])
def test_the_policy_lets_run_what_is_in_the_file_and_nothing_else(figures: Any) -> None:
    page = Seen(report_of(figures(), LIBRARY))
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy") or ""
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

    def hashes(texts: list[str]) -> str:
        return " ".join(f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts)

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == hashes(page.inline("script"))
    assert rules["style-src"] == hashes(page.inline("style"))
    assert (len(page.inline("script")), len(page.inline("style"))) == (2, 1)
    assert set(rules) == {
        *("default-src", "script-src", "style-src", "base-uri", "form-action", "require-trusted-types-for")
    }
    assert "unsafe" not in policy


@pytest.mark.parametrize("figures", [traded, untraded])
def test_nothing_is_loaded_from_anywhere(figures: Any) -> None:
    page = Seen(report_of(figures(), LIBRARY))
    loading = {"src", "srcset", "data", "poster", "background", "action", "xlink:href", "manifest"}
    assert [attributes for _, attributes in page.elements if loading & set(attributes)] == []
    assert {tag for tag, attributes in page.elements if "href" in attributes} == {"a"}
    assert not re.search(r"url\(|@import", page.inline("style")[0])
    assert {"link", "iframe", "img", "object", "base", "form"} & {tag for tag, _ in page.elements} == set()


@pytest.mark.parametrize("figures", [traded, untraded])
def test_no_element_has_a_style_or_a_handler_of_its_own(figures: Any) -> None:
    page = Seen(report_of(figures(), LIBRARY))
    own = [name for _, attributes in page.elements for name in attributes if name == "style" or name.startswith("on")]
    assert own == []


def test_a_name_from_a_file_is_text_wherever_it_stands() -> None:
    plain, nasty = (report_of(renamed(untraded(), name), LIBRARY) for name in ("plain", NASTY))
    assert NASTY not in nasty
    assert [tag for tag, _ in Seen(plain).elements] == [tag for tag, _ in Seen(nasty).elements]
    assert nasty.count("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;$policy") == plain.count("plain<") + 1


def test_what_a_trade_says_is_text() -> None:
    figures = traded()
    trade = replace(figures.run.trades[0], reason=NASTY, source=NASTY)
    run = replace(figures.run, told=lambda: (trade,), dropped=(replace(trade, outcome=NASTY),))
    html = sections.trades(replace(figures, run=run, came=np.array([0.01])))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4


def test_data_cannot_end_the_element_that_it_stands_in() -> None:
    figures = untraded()
    page = report_of(replace(figures, summary=replace(figures.summary, base=NASTY)), LIBRARY)
    assert Seen(page).data()["base"] == NASTY
    assert NASTY not in page


def test_a_library_that_would_end_its_script_is_refused() -> None:
    for text in ("</script>", "<!-- "):
        with pytest.raises(ValueError, match="standalone build"):
            report_of(untraded(), f"'{text}'")


def test_the_same_run_makes_the_same_report_and_it_is_known_as_one() -> None:
    page = report_of(traded(), LIBRARY)
    assert page == report_of(traded(), LIBRARY)
    assert MARK in page[:2000]
    assert page.isascii() is False
    assert page.index('<meta charset="utf-8">') < 100


def test_the_curves_are_those_of_the_run() -> None:
    figures = traded()
    data = Seen(report_of(figures, LIBRARY)).data()
    assert data["at"] == figures.run.wish.history.at.tolist()
    assert data["equity"] == pytest.approx(figures.run.equity.tolist(), rel=1e-6)
    assert data["holding"][-1] == pytest.approx(1000 * (1 + figures.summary.holding), rel=1e-6)
    assert min(data["equity_fall"]) == pytest.approx(-100 * figures.summary.drawdown, rel=1e-6)
    assert [data["at"][row] for row in data["marked"]] == sorted({trade.due for trade in figures.run.trades})


def test_a_report_with_trades_tells_each_with_its_reason_its_cost_and_what_came() -> None:
    figures = traded()
    html = report_of(figures, LIBRARY)
    assert html.count("every gate is open: confidence") == len(figures.run.trades)
    first = figures.run.trades[0]
    row = html[html.index(tables.utc(first.due), html.index("<h2>Trades</h2>")) :].partition("</tr>")[0]
    assert f"<b>{first.source}</b> \N{RIGHTWARDS ARROW} {first.received:,f} <b>{first.target}</b>" in row
    assert f"{first.realised_cost_bps:.1f}".replace("-", "\N{MINUS SIGN}") in row
    assert f"{figures.summary.costs:,.2f} USD, {figures.summary.costs_bps:.1f} bp of" in html
    assert "next sample&#x27;s bid or ask plus the fee" in html


def test_of_very_many_trades_the_first_and_the_last_are_shown_and_it_is_said() -> None:
    figures = traded()
    trades = figures.run.trades[:1] * (tables.MOST_TRADES + 100)
    many = replace(
        figures,
        run=replace(figures.run, told=lambda: trades, dropped=()),
        came=np.full(len(trades), np.nan),
        summary=replace(figures.summary, trades=len(trades)),
    )
    html = sections.trades(many)
    assert html.count("<tr>") == tables.MOST_TRADES + 1
    assert "Shown are the first 250 and the last 250 of 600" in html


def test_a_report_without_trades_says_why_in_its_headline_and_which_came_closest() -> None:
    html = report_of(untraded(), LIBRARY)
    assert "<h1>No trade in 4 hours: best edge 0 bp &lt; cost 220 bp</h1>" in html
    assert "Closest to paying was USD \N{RIGHTWARDS ARROW} " in html
    assert "confidence 0.00 &lt; 0.70 (edge 0 bp &lt; cost 220 bp)" in html
    assert "4,800 conversions were looked at" in html


def test_only_settings_that_differ_are_shown_at_first_with_their_defaults() -> None:
    assert tables.changed_table(untraded().run.wish.told.settings) == ""
    changed = tables.changed_table(traded().run.wish.told.settings)
    assert set(re.findall(r"<code>(\w+)</code>", changed)) == set(KEEN)
    assert re.search(r"<code>window</code>.*?>30</td>.*?>120</td>", changed)


def test_the_gates_add_up_to_all_conversions() -> None:
    html = tables.gates_table(untraded().summary, untraded().run.wish.told.settings)
    counts = re.findall(r'data-name="Conversions">([\d,]+)<', html)
    assert sum(int(count.replace(",", "")) for count in counts) == 240 * 5 * 4


def test_the_diagram_has_a_dot_and_a_column_for_each_bin_where_they_belong() -> None:
    bins = (Bin(0.0, 0.1, 100, 0.05, 0.0), Bin(0.9, 1.0, 50, 1.0, 0.5))
    drawing = reliability_diagram(bins, 0.7)
    assert re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawing) == [("59.0", "314.0"), ("344.0", "164.0")]
    assert re.findall(r'class="count".*?height="([\d.]+)"', drawing) == ["36.0", "18.0"]
    assert "claimed 100.0%, came true 50.0%, 50 conversions" in drawing


def test_a_bar_fills_its_part() -> None:
    assert 'width="25.00%"' in bar(0.25)
