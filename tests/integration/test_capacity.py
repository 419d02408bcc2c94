"""What a tick costs at DynamoDB, whoever's money it is: two write units and three read units while nothing trades."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from heisenbug.store.bot_state import TICK, BotStateItem, States
from heisenbug.store.trade_history import TradeHistory
from tests.bots import BOT, Process, live, process, run, seasoned
from tests.capacity import Spent, metered, size_of
from tests.fakes import raising
from tests.markets import MONDAY
from tests.tables import PREFIX, Cloud
from tests.trades import DOUBT

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "LTC", "BCH", "DOT", "AVAX", "LINK")
PAIRS = [f"{coin}-USD" for coin in COINS]

pytestmark = pytest.mark.usefixtures("tables")


# --------------------------------------------------------------- the counting


def text_item(size: int, **names: str) -> dict[str, Any]:
    """A raw item of exactly `size` bytes."""
    item: dict[str, Any] = {name: {"S": value} for name, value in names.items()}
    return {**item, "x": {"S": "y" * (size - size_of(item) - 1)}}


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"bot_id": {"S": "default"}}, 13),
        ({"a": {"S": "ä€"}}, 6),
        ({"n": {"N": "0"}}, 2),
        ({"n": {"N": "1234.5"}}, 5),
        ({"n": {"N": "-1000"}}, 4),
        ({"b": {"B": b"12345"}}, 6),
        ({"b": {"BOOL": True}}, 2),
        ({"m": {"M": {"ab": {"N": "1"}}}}, 9),
        ({"l": {"L": [{"S": "ab"}, {"NULL": True}]}}, 9),
    ],
)
def test_an_item_is_as_large_as_its_names_and_values(item: dict[str, Any], size: int) -> None:
    assert size_of(item) == size


@pytest.mark.parametrize(("size", "write", "read"), [(1024, 1, 1), (1025, 2, 1), (4096, 4, 1), (4097, 5, 2)])
def test_one_byte_too_many_costs_another_unit(tables: Cloud, size: int, write: float, read: float) -> None:
    key = {"bot_id": {"S": BOT}, "item": {"S": TICK}}
    item = text_item(size, bot_id=BOT, item=TICK)
    assert size_of(item) == size
    with metered(tables) as spent:
        tables.client.put_item(TableName=f"{PREFIX}BotState", Item=item)
    assert (spent.write, spent.read) == (write, 0)
    for is_consistent, part in ((True, 1.0), (False, 0.5)):
        with metered(tables) as spent:
            tables.client.get_item(TableName=f"{PREFIX}BotState", Key=key, ConsistentRead=is_consistent)
        assert (spent.write, spent.read) == (0, read * part)
    with metered(tables) as spent:
        BotStateItem(BOT, TICK).update(actions=[BotStateItem.ticks.add(1)])
    assert spent.write == -(-tables_size(tables) // 1024)
    with metered(tables) as spent:
        BotStateItem(BOT, TICK).delete()
    assert spent.write >= write


def tables_size(tables: Cloud) -> int:
    return max(map(size_of, tables.items("BotState")))


def test_what_is_not_there_costs_the_least(tables: Cloud) -> None:
    with metered(tables) as spent:
        States(BOT).read()
        TradeHistory(BOT, "paper").newest(10)
        BotStateItem(BOT, TICK).delete()
    assert (spent.write, spent.read) == (1, 1.5)


def test_a_query_counts_its_items_together_and_what_it_leaves_out_of_them_too(tables: Cloud) -> None:
    for number in range(1, 6):
        item = text_item(1500, bot_id=BOT)
        tables.put("TradeHistory", {**item, "sequence": {"N": str(number)}})
    with metered(tables) as spent:
        TradeHistory(BOT, "paper").oldest(50)
    assert spent.read == 1.0
    with metered(tables) as spent:
        TradeHistory(BOT, "paper").oldest(2)
    assert spent.read == 0.5


def test_a_transaction_costs_double_and_a_refused_write_as_much_as_one_that_is_made(tables: Cloud) -> None:
    with metered(tables) as spent:
        assert States(BOT).claim(MONDAY, "a") is not None
        assert States(BOT).claim(MONDAY, "b") is None
    assert [units for name, _, units in spent.requests if name == "UpdateItem"] == [1, 1]
    bot = seasoned()
    run(bot, range(10, 11))
    with metered(tables) as spent:
        assert run(bot, range(11, 12))[0].outcome == "executed"
    steps = [(table, units) for name, table, units in spent.requests if name == "TransactWriteItems"]
    assert sorted({table for table, _ in steps}) == ["BotState", "TradeArchive", "TradeHistory"]
    assert min(units for _, units in steps) == 2
    assert len(steps) == 2 + 2 + 5


def test_requests_are_not_disturbed_by_being_counted(tables: Cloud) -> None:
    plain = process()
    run(plain, range(3))
    tables.calls.clear()
    run(plain, range(3, 4))
    asked = tables.counted()
    with metered(tables):
        tables.calls.clear()
        run(plain, range(4, 5))
    assert tables.counted() == asked


# --------------------------------------------------------------- what a tick costs


def prices(dice: random.Random, tick: int) -> Mapping[str, float]:
    """Prices with many digits that wander a little, without rising."""
    return {coin: round((100 + 7 * place) * dice.uniform(0.99, 1.01), 6) for place, coin in enumerate(COINS)}


def quiet_ticks(bot: Process, tables: Cloud, first: int, count: int) -> list[tuple[int, Spent]]:
    """What each of some ticks that trade nothing costs; the first ones, which open things, apart."""
    dice, spent = random.Random(3), []
    for tick in range(first, first + count):
        bot.tickers.set(**prices(dice, tick))
        with metered(tables) as cost:
            report = bot.tick(MONDAY + 5 * tick)
        assert report.outcome == "no trade"
        spent.append((tick, cost))
    return spent


def assert_cheap(spent: list[tuple[int, Spent]]) -> None:
    for tick, cost in spent:
        assert (cost.write <= 2, cost.read <= 3) == (True, True), (tick, cost.requests)
    assert {cost.write for _, cost in spent} == {2.0}


TOLD: dict[str, Any] = {"pairs": PAIRS, "is_active": True, "risk_tolerance": 0, "max_drawdown": 1}


@pytest.mark.parametrize("sample_seconds", [5, 60])
def test_a_warm_tick_on_paper_costs_two_write_units_and_at_most_three_read_units(
    tables: Cloud, sample_seconds: int
) -> None:
    bot = process(**TOLD, sample_seconds=sample_seconds)
    quiet_ticks(bot, tables, 0, 3)
    assert_cheap(quiet_ticks(bot, tables, 3, 30))


def test_the_tick_that_is_a_sample_costs_no_more_than_the_others(tables: Cloud) -> None:
    bot = process(**TOLD, sample_seconds=60)
    quiet_ticks(bot, tables, 0, 3)
    spent = quiet_ticks(bot, tables, 3, 24)
    samples = [cost for tick, cost in spent if tick % 12 == 0]
    assert len(samples) == 2
    for cost in samples:
        assert [table for name, table, _ in cost.requests if name == "PutItem"] == ["PriceSnapshot"]
        assert (cost.write, cost.read) == (2, spent[0][1].read)


BUDGET = {coin: f"{1000 + place}.25" for place, coin in enumerate((*COINS[:4], "USD"))}


@pytest.mark.parametrize("sample_seconds", [5, 60])
def test_a_warm_tick_with_live_money_costs_no_more(tables: Cloud, sample_seconds: int) -> None:
    opened = live(**TOLD, budget=BUDGET, sample_seconds=sample_seconds)
    opened.bot.past = None
    quiet_ticks(opened.bot, tables, 0, 3)
    assert States(BOT).read().mode == "live"
    assert_cheap(quiet_ticks(opened.bot, tables, 3, 30))
    assert opened.exchange.asked == []


def test_a_bot_that_is_held_back_on_paper_costs_no_more(tables: Cloud) -> None:
    opened = live(**TOLD, budget=BUDGET)
    opened.bot.past = None
    opened.bot.tell(budget={**BUDGET, "USD": "5000"})
    quiet_ticks(opened.bot, tables, 0, 3)
    assert States(BOT).read().held_back
    assert_cheap(quiet_ticks(opened.bot, tables, 3, 12))


def test_a_killed_bot_costs_no_more_whatever_the_reason(tables: Cloud) -> None:
    opened = live(**TOLD, budget=BUDGET)
    opened.bot.past = None
    quiet_ticks(opened.bot, tables, 0, 3)
    States(BOT).kill(opened.bot.clock(), "the exchange", "x" * 200)
    assert_cheap(quiet_ticks(opened.bot, tables, 3, 12))


def test_a_trade_under_watch_costs_nothing_until_it_is_asked_for(tables: Cloud) -> None:
    opened = live(is_active=True, cooldown_seconds=86400)
    opened.exchange.answer = raising(DOUBT)
    run(opened.bot, range(10, 11))
    opened.exchange.found = lambda _: None
    run(opened.bot, range(45, 46))
    assert TradeHistory(BOT, "live").newest(1)[0].state.value == "FAILED"
    with metered(tables) as spent:
        run(opened.bot, range(46, 47))
    assert (spent.write <= 2, spent.read <= 3) == (True, True), spent.requests
    with metered(tables) as asked:
        run(opened.bot, range(58, 59))
    assert "find" in opened.exchange.asked[-1:]
    assert asked.write > 2


def test_every_item_that_each_tick_writes_has_room_left_under_a_kilobyte(tables: Cloud) -> None:
    opened = live(**TOLD, budget=BUDGET)
    opened.bot.past = None
    quiet_ticks(opened.bot, tables, 0, 24)
    tick = next(item for item in tables.items("BotState") if item["item"]["S"] == TICK)
    assert size_of(tick) < 800
    assert max(size_of(item) for item in tables.items("PriceSnapshot")) < 1024
    assert size_of(tables.items("BotConfig")[0]) < 4096
    assert sum(size_of(item) for item in tables.items("TradingPair")) < 4096


def test_a_tick_item_that_has_grown_too_large_is_noticed(tables: Cloud) -> None:
    bot = process(**TOLD)
    quiet_ticks(bot, tables, 0, 3)
    tables.edit("BotState", {"bot_id": {"S": BOT}, "item": {"S": TICK}}, killed_why={"S": "x" * 1000})
    (_, cost) = quiet_ticks(bot, tables, 3, 1)[0]
    assert cost.write == 3
    with pytest.raises(AssertionError):
        assert_cheap([(3, cost)])


def test_settings_that_have_grown_too_large_are_noticed(tables: Cloud) -> None:
    bot = process(**TOLD)
    quiet_ticks(bot, tables, 0, 3)
    before = quiet_ticks(bot, tables, 3, 1)[0][1]
    for number in range(200):
        tables.put("TradingPair", {"bot_id": {"S": BOT}, "pair": {"S": f"C{number}-USD"}, "enabled": {"BOOL": False}})
    assert quiet_ticks(bot, tables, 4, 2)[-1][1].read == before.read + 1
