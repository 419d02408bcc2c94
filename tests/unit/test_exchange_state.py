"""What outlives a stop of the simulated exchange: cards, conversions, quotes, and commits under way."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.account import card_id
from local.replay import InvalidPosition, begin
from local.routes import SimulatedExchange
from local.state import save_position, saved_books, saved_position
from tests.exchanges import NOW, StillMarket, Trader, body_of, trader


def stop(somebody: Trader, file: Path) -> None:
    exchange = somebody.exchange
    save_position(file, exchange.market, exchange.replay, somebody.now, exchange.account.books())


def start(file: Path, now: float) -> Trader:
    market = StillMarket()
    return Trader(SimulatedExchange(market, begin(market, 0, now), books=saved_books(file, market)), now)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "exchange.json"


def test_balances_conversions_and_open_quotes_go_on_after_a_stop(file: Path) -> None:
    before = trader({"USD": "1000.5", "BTC": "0.12345678"})
    done, open_quote = before.offered("USD", "BTC", "100", reference="hb-1"), before.offered("BTC", "USD", "0.1")
    committed = before.commit(done)
    stop(before, file)
    after = start(file, NOW + 10)
    assert after.exchange.account.books() == before.exchange.account.books()
    assert after.read(done).body == committed.body
    assert after.commit(done).status == 404
    assert after.commit(open_quote).status == 200
    assert after.exchange.settle(NOW + 10).conserved()


def test_commits_under_way_and_late_ones_land_after_a_stop(file: Path) -> None:
    before = trader()
    slow, late, looked_at = (before.offered("USD", code, "100") for code in ("BTC", "ETH", "EUR"))
    before.plan(
        {"step": "commit", "kind": "processing", "seconds": 60},
        {"step": "commit", "kind": "lands_late", "seconds": 60},
        {"step": "commit", "kind": "processing", "reads": 1},
    )
    for quote in (slow, late, looked_at):
        before.commit(quote)
    stop(before, file)
    after = start(file, NOW + 30)
    assert after.exchange.account.books() == before.exchange.account.books()
    assert body_of(after.read(slow))["status"] == "processing"
    assert after.read(late).status == 404
    assert [body_of(after.read(looked_at))["status"] for _ in range(2)] == ["processing", "completed"]
    after.now += 30
    assert {body_of(after.read(quote))["status"] for quote in (slow, late)} == {"completed"}
    assert after.held("USD") == ("700.00", "700.00")


def test_ids_given_after_a_stop_are_new(file: Path) -> None:
    before = trader()
    ids = {before.offered("USD", "BTC", "1")["id"]}
    stop(before, file)
    ids.add(start(file, NOW + 1).offered("USD", "BTC", "1")["id"])
    assert len(ids) == 2


def test_a_state_without_an_account_begins_a_new_one(file: Path) -> None:
    market = StillMarket()
    save_position(file, market, begin(market, 0, NOW), NOW)
    assert saved_position(file, market) == 0.0
    assert saved_books(file, market) is None
    assert start(file, NOW).held("USD") == ("1000.00", "1000.00")


def test_the_account_of_another_market_is_not_taken(file: Path) -> None:
    stop(trader(), file)
    assert saved_books(file, StillMarket(name="another")) is None


def test_a_currency_that_the_market_has_got_meanwhile_gets_its_card(file: Path) -> None:
    stop(trader(quotes={"BTC-USD": ("1", "1")}), file)
    after = start(file, NOW)
    assert after.held("ETH") == ("0.00000000", "0.00000000")
    assert body_of(after.get(f"/v0/me/cards/{card_id('USD')}"))["balance"] == "1000.00"
    assert after.exchange.settle(NOW).conserved()


def test_there_is_no_account_before_the_first_start(file: Path) -> None:
    assert saved_books(file, StillMarket()) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda account: account.update(cards=[{}]),
        lambda account: account.update(opening={"USD": "much"}),
        lambda account: account.pop("landings"),
        lambda account: account.update(conversions=3),
        lambda account: account["cards"][0].update(balance=None),
    ],
)
def test_a_spoilt_account_says_to_delete_the_file(file: Path, spoil: Callable[[dict[str, Any]], object]) -> None:
    stop(trader(), file)
    state = json.loads(file.read_text())
    spoil(state["account"])
    file.write_text(json.dumps(state))
    with pytest.raises(InvalidPosition, match=r"spoilt account: delete it to begin anew"):
        saved_books(file, StillMarket())
