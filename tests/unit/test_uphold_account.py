"""Conversions at Uphold: a quote that is exactly what was asked for, a commit that is sent once, and what became of it.

Most of it meets the simulated exchange in this process; what that never says comes from canned answers.
"""

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.errors import HeisenbugError, MarketUnavailable, MissingAct, NeedsPerson, Rejected, Unresolved
from heisenbug.domain.trade import Filled, Settlement, VenueQuote
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Request
from heisenbug.exchange.uphold_account import UpholdAccount
from local.account import card_id
from local.rules import Rules
from local.trouble import Mishap, Order, Plan, Step, Trouble
from tests.canned import BTC_CARD, EUR_CARD, GONE, QUOTE, RESET, USD_CARD, Reply, Told, Venue, asset, http_to
from tests.canned import card as card_row
from tests.canned import transaction as told_transaction
from tests.exchanges import NOW, trader
from tests.fakes import Clock
from tests.in_process_exchange import InProcess

LEFT_SECONDS = 20
BEARER = {"Authorization": "Bearer any-token"}
WISH = Request("7f3a", "USD", "BTC", Decimal(100))
# 100 / 50010 is 0.00199960 BTC, less 1.05 % that are rounded up.
RECEIVES = Decimal("0.00197860")
CONVERTED = Filled(Settlement.COMPLETED, Decimal(100), RECEIVES)
UNDER_WAY = Filled(Settlement.PROCESSING, Decimal(100), Decimal(0))
CAME_TO_NOTHING = Filled(Settlement.FAILED, Decimal(100), Decimal(0))


class Wire(InProcess):
    """The way to the exchange, whose clock is `ahead` of ours; keeps what was sent."""

    ahead = 0.0
    sent: list[requests.PreparedRequest]

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self.sent.append(request)
        return super().send(request, *args, **options)


class Desk:
    """Somebody's cards at the simulated exchange, with all the time of an invocation, and trouble on order."""

    def __init__(
        self,
        balances: Mapping[str, str] | None = None,
        rules: Rules | None = None,
        pinned: Mapping[str, str] | None = None,
        sign: Callable[[], Mapping[str, str]] = lambda: BEARER,
    ) -> None:
        self.clock = Clock(NOW)
        self.exchange = trader(balances, rules).exchange
        self.wire = Wire(self.exchange, lambda: self.clock.at + self.wire.ahead, self.clock.sleep)
        self.wire.sent = []
        self.patience = Patience()
        http = http_to(self.wire, self.clock, self.patience, sign)
        self.account = UpholdAccount(http, pinned or {}, self.clock, NOW + LEFT_SECONDS)

    def order(self, kind: Mishap, *steps: Step, count: int | None = 1, **measures: Any) -> None:
        """From now on this goes wrong with the steps."""
        orders = tuple(Order(Trouble(kind, **measures), step, 1, count) for step in steps)
        self.exchange.trouble.order(Plan(orders))

    def commits(self) -> int:
        """How many commits were sent."""
        return sum("commit" in (request.path_url or "") for request in self.wire.sent)

    def posted(self) -> list[tuple[str, Any]]:
        """Address and body of everything that was more than a question."""
        return [
            (request.path_url, json.loads(request.body or b"")) for request in self.wire.sent if request.method != "GET"
        ]

    def landed(self) -> list[str]:
        """What was carried out, at this or at any later time."""
        self.exchange.settle(self.clock.at + 3600)
        return [conversion.id for conversion in self.exchange.conversions]


def canned(**told: Told | list[Any]) -> tuple[UpholdAccount, Venue]:
    """An account at a venue that says what it is told."""
    clock = Clock(NOW)
    venue = Venue(clock)
    for step, said in told.items():
        setattr(venue, step, said)
    return UpholdAccount(http_to(venue, clock), {}, clock, NOW + LEFT_SECONDS), venue


TEN = Request("7f3a", "USD", "BTC", Decimal(10))
TEN_QUOTED = VenueQuote(QUOTE, "USD", "BTC", Decimal(10), Decimal("0.00075846"), int(NOW) + 18)


# ------------------------------------------------------------------------ cards


def test_without_pins_each_asset_has_what_its_first_card_may_spend() -> None:
    desk = Desk({"USD": "1000", "BTC": "0.5"})
    desk.exchange.account.open_card("USD", "a second one")
    assert desk.account.balances() == {"USD": 1000, "BTC": Decimal("0.5"), "EUR": 0, "ETH": 0}


def test_with_pins_only_the_pinned_cards_may_be_spent_from() -> None:
    exchange = (desk := Desk({"USD": "1000", "BTC": "0.5"})).exchange
    second = exchange.account.open_card("USD", "a second one").id
    for pins, balances in (
        ({"USD": second}, {"USD": 0}),
        ({"USD": card_id("USD"), "BTC": card_id("BTC")}, {"USD": 1000, "BTC": Decimal("0.5")}),
    ):
        http = http_to(desk.wire, desk.clock, sign=lambda: BEARER)
        assert UpholdAccount(http, pins, desk.clock, NOW + LEFT_SECONDS).balances() == balances


def test_what_a_commit_under_way_has_taken_may_not_be_spent() -> None:
    desk = Desk()
    desk.order(Mishap.PROCESSING, Step.COMMIT)
    desk.account.commit(desk.account.quote(WISH))
    assert desk.account.balances()["USD"] == 900


@pytest.mark.parametrize("has_another", [True, False])
def test_a_pinned_card_that_is_gone_needs_a_person_and_is_not_taken_for_an_empty_one(has_another: bool) -> None:
    desk = Desk(pinned={"USD": card_id("USD"), "BTC": card_id("BTC")})
    if has_another:
        desk.exchange.account.open_card("USD", "a second one")
    desk.order(Mishap.VANISHED, Step.CARDS, currency="USD")
    with pytest.raises(NeedsPerson, match="is not there any more"):
        desk.account.balances()


@pytest.mark.parametrize("count", [4, 49, 50, 51, 100, 101, 163])
def test_cards_are_read_page_by_page_to_the_last_one(count: int) -> None:
    desk = Desk()
    for number in range(count - len(desk.exchange.account.cards())):
        desk.exchange.account.open_card("USD", f"number {number}")
    assert len({card.id for card in desk.account.cards()}) == count
    asked = [request.headers["Range"] for request in desk.wire.sent]
    assert asked == [f"items={first}-{first + 49}" for first in range(0, count // 50 * 50 + 1, 50)]


def test_a_pinned_card_is_found_on_the_second_page() -> None:
    desk = Desk()
    pin = [desk.exchange.account.open_card("USD", f"number {number}").id for number in range(60)][-1]
    http = http_to(desk.wire, desk.clock, sign=lambda: BEARER)
    assert UpholdAccount(http, {"USD": pin}, desk.clock, NOW + LEFT_SECONDS).balances() == {"USD": 0}


def test_a_list_without_end_is_read_as_far_as_a_thousand_rows() -> None:
    account, venue = canned(cards=Reply(206, [card_row(USD_CARD, "USD", "1")] * 50))
    assert len(account.cards()) == 1000
    assert len(venue.sent) == 20


@pytest.mark.parametrize("told", [[], Reply(416, {"code": "requested_range_not_satisfiable"}), Reply(200, [])])
def test_an_empty_list_is_empty_also_where_its_range_cannot_be_satisfied(told: Told | list[Any]) -> None:
    account, _ = canned(cards=told)
    assert account.cards() == ()
    assert account.balances() == {}


@pytest.mark.parametrize(
    ("told", "error", "says"),
    [
        (Reply(200, {"cards": []}), MarketUnavailable, "is not a list"),
        (Reply(200, b"<html>"), MarketUnavailable, "is not a list"),
        (RESET, MarketUnavailable, "no connection"),
        (Reply(503), MarketUnavailable, "503"),
        (Reply(412, {"code": "precondition_failed"}), Rejected, "precondition_failed"),
        (Reply(401, {"error": "invalid_token"}), NeedsPerson, "does not accept the token"),
    ],
)
def test_cards_that_cannot_be_read_are_not_taken_for_none(told: Told, error: type[Exception], says: str) -> None:
    account, _ = canned(cards=told)
    with pytest.raises(error, match=says):
        account.balances()


# ------------------------------------------------------------------------ quotes


def test_a_quote_is_the_exact_result_and_moves_nothing() -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    assert quote == VenueQuote(quote.id, "USD", "BTC", Decimal(100), RECEIVES, int(NOW) + 18)
    assert desk.posted() == [
        (
            f"/v0/me/cards/{card_id('USD')}/transactions",
            {
                "denomination": {"amount": "100", "currency": "USD", "target": "origin"},
                "destination": card_id("BTC"),
                "reference": "heisenbug-7f3a",
            },
        )
    ]
    assert desk.landed() == []
    assert desk.account.balances()["USD"] == 1000


def test_a_quote_is_between_the_pinned_cards() -> None:
    desk = Desk()
    second = desk.exchange.account.open_card("BTC", "a second one").id
    http = http_to(desk.wire, desk.clock, sign=lambda: BEARER)
    UpholdAccount(http, {"BTC": second}, desk.clock, NOW + LEFT_SECONDS).quote(WISH)
    assert desk.posted()[-1][1]["destination"] == second


@pytest.mark.parametrize("ttl_seconds", [7, 18, 3599.996])
@pytest.mark.parametrize("ahead", [-500, 0, 500])
def test_a_quote_lasts_from_before_the_question_on_our_clock(ttl_seconds: float, ahead: float) -> None:
    desk = Desk(rules=Rules(ttl_seconds=ttl_seconds))
    desk.wire.ahead = ahead
    desk.order(Mishap.SLOW, Step.QUOTE, seconds=3)
    assert desk.account.quote(WISH).expires_at == int(NOW + ttl_seconds)
    assert desk.clock.at == NOW + 3


@pytest.mark.parametrize("answered", ["simulated", 0, -5000])
def test_a_quote_without_time_has_expired_when_it_comes(answered: object) -> None:
    desk = Desk()
    desk.order(Mishap.TTL_ZERO, Step.QUOTE)
    account = desk.account if answered == "simulated" else canned(quote=pending(params__ttl=answered))[0]
    assert account.quote(WISH if answered == "simulated" else TEN).expires_at <= NOW


@pytest.mark.parametrize(
    ("source", "target", "amount", "sent"),
    [
        ("USD", "BTC", "100.019", "100.01"),
        ("USD", "BTC", "1E+2", "100"),
        ("BTC", "USD", "0.123456789", "0.12345678"),
        ("BTC", "USD", "0.00001", "0.00001"),
        ("ETH", "BTC", "0.5", "0.5"),
    ],
)
def test_an_amount_is_cut_to_the_decimals_of_its_asset_and_written_in_plain_digits(
    source: str, target: str, amount: str, sent: str
) -> None:
    desk = Desk({"USD": "1000", "BTC": "1", "ETH": "1"})
    quote = desk.account.quote(Request("7f3a", source, target, Decimal(amount)))
    assert desk.posted()[0][1]["denomination"] == {"amount": sent, "currency": source, "target": "origin"}
    assert quote.amount == Decimal(sent)


@pytest.mark.parametrize(
    ("precision", "amount", "sent"),
    [
        (0, "10.9", "10"),
        (18, "0.0000000000000000019", "0.000000000000000001"),
        (18, "12345678901.5", "12345678901.5"),
        (18, "12345678901.1234567890123456789", "12345678901.123456789012345678"),
        (None, "10.123", "10.123"),
        ("2", "10.123", "10.123"),
        (19, "10.123", "10.123"),
        (-1, "10.123", "10.123"),
    ],
)
def test_the_decimals_are_those_that_uphold_tells(precision: Any, amount: str, sent: str) -> None:
    account, venue = canned(assets=[asset("USD", precision), asset("BTC")], quote=pending(origin__amount=sent))
    assert account.quote(Request("7f3a", "USD", "BTC", Decimal(amount))).amount == Decimal(sent)
    body = json.loads(venue.sent[-1].body or b"")
    assert body["denomination"]["amount"] == sent


def test_an_amount_below_the_smallest_unit_is_not_sent() -> None:
    desk = Desk()
    with pytest.raises(Rejected) as error:
        desk.account.quote(Request("7f3a", "USD", "BTC", Decimal("0.009")))
    assert str(error.value) == "0.009 USD is less than Uphold counts (2 decimals); nothing was sent."
    assert desk.posted() == []


@pytest.mark.parametrize(("source", "target"), [("USD", "BTC"), ("BTC", "USD")])
def test_an_asset_that_is_halted_is_neither_sold_nor_bought(source: str, target: str) -> None:
    desk = Desk({"USD": "1000", "BTC": "1"}, Rules(halted=("BTC",)))
    with pytest.raises(Rejected) as error:
        desk.account.quote(Request("7f3a", source, target, Decimal(1)))
    assert str(error.value) == "BTC is halted at Uphold now; nothing was sent."
    assert desk.posted() == []


@pytest.mark.parametrize("name", ["USD", "BTC"])
@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("closed", "closed"),
        ("extended", "extended"),
        ("halted", "halted"),
        ("OPEN", "OPEN"),
        (GONE, "not offered to this account"),
    ],
)
def test_an_asset_that_is_not_open_is_refused_before_anything_is_sent(name: str, status: Any, says: str) -> None:
    listed = {code: asset(code, 2) for code in ("USD", "BTC", "EUR")}
    if status is GONE:
        del listed[name]
    else:
        listed[name]["status"] = status
    account, venue = canned(assets=list(listed.values()))
    with pytest.raises(Rejected) as error:
        account.quote(TEN)
    assert str(error.value) == f"{name} is {says} at Uphold now; nothing was sent."
    assert venue.counted("POST") == 0


def test_an_asset_that_is_halted_in_between_is_refused_by_uphold() -> None:
    desk = Desk()
    desk.order(Mishap.HALTED, Step.QUOTE, currency="BTC")
    with pytest.raises(Rejected, match="BTC is halted"):
        desk.account.quote(WISH)


def test_an_asset_without_a_card_needs_a_person() -> None:
    desk = Desk()
    with pytest.raises(NeedsPerson, match="There is no DOGE card"):
        desk.account.quote(Request("7f3a", "USD", "DOGE", Decimal(1)))
    assert desk.posted() == []


def pending(**changes: Any) -> Reply:
    """A quote with something changed in it."""
    return Reply(202, told_transaction(**changes))


@pytest.mark.parametrize("kind", [Mishap.WRONG_CARD, Mishap.WRONG_CURRENCY])
def test_a_quote_into_what_is_not_ours_is_left_to_lapse(kind: Mishap) -> None:
    desk = Desk()
    desk.order(kind, Step.QUOTE)
    with pytest.raises(Rejected, match=r"^Uphold's quote names another destination .* it was left to lapse\.$"):
        desk.account.quote(WISH)
    assert (desk.commits(), desk.landed()) == (0, [])


def on(side: str, **changes: Any) -> dict[str, Any]:
    return {f"{side}__{place}": value for place, value in changes.items()}


@pytest.mark.parametrize("side", ["origin", "destination"])
@pytest.mark.parametrize(
    "changes",
    [
        {"CardId": EUR_CARD, "node__id": EUR_CARD},
        {"CardId": EUR_CARD},
        {"CardId": GONE, "node__id": EUR_CARD},
        {"CardId": GONE, "node__id": GONE},
        {"CardId": GONE, "node": {"type": "anonymous"}},
        {"CardId": GONE, "node": None},
        {"currency": "DOGE"},
        {"currency": GONE},
        {"currency": None},
    ],
)
def test_a_quote_that_does_not_name_exactly_our_two_cards_is_left_to_lapse(side: str, changes: dict[str, Any]) -> None:
    account, venue = canned(quote=pending(**on(side, **changes)))
    with pytest.raises(Rejected, match=rf"^Uphold's quote names another {side} \("):
        account.quote(TEN)
    assert venue.counted("POST") == 1


def test_a_quote_with_the_two_cards_exchanged_is_left_to_lapse() -> None:
    turned = told_transaction()
    turned["origin"], turned["destination"] = turned["destination"], turned["origin"]
    with pytest.raises(Rejected, match="names another origin"):
        canned(quote=Reply(202, turned))[0].quote(TEN)


@pytest.mark.parametrize("status", ["completed", "processing", "failed", "cancelled", "waiting", "PENDING", "", None])
def test_a_quote_that_is_not_pending_is_left_alone(status: Any) -> None:
    with pytest.raises(Rejected, match=r"not pending; it was left alone\.$"):
        canned(quote=pending(status=status))[0].quote(TEN)


@pytest.mark.parametrize("value", [GONE, None, "", "short", 7, "../../tokens", "2c326b15-7106?x=1", "x" * 65, [], {}])
def test_a_quote_without_an_id_cannot_be_committed(value: Any) -> None:
    with pytest.raises(Rejected, match=r"^Uphold's quote has no id; it cannot be committed\.$"):
        canned(quote=pending(id=value))[0].quote(TEN)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin__amount": "10.01"},
        {"origin__amount": "9.99"},
        {"origin__amount": "-10.00"},
        {"destination__amount": "0.00000000"},
        {"destination__amount": "-0.00075846"},
    ],
)
def test_a_quote_over_another_amount_or_for_nothing_is_left_to_lapse(changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=r"not over the 10 USD that were asked for; it was left to lapse\.$"):
        canned(quote=pending(**changes))[0].quote(TEN)


@pytest.mark.parametrize("place", ["origin__amount", "destination__amount", "params__ttl"])
@pytest.mark.parametrize("value", [GONE, None, "", "lots", "NaN", True, {}])
def test_a_quote_that_lacks_a_number_is_no_quote(place: str, value: Any) -> None:
    with pytest.raises(MarketUnavailable, match=r"^the exchange's answer states no "):
        canned(quote=pending(**{place: value}))[0].quote(TEN)


@pytest.mark.parametrize("kind", [Mishap.STATUS_500, Mishap.STATUS_503, Mishap.RESET, Mishap.LOST_ANSWER, Mishap.HANG])
def test_a_quote_that_did_not_come_is_not_asked_for_again(kind: Mishap) -> None:
    desk = Desk()
    desk.order(kind, Step.QUOTE)
    with pytest.raises(MarketUnavailable):
        desk.account.quote(WISH)
    assert len(desk.posted()) == 1


@pytest.mark.parametrize(("left", "waits"), [(20, 4), (3, 3)])
def test_a_quote_is_waited_for_four_seconds_at_most_and_not_beyond_the_invocation(left: int, waits: int) -> None:
    desk = Desk()
    began = desk.clock.at = NOW + LEFT_SECONDS - left
    desk.order(Mishap.HANG, Step.QUOTE, seconds=60)
    with pytest.raises(MarketUnavailable, match="it took too long"):
        desk.account.quote(WISH)
    assert desk.clock.at == pytest.approx(began + waits, abs=0.01)


# ----------------------------------------------------------------------- commits


def test_a_commit_that_is_completed_tells_what_moved() -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    assert desk.account.commit(quote) == CONVERTED
    assert desk.posted()[1:] == [(f"/v0/me/cards/{card_id('USD')}/transactions/{quote.id}/commit", {})]
    assert desk.wire.sent[-1].headers["Content-Type"] == "application/json"
    assert desk.landed() == [quote.id]
    assert desk.account.find(quote) == CONVERTED
    assert desk.account.balances() == {"USD": 900, "BTC": RECEIVES, "EUR": 0, "ETH": 0}


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        (Mishap.PROCESSING, CONVERTED),
        (Mishap.UNKNOWN_STATUS, CONVERTED),
        (Mishap.PROCESSING_THEN_FAILED, CAME_TO_NOTHING),
    ],
)
def test_a_commit_under_way_is_told_so_until_it_ends(kind: Mishap, ends: Filled) -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.order(kind, Step.COMMIT, reads=1)
    assert desk.account.commit(quote) == UNDER_WAY
    assert [desk.account.find(quote) for _ in range(3)] == [UNDER_WAY, ends, ends]
    assert desk.commits() == 1


@pytest.mark.parametrize(
    ("status", "settlement"),
    [
        ("completed", Settlement.COMPLETED),
        ("failed", Settlement.FAILED),
        ("cancelled", Settlement.FAILED),
        ("processing", Settlement.PROCESSING),
        ("pending", Settlement.PROCESSING),
        ("waiting", Settlement.PROCESSING),
        ("COMPLETED", Settlement.PROCESSING),
        ("", Settlement.PROCESSING),
        (None, Settlement.PROCESSING),
        (GONE, Settlement.PROCESSING),
        ([], Settlement.PROCESSING),
    ],
)
def test_only_completed_failed_and_cancelled_are_the_end(status: Any, settlement: Settlement) -> None:
    body = told_transaction(status)
    if status is GONE:
        del body["status"]
    told = Reply(200, body)
    account, _ = canned(commit=told, found=told)
    quote = account.quote(TEN)
    committed, found = account.commit(quote), account.find(quote)
    assert committed == found
    moved = quote.receives if settlement is Settlement.COMPLETED else Decimal(0)
    assert committed == Filled(settlement, quote.amount, moved)


def test_what_is_booked_is_what_uphold_says_it_moved_and_not_what_was_quoted() -> None:
    account, _ = canned(commit=Reply(200, told_transaction("completed", destination__amount="0.00075000")))
    assert account.commit(account.quote(TEN)).received == Decimal("0.00075")


REFUSED: Mapping[Mishap, tuple[type[Exception], str]] = {
    Mishap.INSUFFICIENT_FUNDS: (Rejected, "does not hold enough"),
    Mishap.LOCKED_FUNDS: (Rejected, "still locked"),
    Mishap.PASSWORD_RESET: (NeedsPerson, "password was changed"),
    Mishap.AUTHENTICATION_RESET: (NeedsPerson, "way of signing in was changed"),
    Mishap.CAPABILITY: (NeedsPerson, "does not let this account use trades"),
    Mishap.OTP: (NeedsPerson, "one-time password"),
    Mishap.INVALID_TOKEN: (NeedsPerson, "does not accept the token"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_commit_that_uphold_refuses_moved_nothing_and_is_not_sent_again(kind: Mishap) -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.order(kind, Step.COMMIT)
    error, says = REFUSED[kind]
    with pytest.raises(Rejected, match=says) as refused:
        desk.account.commit(quote)
    assert type(refused.value) is error
    assert (desk.commits(), desk.landed()) == (1, [])


def test_money_that_is_gone_since_the_quote_is_a_refusal() -> None:
    desk = Desk({"USD": "150"})
    first, second = desk.account.quote(WISH), desk.account.quote(WISH)
    desk.account.commit(first)
    with pytest.raises(Rejected, match="does not hold enough"):
        desk.account.commit(second)
    assert desk.landed() == [first.id]


IN_DOUBT = [
    (Trouble(Mishap.LOST_ANSWER), True),
    (Trouble(Mishap.LOST_ANSWER, seconds=3), True),
    (Trouble(Mishap.LOST_ANSWER, seconds=30), True),
    (Trouble(Mishap.SLOW, seconds=10), True),
    (Trouble(Mishap.LANDS_LATE, seconds=0.5), True),
    (Trouble(Mishap.LANDS_LATE, seconds=300), True),
    (Trouble(Mishap.RECOMMIT_EXISTS), True),
    (Trouble(Mishap.RECOMMIT_NOT_FOUND), True),
    (Trouble(Mishap.STATUS_429, seconds=1), False),
    (Trouble(Mishap.STATUS_500), False),
    (Trouble(Mishap.STATUS_503), False),
    (Trouble(Mishap.NEVER_LANDS), False),
    (Trouble(Mishap.EXPIRED), False),
    (Trouble(Mishap.HTML), False),
    (Trouble(Mishap.RESET), False),
    (Trouble(Mishap.HANG, seconds=3), False),
    (Trouble(Mishap.HANG, seconds=30), False),
]


@pytest.mark.parametrize(("trouble", "lands"), IN_DOUBT, ids=lambda value: getattr(value, "kind", str(value)))
def test_a_commit_without_a_clear_answer_is_unresolved_and_never_sent_again(trouble: Trouble, lands: bool) -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.exchange.trouble.order(Plan((Order(trouble, Step.COMMIT, 1, None),)))
    with pytest.raises(Unresolved, match=r"^The commit was sent, but the exchange.*\.$"):
        desk.account.commit(quote)
    assert desk.commits() == 1
    assert desk.landed() == ([quote.id] if lands else [])
    desk.patience.until = 0
    assert desk.account.find(quote) == (CONVERTED if lands else None)
    assert desk.commits() == 1


def test_a_second_commit_of_a_quote_is_in_doubt_and_moves_nothing() -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.account.commit(quote)
    with pytest.raises(Unresolved, match="404 Not Found"):
        desk.account.commit(quote)
    desk.order(Mishap.RECOMMIT_EXISTS, Step.COMMIT)
    with pytest.raises(Unresolved, match="409 Conflict"):
        desk.account.commit(quote)
    assert desk.landed() == [quote.id]


def test_a_commit_of_a_quote_that_has_expired_is_in_doubt() -> None:
    desk = Desk(rules=Rules(ttl_seconds=2))
    quote = desk.account.quote(WISH)
    desk.clock.sleep(2)
    with pytest.raises(Unresolved, match="404 Not Found"):
        desk.account.commit(quote)
    assert desk.landed() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "another0-7106-48be-a326-06f19e69746b"},
        {"id": GONE},
        {"origin__currency": "EUR"},
        {"destination__currency": "EUR"},
        {"origin__amount": GONE},
        {"destination__amount": "lots"},
        {"origin": GONE},
        {"destination": None},
    ],
)
def test_a_completed_transaction_that_is_not_clearly_ours_is_not_booked(changes: dict[str, Any]) -> None:
    told = Reply(200, told_transaction("completed", **changes))
    account, venue = canned(commit=told, found=told)
    quote = account.quote(TEN)
    with pytest.raises(Unresolved, match=r"^The commit was sent, but the exchange's answer "):
        account.commit(quote)
    with pytest.raises(MarketUnavailable, match=r"^the exchange's answer "):
        account.find(quote)
    assert sum(path.endswith("/commit") for path in venue.paths()) == 1


@pytest.mark.parametrize("place", ["origin__amount", "destination__amount"])
def test_a_completed_transaction_over_less_than_nothing_is_not_booked(place: str) -> None:
    account, _ = canned(commit=Reply(200, told_transaction("completed", **{place: "-0.50"})))
    with pytest.raises(Unresolved):
        account.commit(account.quote(TEN))


PLACES = ["id", "status", "origin", "destination", "origin__amount", "destination__amount", "origin__currency"]
ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1e99", "-1", "completed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["amount", "currency", "id"]), inner),
    max_leaves=6,
)


@given(st.sampled_from(PLACES), ANYTHING, st.booleans())
def test_whatever_a_commit_is_answered_it_is_understood_or_in_doubt(place: str, value: Any, is_all: bool) -> None:
    body = value if is_all else told_transaction(**{"status": "completed", place: value})
    account, venue = canned(commit=Reply(200, body))
    quote = account.quote(TEN)
    with suppress(Unresolved):
        filled = account.commit(quote)
        assert filled.settlement is not Settlement.COMPLETED or body["origin"]["currency"] == "USD"
    assert sum(path.endswith("/commit") for path in venue.paths()) == 1


# -------------------------------------------------------- commits that are not sent


def not_sent(desk: Desk, quote: VenueQuote) -> str:
    """What a commit says that is not sent; it is refused, and leaves no doubt."""
    with pytest.raises(Rejected) as refused:
        desk.account.commit(quote)
    assert (desk.commits(), desk.landed()) == (0, [])
    return str(refused.value)


def test_a_commit_is_not_sent_while_the_exchange_wants_quiet() -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.patience.remember(NOW + 5)
    assert not_sent(desk, quote) == ("The commit was not sent: the exchange wants to be left alone for another 5 s.")


@pytest.mark.parametrize("left", [1.04, 0.5, 0, -5])
def test_a_commit_is_not_sent_where_no_time_is_left_to_write_down_what_came_of_it(left: float) -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.clock.at = NOW + LEFT_SECONDS - left
    assert not_sent(desk, quote) == "The commit was not sent: the exchange was not asked: no time was left."


def test_a_commit_is_sent_while_a_little_time_is_left() -> None:
    desk = Desk(rules=Rules(ttl_seconds=60))
    quote = desk.account.quote(WISH)
    desk.clock.at = NOW + LEFT_SECONDS - 1.06
    assert desk.account.commit(quote) == CONVERTED


@pytest.mark.parametrize(("left", "waits"), [(20, 6), (7, 6), (4, 3)])
def test_a_commit_waits_six_seconds_at_most_and_leaves_one_of_the_invocation(left: int, waits: int) -> None:
    desk = Desk(rules=Rules(ttl_seconds=60))
    quote = desk.account.quote(WISH)
    began = desk.clock.at = NOW + LEFT_SECONDS - left
    desk.order(Mishap.HANG, Step.COMMIT, seconds=60)
    with pytest.raises(Unresolved, match="it took too long"):
        desk.account.commit(quote)
    assert desk.clock.at == pytest.approx(began + waits, abs=0.01)


def test_a_commit_is_not_sent_without_a_token() -> None:
    proofs = iter([BEARER] * 3)
    desk = Desk(sign=lambda: next(proofs, None) or missing())
    quote = desk.account.quote(WISH)
    assert not_sent(desk, quote) == "There is no credential."


def missing() -> Mapping[str, str]:
    raise MissingAct("There is no credential.")


def unread() -> Mapping[str, str]:
    raise MarketUnavailable("the credential cannot be read now")


def test_a_commit_is_not_sent_while_the_token_cannot_be_read() -> None:
    proofs = iter([BEARER] * 3)
    desk = Desk(sign=lambda: next(proofs, None) or unread())
    quote = desk.account.quote(WISH)
    assert not_sent(desk, quote) == "The commit was not sent: the credential cannot be read now."


def test_a_commit_is_not_sent_where_reading_the_token_took_all_the_time() -> None:
    desk, quote = slowly_signed(7)
    assert not_sent(desk, quote) == "The commit was not sent: the exchange was not asked: no time was left."


def slowly_signed(seconds: float) -> tuple[Desk, VenueQuote]:
    """A quote, after which the proof of who asks takes its time."""
    pause = 0.0

    def sign() -> Mapping[str, str]:
        desk.clock.sleep(pause)
        return BEARER

    desk = Desk(sign=sign)
    quote = desk.account.quote(WISH)
    pause = seconds
    return desk, quote


def is_sent_or_not(desk: Desk, quote: VenueQuote) -> None:
    """The commit is carried out, or refused without being sent; there is no doubt which."""
    with suppress(Rejected):
        assert desk.account.commit(quote) == CONVERTED
    assert desk.commits() == len(desk.landed())


def test_a_token_that_can_be_read_only_once_more_leaves_no_doubt() -> None:
    proofs = iter([BEARER] * 4)
    desk = Desk(sign=lambda: next(proofs, None) or unread())
    is_sent_or_not(desk, desk.account.quote(WISH))


@pytest.mark.parametrize("seconds", [1, 2.5, 4, 5.9])
def test_reading_the_token_slowly_leaves_no_doubt(seconds: float) -> None:
    is_sent_or_not(*slowly_signed(seconds))


# -------------------------------------------------------------------------- find


def test_a_quote_that_nobody_committed_is_not_found() -> None:
    desk = Desk()
    assert desk.account.find(desk.account.quote(WISH)) is None


def test_a_commit_that_is_not_shown_yet_is_not_found_so_far() -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.account.commit(quote)
    desk.order(Mishap.STATUS_404, Step.READ)
    assert [desk.account.find(quote), desk.account.find(quote)] == [None, CONVERTED]


@pytest.mark.parametrize("kind", [Mishap.STATUS_500, Mishap.STATUS_503, Mishap.RESET, Mishap.STATUS_429])
def test_a_question_that_fails_in_passing_is_asked_again(kind: Mishap) -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.account.commit(quote)
    desk.order(kind, Step.READ, seconds=1)
    assert desk.account.find(quote) == CONVERTED
    assert desk.commits() == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Mishap.STATUS_500, MarketUnavailable),
        (Mishap.STATUS_429, MarketUnavailable),
        (Mishap.HTML, MarketUnavailable),
        (Mishap.RESET, MarketUnavailable),
        (Mishap.HANG, MarketUnavailable),
        (Mishap.INVALID_TOKEN, NeedsPerson),
    ],
)
def test_a_question_without_an_answer_is_not_taken_for_not_found(kind: Mishap, error: type[HeisenbugError]) -> None:
    desk = Desk()
    quote = desk.account.quote(WISH)
    desk.account.commit(quote)
    desk.order(kind, Step.READ, count=None, seconds=30)
    with pytest.raises(error):
        desk.account.find(quote)


@pytest.mark.parametrize("body", [b"<!doctype html><title>Not Found</title>", b"", ["no"]])
def test_a_page_that_is_not_found_on_the_way_is_not_uphold_s_word_on_a_commit(body: Any) -> None:
    account, _ = canned(found=Reply(404, body))
    quote = account.quote(TEN)
    with pytest.raises(MarketUnavailable):
        account.find(quote)


# ------------------------------------------------------------------ tolerance


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (Mishap.EXTRA_FIELDS, (Step.ASSETS, Step.CARDS, Step.QUOTE, Step.COMMIT, Step.READ)),
        (Mishap.MISSING_REFERENCE, (Step.QUOTE, Step.COMMIT, Step.READ)),
    ],
)
def test_fields_that_nobody_documented_or_that_are_left_out_change_nothing(
    kind: Mishap, steps: Collection[Step]
) -> None:
    desk = Desk()
    desk.order(kind, *steps, count=None)
    assert desk.account.balances()["USD"] == 1000
    quote = desk.account.quote(WISH)
    assert (quote.receives, desk.account.commit(quote), desk.account.find(quote)) == (RECEIVES, CONVERTED, CONVERTED)
    assert desk.exchange.trouble.dealt[kind] >= len(steps)


@pytest.mark.parametrize("side", ["origin", "destination"])
@pytest.mark.parametrize("gone", ["CardId", "node"])
def test_a_card_is_named_in_either_of_two_places(side: str, gone: str) -> None:
    account, _ = canned(quote=pending(**{f"{side}__{gone}": GONE}))
    assert account.quote(TEN) == TEN_QUOTED


@pytest.mark.parametrize("place", ["denomination", "fees", "normalized", "application", "params__margin", "type"])
def test_what_is_not_needed_of_a_quote_may_be_missing(place: str) -> None:
    body = told_transaction()
    body.setdefault("normalized", [])
    outer, _, last = place.rpartition("__")
    del (body[outer] if outer else body)[last]
    assert canned(quote=Reply(202, body))[0].quote(TEN) == TEN_QUOTED


def test_rows_that_are_no_assets_are_passed_over() -> None:
    account, _ = canned(assets=[None, 7, "BTC", [], {}, asset("USD", 2), asset("BTC")])
    assert account.quote(TEN) == TEN_QUOTED


# -------------------------------------------------------------------- looking


@pytest.mark.parametrize("wanted", [True, False])
def test_it_is_read_whether_a_one_time_password_is_wanted(wanted: bool) -> None:
    assert Desk(rules=Rules(otp_on_transfers=wanted)).account.asks_for_otp() is wanted


def test_a_token_that_may_not_read_the_setting_knows_nothing_of_it() -> None:
    scopes = ("cards:read", "transactions:read", "transactions:transfer:self")
    assert Desk(rules=Rules(otp_on_transfers=True, scopes=scopes)).account.asks_for_otp() is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"settings": None},
        {"settings": {"otp": True}},
        {"settings": {"otp": {"transactions": {"transfer": {"enabled": "no"}}}}},
        {"settings": {"otp": {"transactions": {"send": {"enabled": True}}}}},
    ],
)
def test_a_setting_that_is_not_told_is_not_known(body: Any) -> None:
    assert canned(me=Reply(200, body))[0].asks_for_otp() is None


@pytest.mark.parametrize("ahead", [-90, 0, 7])
def test_a_clock_is_compared_with_the_exchange_s(ahead: float) -> None:
    desk = Desk()
    desk.wire.ahead = ahead
    assert desk.account.skew_seconds() == -ahead


@pytest.mark.parametrize(
    "headers", [{}, {"Date": ""}, {"Date": "yesterday"}, {"Date": "Fri, 45 Jan 2027 99:00:00 GMT"}]
)
def test_an_exchange_that_tells_no_time_is_not_compared_with(headers: Mapping[str, str]) -> None:
    assert canned(assets=Reply(200, [], headers))[0].skew_seconds() is None


# ---------------------------------------------------------- the vendor's own examples

# shared/reference/uphold.md, section 5, with whole ids where that shortens them.
GBP_OF_USD: Mapping[str, Any] = json.loads("""
{"application":null,"createdAt":"2018-08-01T09:53:47.020Z",
 "denomination":{"amount":"5.00","currency":"GBP","pair":"GBPUSD","rate":"1.31"},
 "destination":{"CardId":"bc9b3911-4bc1-4c6d-ac05-0ae87dcfc9b3","amount":"5.57","base":"5.61","commission":"0.04",
   "currency":"EUR","description":"Example User","fee":"0.00","isMember":true,
   "node":{"id":"bc9b3911-4bc1-4c6d-ac05-0ae87dcfc9b3","type":"card",
     "user":{"id":"21e65c4d-55e4-41be-97a1-ff38d8f3d945"}},"rate":"0.85620","type":"card"},
 "fees":[{"amount":"0.04","currency":"EUR","percentage":"0.65","target":"destination","type":"exchange"}],
 "id":"2c326b15-7106-48be-a326-06f19e69746b","message":null,"network":"uphold",
 "normalized":[{"amount":"6.56","commission":"0.05","currency":"USD","fee":"0.00","rate":"1.00000",
   "target":"destination"}],
 "origin":{"CardId":"48ce2ac5-c038-4426-b2f8-a2bdbcc93053","amount":"6.56","base":"6.56","commission":"0.00",
   "currency":"USD","description":"Example User","fee":"0.00","isMember":true,
   "node":{"id":"48ce2ac5-c038-4426-b2f8-a2bdbcc93053","type":"card",
     "user":{"id":"21e65c4d-55e4-41be-97a1-ff38d8f3d945"}},"rate":"1.16795",
   "sources":[{"amount":"6.56","id":"3db4ef24-c529-421f-8e8f-eb9da1b9a582"}],"type":"card"},
 "params":{"currency":"USD","margin":"0.65","pair":"EURUSD","progress":"1","rate":"1.16795","ttl":18000,
   "type":"transfer"},
 "priority":"normal","reference":null,"status":"completed","type":"transfer"}
""")
USD_OF_EUR: Mapping[str, Any] = {
    **GBP_OF_USD,
    "denomination": {"amount": "10.00", "currency": "USD", "pair": "USDEUR", "rate": "0.84452"},
    "destination": {
        **GBP_OF_USD["destination"],
        "CardId": BTC_CARD,
        "amount": "0.00075846",
        "base": "0.00076651",
        "commission": "0.00000805",
        "currency": "BTC",
        "node": {"id": BTC_CARD, "type": "card"},
        "rate": "0.00009071",
    },
    "origin": {
        **GBP_OF_USD["origin"],
        "CardId": EUR_CARD,
        "amount": "8.45",
        "base": "8.45",
        "currency": "EUR",
        "node": {"id": EUR_CARD, "type": "card"},
        "rate": "11023.87858",
    },
}
CAPTURED: Mapping[str, Any] = json.loads("""
{"application":{"clientId":"0123","name":"Brave Browser"},"createdAt":"2022-12-08T16:35:33.120Z",
 "denomination":{"amount":"0.05","currency":"BAT","pair":"BATBAT","rate":"1.00","target":"origin"},
 "destination":{"amount":"0.05","base":"0.05","commission":"0.00","currency":"BAT","description":"somebody",
   "fee":"0.00","node":{"type":"anonymous"},"rate":"1.00","type":"anonymous"},
 "fees":[],"id":"87725361-4245-4435-a75a-f7a85674714a","message":"a tip","network":"uphold",
 "normalized":[{"amount":"0.01","commission":"0.00","currency":"USD","fee":"0.00","rate":"0.22325468170000000000",
   "target":"origin"}],
 "origin":{"CardId":"48ce2ac5-c038-4426-b2f8-a2bdbcc93053","amount":"0.05","base":"0.05","commission":"0.00",
   "currency":"BAT","description":"me","fee":"0.00","isMember":true,
   "node":{"id":"48ce2ac5-c038-4426-b2f8-a2bdbcc93053","type":"card",
     "user":{"id":"bcc2e65c-55e4-41be-97a1-ff38d8f3d945"}},"rate":"1.00","sources":[],"type":"card"},
 "params":{"currency":"BAT","margin":"0.00","pair":"BATBAT","rate":"1.00","ttl":3599996,"type":"internal"},
 "priority":"normal","status":"pending","type":"transfer"}
""")
EXAMPLES = [
    (GBP_OF_USD, "USD", USD_CARD, "6.56", "EUR", BTC_CARD, "5.57"),
    (USD_OF_EUR, "EUR", EUR_CARD, "8.45", "BTC", BTC_CARD, "0.00075846"),
]


@pytest.mark.parametrize(("example", "source", "origin", "pays", "target", "destination", "gets"), EXAMPLES)
def test_the_documented_conversions_are_understood_from_quote_to_end(
    example: Mapping[str, Any], source: str, origin: str, pays: str, target: str, destination: str, gets: str
) -> None:
    account, _ = canned(
        cards=[card_row(origin, source, "146.38"), card_row(destination, target, "0.00")],
        assets=[asset(source, 2), asset(target, 2)],
        quote=Reply(202, as_quote(example)),
        commit=Reply(200, {**example, "status": "processing"}),
        found=Reply(200, example),
    )
    quote = account.quote(Request("7f3a", source, target, Decimal(pays)))
    assert quote == VenueQuote(QUOTE, source, target, Decimal(pays), Decimal(gets), int(NOW) + 18)
    assert account.commit(quote) == Filled(Settlement.PROCESSING, Decimal(pays), Decimal(0))
    assert account.find(quote) == Filled(Settlement.COMPLETED, Decimal(pays), Decimal(gets))


def as_quote(example: Mapping[str, Any]) -> dict[str, Any]:
    """A committed transaction as it was while it was a quote: no progress, no reference, no sources."""
    body = deepcopy(dict(example))
    del body["params"]["progress"], body["reference"]
    return {**body, "origin": {**body["origin"], "sources": []}, "status": "pending"}


def test_the_captured_transfer_to_somebody_else_is_left_to_lapse() -> None:
    account, _ = canned(
        cards=[card_row(USD_CARD, "BAT", "1"), card_row(BTC_CARD, "BTC", "0")],
        assets=[asset("BAT"), asset("BTC")],
        quote=Reply(202, CAPTURED),
    )
    with pytest.raises(Rejected) as error:
        account.quote(Request("7f3a", "BAT", "BTC", Decimal("0.05")))
    assert str(error.value) == (
        f"Uphold's quote names another destination (BAT, card ) than the BTC card {BTC_CARD}; it was left to lapse."
    )
