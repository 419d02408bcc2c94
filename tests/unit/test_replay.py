"""A market's time, the simulated exchange's answers, and its faults: all without a socket or a clock."""

import gzip
import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.market import epoch, iso
from heisenbug.markets.recorded import RecordedMarket, read_market
from local.catalogue import InvalidBalance, balances_from
from local.replay import InvalidPosition, Replay, begin, in_step, samples
from local.routes import Answer, Request, SimulatedExchange
from local.state import save_position, saved_position
from local.ticker import directions

DATA = Path(__file__).parents[2].parent / "shared" / "data"
NOW = 1_800_000_003.0
PAIRS = ("BTC-USD", "ETH-USD", "BTC-EUR", "EUR-USD")


@pytest.fixture
def recording(tmp_path: Path) -> RecordedMarket:
    """Ten minutes of four pairs; bids are 100 + the minute, asks one more."""
    rows = [
        f"2025-05-04T15:{minute:02}:00Z,{pair},{100 + minute}.0,{101 + minute}.50\n"
        for minute in range(10)
        for pair in PAIRS
    ]
    path = tmp_path / "ten-minutes.csv.gz"
    path.write_bytes(gzip.compress(("at,pair,bid,ask\n" + "".join(rows)).encode()))
    return read_market(path)


@pytest.fixture
def exchange(recording: RecordedMarket) -> SimulatedExchange:
    """The exchange standing at minute 5 when the wall clock shows NOW, twelve times as fast."""
    balances = {"USD": Decimal("1000.5"), "BTC": Decimal("0.25")}
    return SimulatedExchange(recording, begin(recording, 12, NOW, epoch("2025-05-04T15:05:00Z")), balances)


def get(exchange: SimulatedExchange, path: str, now: float = NOW, **query: str) -> Answer:
    return exchange.answer(Request("GET", path, query, {"authorization": "Bearer any"}), now)


def post(exchange: SimulatedExchange, path: str, body: object, now: float = NOW) -> Answer:
    return exchange.answer(Request("POST", path, {}, {"authorization": "Bearer any"}, json.dumps(body).encode()), now)


def rows(exchange: SimulatedExchange, path: str = "/v0/ticker") -> dict[str, dict[str, str]]:
    body = get(exchange, path).body
    assert isinstance(body, list)
    return {row["pair"]: row for row in body}


# --- the market's time ---


def test_market_time_moves_at_its_speed_and_stays_at_the_end() -> None:
    replay = Replay(first=0, last=1000, position=100, since=NOW, speed=12)
    assert replay.market_time(NOW + 5) == 160
    assert not replay.ended(NOW + 74)
    assert replay.ended(NOW + 75)
    assert replay.market_time(NOW + 1e6) == 1000
    assert replay.market_time(NOW - 1e6) == 0


def test_a_market_without_end_never_ends() -> None:
    assert not Replay(first=0, last=None, position=0, since=0, speed=1000).ended(1e12)


@pytest.mark.parametrize(("speed", "position"), [(-1, 5), (float("nan"), 5), (float("inf"), 5), (1, -1), (1, 11)])
def test_impossible_replays_are_refused(speed: float, position: float) -> None:
    with pytest.raises(InvalidPosition):
        Replay(first=0, last=10, position=position, since=0, speed=speed)


def test_a_stopped_market_goes_on_where_it_was(tmp_path: Path, recording: RecordedMarket) -> None:
    file = tmp_path / "state" / "exchange.json"
    assert saved_position(file, recording) is None
    save_position(file, recording, begin(recording, 12, NOW), NOW + 7)
    position = saved_position(file, recording)
    assert position == pytest.approx(recording.start + 84, abs=1e-5)
    assert [path.name for path in file.parent.iterdir()] == ["exchange.json"]


def test_the_position_of_another_market_is_not_taken(tmp_path: Path, recording: RecordedMarket) -> None:
    file = tmp_path / "exchange.json"
    other = GeneratedMarket()
    save_position(file, other, begin(other, 1, NOW), NOW)
    assert saved_position(file, recording) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", '{"market":"x","market_time":3}'])
def test_a_spoilt_state_file_says_to_delete_it(tmp_path: Path, recording: RecordedMarket, text: str) -> None:
    file = tmp_path / "exchange.json"
    file.write_text(text)
    with pytest.raises(InvalidPosition, match="delete it to begin anew"):
        saved_position(file, recording)


# --- the market's past on wall-clock slots ---


def test_samples_are_wall_clock_slots_before_the_current_one(recording: RecordedMarket) -> None:
    replay = begin(recording, 12, NOW, epoch("2025-05-04T15:05:00Z"))
    past = samples(recording, replay, NOW, seconds=5, count=3)
    assert [sample["at"] for sample in past] == [iso(1_799_999_985), iso(1_799_999_990), iso(1_799_999_995)]


def test_each_sample_is_what_the_ticker_showed_at_that_moment(exchange: SimulatedExchange) -> None:
    past = samples(exchange.market, exchange.replay, NOW, seconds=1, count=20)
    for sample in past:
        shown = rows_at(exchange, epoch(str(sample["at"])))
        assert sample["quotes"] == shown


def rows_at(exchange: SimulatedExchange, now: float) -> dict[str, tuple[str, str]]:
    rows = {}
    for pair in PAIRS:
        row = get(exchange, f"/v0/ticker/{pair}", now).body
        assert isinstance(row, dict)
        rows[pair] = (row["bid"], row["ask"])
    return rows


def test_samples_never_look_ahead_of_the_market(exchange: SimulatedExchange) -> None:
    default = get(exchange, "/local/samples", seconds="5", count="4").body
    assert get(exchange, "/local/samples", seconds="5", count="4", before=str(NOW + 1000)).body == default


def test_before_leaves_out_the_slot_that_holds_it(exchange: SimulatedExchange) -> None:
    for before in ("1799999990", "1799999994"):
        body = get(exchange, "/local/samples", seconds="5", count="2", before=before).body
        assert isinstance(body, dict)
        assert [sample["at"] for sample in body["samples"]] == [iso(1_799_999_980), iso(1_799_999_985)]


def test_the_past_ends_where_the_market_began(recording: RecordedMarket) -> None:
    replay = begin(recording, 12, NOW, recording.first + 60)
    assert len(samples(recording, replay, NOW, seconds=1, count=500)) == 5


def test_after_the_end_the_last_prices_stay_in_the_past_too(recording: RecordedMarket) -> None:
    replay = begin(recording, 60, NOW, recording.first)
    past = samples(recording, replay, NOW + 100, seconds=1, count=2)
    assert past[-1]["quotes"] == {pair: ("109", "110.5") for pair in PAIRS}


def test_a_thousand_samples_of_eight_pairs_are_quick() -> None:
    market = GeneratedMarket(seed=7)
    replay = begin(market, 12, NOW)
    samples(market, replay, NOW, seconds=5, count=1000)
    began = time.process_time()
    assert len(samples(market, replay, NOW + 5, seconds=5, count=1000)) == 1000
    assert time.process_time() - began < 0.5  # about 0.01 s; wide enough for a busy machine


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "seconds"),
        ({"seconds": "5"}, "count"),
        ({"seconds": "0", "count": "1"}, "seconds"),
        ({"seconds": "5", "count": "many"}, "count"),
        ({"seconds": "5", "count": "10001"}, "count"),
        ({"seconds": "5", "count": "1", "before": "nan"}, "before"),
    ],
)
def test_a_bad_question_for_samples_names_the_field(
    exchange: SimulatedExchange, query: dict[str, str], field: str
) -> None:
    answer = exchange.answer(Request("GET", "/local/samples", query), NOW)
    assert answer.status == 400
    assert isinstance(answer.body, dict)
    assert answer.body["message"].startswith(f"{field} ")


# --- the ticker ---


def test_the_inverse_row_holds_the_reciprocals_of_the_documented_sample() -> None:
    forward, inverse = directions("BTC-USD", ("6419", "6420.05"))
    assert forward == {"ask": "6420.05", "bid": "6419", "currency": "USD", "pair": "BTCUSD"}
    assert inverse == {"ask": "0.00015579", "bid": "0.00015576", "currency": "BTC", "pair": "USDBTC"}


def test_other_currencies_have_reciprocals_of_eighteen_decimals() -> None:
    _, inverse = directions("BAT-USD", ("0.3", "0.4000"))
    assert inverse == {"ask": "3.333333333333333333", "bid": "2.5", "currency": "BAT", "pair": "USDBAT"}


def test_the_ticker_has_every_usd_pair_both_ways_and_no_other(exchange: SimulatedExchange) -> None:
    assert set(rows(exchange)) == {"BTCUSD", "USDBTC", "ETHUSD", "USDETH", "EURUSD", "USDEUR"}
    assert rows(exchange) == rows(exchange, "/v0/ticker/USD")
    assert rows(exchange)["BTCUSD"] == {"ask": "106.5", "bid": "105", "currency": "USD", "pair": "BTCUSD"}


def test_pairs_of_another_currency_are_under_that_currency(exchange: SimulatedExchange) -> None:
    assert set(rows(exchange, "/v0/ticker/EUR")) == {"BTCEUR", "EURBTC", "EURUSD", "USDEUR"}


@pytest.mark.parametrize("name", ["BTC-USD", "BTCUSD", "btc-usd"])
def test_one_pair_is_an_object_without_its_name(exchange: SimulatedExchange, name: str) -> None:
    assert get(exchange, f"/v0/ticker/{name}").body == {"ask": "106.5", "bid": "105", "currency": "USD"}


@pytest.mark.parametrize("path", ["/v0/ticker/DOGE-USD", "/v0/ticker/XYZ", "/v0/nothing", "/", "/v0/ticker/a/b"])
def test_what_does_not_exist_is_404_in_uphold_words(exchange: SimulatedExchange, path: str) -> None:
    answer = get(exchange, path)
    assert (answer.status, answer.body) == (404, {"code": "not_found", "message": "Not Found"})


# --- assets and cards ---


def test_assets_have_their_class_and_precision(exchange: SimulatedExchange) -> None:
    body = get(exchange, "/v0/assets").body
    assert isinstance(body, list)
    assert {item["code"]: (item["type"], item["formatting"]["precision"]) for item in body} == {
        "BTC": ("cryptocurrency", 8),
        "ETH": ("cryptocurrency", 8),
        "EUR": ("fiat", 2),
        "USD": ("fiat", 2),
    }
    fiat = get(exchange, "/v0/assets", q="type:fiat").body
    assert isinstance(fiat, list)
    assert [item["code"] for item in fiat] == ["EUR", "USD"]


@pytest.mark.parametrize(
    ("range_header", "status", "count"), [("items=0-1", 206, 2), ("items=9-10", 416, 0), ("bytes=1-2", 412, 0)]
)
def test_lists_come_in_pages_where_asked(
    exchange: SimulatedExchange, range_header: str, status: int, count: int
) -> None:
    answer = exchange.answer(Request("GET", "/v0/assets", {}, {"range": range_header}), NOW)
    assert answer.status == status
    if count:
        assert isinstance(answer.body, list)
        assert (len(answer.body), answer.headers["Content-Range"]) == (count, "items 0-1/4")


def test_there_is_one_card_a_currency_with_its_balance(exchange: SimulatedExchange) -> None:
    cards = get(exchange, "/v0/me/cards").body
    assert isinstance(cards, list)
    held = {card["currency"]: (card["available"], card["balance"]) for card in cards}
    assert held["USD"] == ("1000.50", "1000.50")
    assert held["BTC"] == ("0.25000000", "0.25000000")
    assert held["EUR"] == ("0.00", "0.00")
    assert get(exchange, f"/v0/me/cards/{cards[0]['id']}").body == cards[0]
    btc = get(exchange, "/v0/me/cards", q="currency:BTC").body
    assert isinstance(btc, list)
    assert btc[0]["normalized"] == [{"available": "26.25", "balance": "26.25", "currency": "USD"}]


def test_cards_need_a_token_and_prices_do_not(exchange: SimulatedExchange) -> None:
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Basic abc"}):
        answer = exchange.answer(Request("GET", "/v0/me/cards", {}, headers), NOW)
        assert answer.status == 401
        assert isinstance(answer.body, dict)
        assert answer.body["error"] == "invalid_token"
    assert exchange.answer(Request("GET", "/v0/ticker"), NOW).status == 200


@pytest.mark.parametrize("text", ["USD", "usd=1", "USD=", "USD=-1", "USD=NaN", "USD=1e40", "=3"])
def test_a_bad_balance_says_what_a_good_one_is(text: str) -> None:
    with pytest.raises(InvalidBalance, match="give one like USD=1000"):
        balances_from([text])


# --- steering and faults ---


def test_health_says_where_the_market_stands(exchange: SimulatedExchange) -> None:
    body = get(exchange, "/local/health", NOW + 5).body
    assert isinstance(body, dict)
    assert body["market"] == "ten-minutes"
    assert body["market_time"] == "2025-05-04T15:06:00Z"
    assert (body["speed"], body["ended"], tuple(body["pairs"])) == (12, False, PAIRS)
    late = get(exchange, "/local/health", NOW + 999).body
    assert isinstance(late, dict)
    assert (late["ended"], late["market_time"]) == (True, "2025-05-04T15:09:00Z")


def test_the_market_can_be_moved(exchange: SimulatedExchange) -> None:
    answer = post(exchange, "/local/position", {"market_time": "2025-05-04T15:08:00Z"})
    assert isinstance(answer.body, dict)
    assert answer.body["market_time"] == "2025-05-04T15:08:00Z"
    assert rows(exchange)["BTCUSD"]["bid"] == "108"


@pytest.mark.parametrize("body", [{}, [], {"market_time": "x"}, {"market_time": "2020-01-01T00:00:00Z"}])
def test_the_market_cannot_be_moved_out_of_itself(exchange: SimulatedExchange, body: object) -> None:
    assert post(exchange, "/local/position", body).status == 400


@pytest.mark.parametrize(
    ("kind", "row", "inverse"),
    [
        ("nan", {"ask": "NaN", "bid": "NaN"}, {"ask": "NaN", "bid": "NaN"}),
        ("zero", {"ask": "0", "bid": "0"}, {"ask": "0", "bid": "0"}),
        ("text", {"ask": "n/a", "bid": "n/a"}, {"ask": "n/a", "bid": "n/a"}),
        ("missing", {}, {}),
        ("negative", {"ask": "-106.5", "bid": "-105"}, {"ask": "-0.00952381", "bid": "-0.00938967"}),
        ("crossed", {"ask": "105", "bid": "106.6065"}, {"ask": "0.00938029", "bid": "0.00952381"}),
        ("times1000", {"ask": "106500", "bid": "105000"}, {"ask": "0.00000952", "bid": "0.00000939"}),
    ],
)
def test_spoilt_prices_of_one_pair_leave_the_others_alone(
    exchange: SimulatedExchange, kind: str, row: dict[str, str], inverse: dict[str, str]
) -> None:
    healthy = rows(exchange)
    post(exchange, "/local/faults", {"kind": kind, "pair": "BTC-USD"})
    spoilt = rows(exchange)
    assert spoilt["BTCUSD"] == {"currency": "USD", "pair": "BTCUSD", **row}
    assert spoilt["USDBTC"] == {"currency": "BTC", "pair": "USDBTC", **inverse}
    assert spoilt["ETHUSD"] == healthy["ETHUSD"]


def test_a_pair_can_be_gone(exchange: SimulatedExchange) -> None:
    post(exchange, "/local/faults", {"kind": "gone", "pair": "BTC-USD"})
    assert set(rows(exchange)) == {"ETHUSD", "USDETH", "EURUSD", "USDEUR"}
    assert get(exchange, "/v0/ticker/BTC-USD").status == 404


def test_a_fault_without_a_pair_spoils_them_all(exchange: SimulatedExchange) -> None:
    post(exchange, "/local/faults", {"kind": "nan", "pair": None})
    assert {row["bid"] for row in rows(exchange).values()} == {"NaN"}


def test_a_fault_lasts_for_its_number_of_ticker_answers(exchange: SimulatedExchange) -> None:
    post(exchange, "/local/faults", {"kind": "status_500", "count": 2})
    get(exchange, "/local/health")
    get(exchange, "/v0/me/cards")
    assert [get(exchange, "/v0/ticker").status for _ in range(3)] == [500, 500, 200]


def test_a_fault_without_a_count_lasts_until_none(exchange: SimulatedExchange) -> None:
    post(exchange, "/local/faults", {"kind": "status_429", "seconds": 7})
    answers = [get(exchange, "/v0/ticker") for _ in range(5)]
    assert {(answer.status, answer.headers["Retry-After"]) for answer in answers} == {(429, "7")}
    post(exchange, "/local/faults", {"kind": "none"})
    assert get(exchange, "/v0/ticker").status == 200


def test_hang_and_html_spoil_the_whole_answer(exchange: SimulatedExchange) -> None:
    post(exchange, "/local/faults", {"kind": "hang", "seconds": 3, "count": 1})
    assert get(exchange, "/v0/ticker").hang_seconds == 3
    post(exchange, "/local/faults", {"kind": "html", "count": 1})
    assert "<p>" in str(get(exchange, "/v0/ticker").html)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "a fault"),
        ({}, "kind"),
        ({"kind": "boom"}, "kind"),
        ({"kind": "nan", "pair": "DOGE-USD"}, "pair"),
        ({"kind": "nan", "pair": ["BTC-USD"]}, "pair"),
        ({"kind": "nan", "count": 0}, "count"),
        ({"kind": "nan", "count": True}, "count"),
        ({"kind": "hang", "seconds": -1}, "seconds"),
        ({"kind": "nan", "often": 3}, "often"),
    ],
)
def test_a_bad_fault_names_its_field_and_changes_nothing(exchange: SimulatedExchange, body: object, field: str) -> None:
    answer = post(exchange, "/local/faults", body)
    assert answer.status == 400
    assert isinstance(answer.body, dict)
    assert answer.body["message"].startswith(field)
    assert get(exchange, "/v0/ticker").status == 200


def test_what_is_not_json_is_refused(exchange: SimulatedExchange) -> None:
    assert exchange.answer(Request("POST", "/local/faults", body=b"nan"), NOW).status == 400


def test_the_newest_sample_of_a_recorded_month_joins_on_to_the_ticker() -> None:
    path = DATA / "crypto8_1m_2025-05.csv.gz"
    if not path.exists():
        pytest.skip("the recorded market crypto8_1m_2025-05 is not here")
    market = read_market(path)
    replay = begin(market, 12, NOW)
    past = samples(market, replay, NOW, seconds=5, count=1001)
    assert len(past) == 999  # NOW lies 3 s into its slot: the market began 1000 minutes of market time before NOW
    following = samples(market, replay, NOW + 5, seconds=5, count=1)
    assert following[0]["at"] == iso(epoch(str(past[-1]["at"])) + 5)
    assert past[-1] in samples(market, replay, NOW + 5, seconds=5, count=2)


@pytest.mark.parametrize("late", [0.0, 0.4, 1.2])
@pytest.mark.parametrize("start", [0.0, 7.0, 59.9])
def test_in_step_looks_on_the_grid_see_every_sample_once_however_late_within_a_quarter(
    start: float, late: float
) -> None:
    replay = in_step(Replay(0.0, None, 6_000.0 + start, 1_000_003.3, 12.0), 60.0, 1_000_003.3)

    looks = [int(replay.market_time(1_000_005 + 5 * tick + late) // 60) for tick in range(20)]

    assert looks == list(range(looks[0], looks[0] + 20))
    assert 0 <= replay.position - (6_000.0 + start) < 60
