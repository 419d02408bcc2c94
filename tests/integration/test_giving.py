"""Giving live money: what is looked at beforehand moves nothing, and what is not given whole is not given at all."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError, EndpointConnectionError
from moto.dynamodb.models import dynamodb_backends

from heisenbug.configuration import Configurations
from heisenbug.credential import Credential
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.entries import Entry
from heisenbug.domain.errors import MarketUnavailable, MissingAct
from heisenbug.domain.ledger import Ledger, Watched
from heisenbug.domain.live import Consent, Deployment, digest, standing
from heisenbug.exchange.http import Http
from heisenbug.exchange.uphold_account import UpholdAccount
from heisenbug.exchange.uphold_custody import UpholdCustody
from heisenbug.giving import Giving
from heisenbug.store.bot_state import Ledgers, States, ledger_item
from local.account import card_id
from local.rules import Rules
from local.trouble import Mishap, Order, Plan, Step, Trouble
from tests.canned import URL, Reply, Venue, http_to
from tests.exchanges import NOW, Trader, trader
from tests.fakes import Clock
from tests.in_process_exchange import InProcess
from tests.tables import Cloud, cloud, table_definitions

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
BOT = "default"
PARAMETER = "/heisenbug/exchange-token"
TOKEN = "a-token-nobody-may-see"
BUDGET = {"USD": "100", "BTC": "0.01"}
SENTENCE = "risk 0.01 BTC and 100 USD"
USD, BTC = card_id("USD"), card_id("BTC")
OUTSIDER = Consent("risk 1 USD", "0123456789abcdef", "somebody", "2025-05-05T00:00:00+00:00")


class Wire(InProcess):
    """The way to the exchange, whose clock is `ahead` of ours; keeps what was sent."""

    ahead = 0.0
    sent: list[requests.PreparedRequest]

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self.sent.append(request)
        return super().send(request, *args, **options)


@dataclass
class Bench:
    """A bot on paper whose person has stored a token and set a budget, and 1000 USD and 0.004 BTC at the exchange."""

    tables: Cloud
    rules: Rules = field(default_factory=lambda: Rules(token=TOKEN))
    deployment: Deployment = Deployment(enabled=True)
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    meanwhile: Callable[[], object] = field(default=lambda: None)

    def __post_init__(self) -> None:
        self.ssm: Any = boto3.client("ssm", region_name="us-east-1")
        self.store(TOKEN)
        self.trader: Trader = trader({"USD": "1000", "BTC": "0.004"}, self.rules)
        self.wire = Wire(self.trader.exchange, lambda: self.clock.at + self.wire.ahead, self.clock.sleep)
        self.wire.sent = []
        self.credential = Credential(PARAMETER, lambda: self.ssm, self.clock)
        self.http = Http(URL, self.clock, self.clock.sleep, None, self.credential.sign)
        self.http.session.mount(URL, self.wire)
        self.tell(budget=BUDGET)
        self.tables.calls.clear()

    def giving(self) -> Giving:
        """One invocation's way to live money."""
        deadline = self.clock.at + 20

        def custody(told: Configuration) -> UpholdCustody:
            self.meanwhile()
            cards = told.settings.cards or {}
            return UpholdCustody(UpholdAccount(self.http, cards, self.clock, deadline), cards)

        configurations, states, ledgers = Configurations(BOT), States(BOT), Ledgers(BOT)
        return Giving(self.deployment, custody, configurations, states, ledgers, self.clock)

    def answer(self, **wish: Any) -> dict[str, Any]:
        """The answer to a wish; the token is never in it."""
        answer = self.giving().answer(wish)
        assert TOKEN not in json.dumps(answer)
        return answer

    def look(self) -> dict[str, tuple[bool, str]]:
        """The findings of a look by their names, in their order; nothing is changed by it and nothing moves."""
        before = self.stored()
        findings = self.answer(look=True)["findings"]
        assert self.stored() == before
        assert self.trader.exchange.conversions == ()
        assert not any("commit" in (request.path_url or "") for request in self.wire.sent)
        return {finding["name"]: (finding["ok"], finding["says"]) for finding in findings}

    def give(self, typed: str = SENTENCE) -> dict[str, Any]:
        """Type it."""
        return self.answer(typed=typed, by="anna")

    def gives_nothing(self, typed: str = SENTENCE) -> str:
        """What is said to the one who types it and gives nothing; nothing has changed."""
        before = self.stored()
        answer = self.give(typed)
        assert self.stored() == before
        assert answer.keys() == {"error"}
        return str(answer["error"])

    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """Everything in all tables."""
        return {name: self.tables.items(name) for name in table_definitions()}

    def store(self, token: str) -> None:
        """Store a token, as `heisenbug credential` does."""
        self.ssm.put_parameter(Name=PARAMETER, Value=token, Type="SecureString", Overwrite=True)

    def tell(self, **changes: Any) -> None:
        """Change the settings, as the API does."""
        Configurations(BOT).change(changes, "anna", self.clock())

    def order(self, kind: Mishap, step: Step, **measures: Any) -> None:
        """From now on this always goes wrong with the step."""
        self.trader.exchange.trouble.order(Plan((Order(Trouble(kind, **measures), step, 1, None),)))

    def ssm_answers(self, error: Exception | None) -> None:
        """From now on the parameter store fails so, or not."""

        def fail(name: str, call: Any) -> None:
            if name == "GetParameter" and error is not None:
                raise error

        self.tables.before = fail

    def reads(self) -> int:
        """How often the parameter store was asked with success, or failed to answer."""
        return self.tables.counted()["GetParameter"]


@pytest.fixture(scope="module")
def opened() -> Iterator[Cloud]:
    """The eight tables, made once for all of these tests."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in AWS.items():
            patched.setenv(name, value)
        patched.delenv("AWS_ENDPOINT_URL", raising=False)
        with cloud() as made:
            yield made


@pytest.fixture
def tables(opened: Cloud) -> Cloud:
    """The tables, empty."""
    opened.before = lambda name, call: None
    for region in dynamodb_backends["123456789012"].values():
        for table in region.tables.values():
            table.items.clear()
    return opened


@pytest.fixture
def bench(tables: Cloud) -> Bench:
    return Bench(tables)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"not {TOKEN}"}}, "GetParameter")


NO_CONNECTION = EndpointConnectionError(endpoint_url="https://ssm.test")


# ----------------------------------------------------------------------- looking


def test_with_everything_well_a_look_says_so_and_names_the_sentence(bench: Bench) -> None:
    assert bench.look() == {
        "deployment": (True, "LiveTrading is enabled"),
        "token": (True, "it is accepted and reads 4 cards"),
        "clock": (True, "0 s off the exchange's"),
        "one-time password": (True, "is not asked for"),
        "card BTC": (True, f"0.00400000 on 'BTC card' {BTC}, the first by its place in Uphold's list"),
        "card USD": (True, f"1000.00 on 'USD card' {USD}, the first by its place in Uphold's list"),
        "quote": (True, "1.00 USD into BTC would be accepted"),
    }
    answer = bench.answer(look=True)
    assert {name: value for name, value in answer.items() if name != "findings"} == {
        "venue": "uphold",
        "mode": "paper",
        "trades": "paper",
        "missing": "Nobody has typed what may be risked: heisenbug live asks for it.",
        "to_type": SENTENCE,
    }


def test_the_conversion_that_is_tried_is_only_validated_and_moves_nothing(bench: Bench) -> None:
    bench.look()
    (asked,) = [request for request in bench.wire.sent if request.method == "POST"]
    assert str(asked.path_url).endswith("/transactions?validate=true")
    bench.trader.exchange.settle(NOW + 86_400)
    bench.trader.token = TOKEN
    assert bench.trader.exchange.conversions == ()
    assert bench.trader.held("USD") == ("1000.00", "1000.00")
    assert bench.trader.held("BTC") == ("0.00400000", "0.00400000")


def test_without_the_deployment_nothing_else_is_looked_at_and_nobody_is_asked(tables: Cloud) -> None:
    bench = Bench(tables, deployment=Deployment())
    assert bench.look() == {
        "deployment": (
            False,
            "The stack is not deployed with LiveTrading=enabled, so it may not read a credential.",
        )
    }
    assert (bench.reads(), bench.wire.sent) == (0, [])
    assert "LiveTrading=enabled" in bench.answer(look=True)["missing"]


MISSING = f"There is no credential; store the exchange's token as the SSM SecureString {PARAMETER}: "


def test_a_credential_that_is_not_there_ends_the_look(bench: Bench) -> None:
    bench.ssm.delete_parameter(Name=PARAMETER)
    findings = bench.look()
    assert list(findings) == ["deployment", "token"]
    assert findings["token"] == (False, f"{MISSING}heisenbug credential does it.")
    assert bench.wire.sent == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (refused("AccessDeniedException"), f"The trader may not read {PARAMETER}: deploy with LiveTrading=enabled."),
        (refused("ThrottlingException"), "the credential cannot be read now (ThrottlingException)"),
        (NO_CONNECTION, "the credential cannot be read now (no answer)"),
    ],
)
def test_a_credential_that_cannot_be_read_ends_the_look(bench: Bench, error: Exception, says: str) -> None:
    bench.ssm_answers(error)
    findings = bench.look()
    assert list(findings) == ["deployment", "token"]
    assert findings["token"] == (False, says)
    assert bench.wire.sent == []


@pytest.mark.parametrize("stored", ["short", "two words of text", "tökens-are-ascii", "a\nb\nc\nd\ne"])
def test_what_is_stored_and_is_no_token_is_not_shown_to_anybody(bench: Bench, stored: str) -> None:
    bench.store(stored)
    says = f"What is stored as {PARAMETER} is no token; store it again: heisenbug credential."
    assert bench.look()["token"] == (False, says)
    assert bench.wire.sent == []


def test_a_token_that_the_exchange_does_not_accept_ends_the_look(bench: Bench) -> None:
    bench.store("another-token")
    findings = bench.look()
    assert list(findings) == ["deployment", "token"]
    assert findings["token"][0] is False
    assert findings["token"][1].startswith("Uphold does not accept the token: it is wrong, expired or revoked.")


def test_an_exchange_that_repeats_the_token_does_not_make_us_tell_it(bench: Bench) -> None:
    venue = Venue(bench.clock)
    venue.cards = Reply(403, {"code": "forbidden", "message": f"Bearer {TOKEN} may not do this"})
    bench.http = http_to(venue, bench.clock, sign=bench.credential.sign)
    assert "(hidden) may not do this" in bench.look()["token"][1]


@pytest.mark.parametrize(("ahead", "is_well"), [(5, True), (-5, True), (6, False), (-6, False), (3600, False)])
def test_a_clock_that_is_more_than_five_seconds_off_is_found(bench: Bench, ahead: float, is_well: bool) -> None:
    bench.wire.ahead = ahead
    assert bench.look()["clock"] == (is_well, f"{abs(ahead)} s off the exchange's")


def test_a_one_time_password_is_found_in_the_settings_and_in_the_conversion_that_is_tried(tables: Cloud) -> None:
    bench = Bench(tables, Rules(token=TOKEN, otp_on_transfers=True))
    findings = bench.look()
    says = "is asked between own cards: turn that off in Uphold's settings"
    assert findings["one-time password"] == (False, says)
    assert findings["quote"][0] is False
    assert findings["quote"][1].startswith("Uphold asks for a one-time password, which a bot cannot give.")


@pytest.mark.parametrize("wants_otp", [False, True])
def test_a_token_with_the_recommended_scopes_leaves_the_password_to_the_quote(tables: Cloud, wants_otp: bool) -> None:
    scopes = ("cards:read", "transactions:read", "transactions:transfer:self")
    bench = Bench(tables, Rules(token=TOKEN, scopes=scopes, otp_on_transfers=wants_otp))
    findings = bench.look()
    says = "the token may not read the setting; the quote below shows it"
    assert findings["one-time password"] == (True, says)
    assert findings["quote"][0] is not wants_otp


def test_a_token_that_may_only_read_is_found_by_the_conversion_that_is_tried(tables: Cloud) -> None:
    bench = Bench(tables, Rules(token=TOKEN, scopes=("cards:read", "transactions:read")))
    findings = bench.look()
    assert [name for name, (is_well, _) in findings.items() if not is_well] == ["quote"]
    assert "It needs the scopes cards:read transactions:read transactions:transfer:self" in findings["quote"][1]


def test_a_card_that_is_not_there_is_found(bench: Bench) -> None:
    bench.order(Mishap.VANISHED, Step.CARDS, currency="BTC")
    findings = bench.look()
    assert findings["cards"][0] is findings["quote"][0] is False
    assert findings["cards"][1].startswith("There is no BTC card at Uphold. Create one there")
    assert [findings[name][0] for name in ("token", "clock", "one-time password")] == [True] * 3


def test_a_card_that_the_settings_name_is_said_to_be_named(bench: Bench) -> None:
    second = bench.trader.exchange.account.open_card("USD", "for the bot").id
    bench.tell(cards={"USD": second})
    findings = bench.look()
    assert findings["card USD"] == (True, f"0.00 on 'for the bot' {second}, as the settings name it")
    assert findings["card BTC"][1].endswith("the first by its place in Uphold's list")


@pytest.mark.parametrize(("empty", "tried"), [("BTC", "1.00 USD into BTC"), ("USD", "0.00000400 BTC into USD")])
def test_a_conversion_is_tried_from_a_card_with_money_on_it(bench: Bench, empty: str, tried: str) -> None:
    card = bench.trader.exchange.account.open_card(empty, "nothing on it").id
    bench.tell(cards={empty: card})
    assert bench.look()["quote"] == (True, f"{tried} would be accepted")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Mishap.CAPABILITY, "does not let this account use trades"),
        (Mishap.PASSWORD_RESET, "Uphold holds money back"),
        (Mishap.STATUS_503, "503"),
    ],
)
def test_what_a_commit_would_be_told_is_found_before_there_is_one(bench: Bench, kind: Mishap, says: str) -> None:
    bench.order(kind, Step.QUOTE)
    findings = bench.look()
    assert [name for name, (is_well, _) in findings.items() if not is_well] == ["quote"]
    assert says in findings["quote"][1]


def test_a_budget_of_one_asset_leaves_nothing_to_convert_into(bench: Bench) -> None:
    bench.tell(budget={"USD": "100"})
    findings = bench.look()
    assert findings["quote"] == (False, "name two assets in the budget, and a conversion can be tried")
    assert not any(request.method == "POST" for request in bench.wire.sent)


def test_without_a_budget_there_is_no_sentence_to_type(bench: Bench) -> None:
    bench.tell(budget=None)
    answer = bench.answer(look=True)
    assert answer["to_type"] == ""
    assert answer["missing"].startswith("No budget is set")


def test_settings_that_are_wrong_are_told_instead(bench: Bench) -> None:
    bench.tables.edit("BotConfig", {"bot_id": {"S": BOT}}, window={"S": "wide"})
    assert "window" in bench.answer(look=True)["error"]
    assert "window" in bench.gives_nothing()


# ----------------------------------------------------------------- giving nothing


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "yes",
        "risk 100 USD",
        "risk 100 USD and 0.01 BTC",
        "risk 0.01 BTC and 1000 USD",
        "Risk 0.01 BTC and 100 USD",
        "risk 0.010 BTC and 100.00 USD",
        "risk 0.01 BTC and 100 USD.",
        "risk  0.01 BTC and 100 USD",
        SENTENCE * 100,
    ],
)
def test_any_other_sentence_gives_nothing_and_is_told_which_one_would(bench: Bench, typed: str) -> None:
    says = bench.gives_nothing(typed)
    assert says == f"Nothing was given: '{SENTENCE}' was to be typed, not '{typed[:80]}'."
    assert (bench.reads(), bench.wire.sent) == (0, [])


def test_without_a_budget_nothing_can_be_given(bench: Bench) -> None:
    bench.tell(budget=None)
    assert bench.gives_nothing().startswith("No budget is set, so nothing can be risked")
    assert bench.gives_nothing("risk ").startswith("No budget is set, so nothing can be risked")


@pytest.mark.parametrize(
    ("deployment", "says"),
    [
        (Deployment(), "The stack is not deployed with LiveTrading=enabled"),
        (
            Deployment(enabled=True, is_local=True),
            "On this computer live mode accepts only an exchange on the loopback",
        ),
    ],
)
def test_a_deployment_that_may_not_trade_live_is_given_nothing(
    tables: Cloud, deployment: Deployment, says: str
) -> None:
    bench = Bench(tables, deployment=deployment)
    told = bench.gives_nothing()
    assert told.startswith(says)
    assert told.endswith("Nothing was given.")
    assert (bench.reads(), bench.wire.sent) == (0, [])


def test_nothing_is_given_while_a_trade_is_open(bench: Bench) -> None:
    States(BOT).stand("paper", "", None)
    bench.tables.edit("BotState", {"bot_id": {"S": BOT}, "item": {"S": "tick"}}, open_trade={"S": "trade-1"})
    assert bench.gives_nothing().startswith("A trade is open; give money when it has ended")


WATCHED = (Watched(7, int(NOW) - 600, int(NOW) + 60), Watched(8, int(NOW) - 60, int(NOW)))


def test_nothing_is_given_while_a_failed_trade_may_still_land(bench: Bench) -> None:
    Ledgers(BOT).open_anew("live", Ledger({"USD": Decimal("55.00")}, watched=WATCHED), 8)
    assert bench.gives_nothing().startswith("Trade 7 failed within the last day and is still asked for")


def test_a_failed_paper_trade_bars_nothing(bench: Bench) -> None:
    Ledgers(BOT).open_anew("paper", Ledger({"USD": Decimal(1000)}, watched=WATCHED), 8)
    paper = Ledgers(BOT).read("paper")
    assert "given" in bench.give()
    assert Ledgers(BOT).read("paper") == paper


@pytest.mark.parametrize("error", [refused("ParameterNotFound"), refused("AccessDeniedException"), NO_CONNECTION])
def test_without_a_credential_nothing_is_given(bench: Bench, error: Exception) -> None:
    bench.ssm_answers(error)
    assert "credential" in bench.gives_nothing() or "may not read" in bench.gives_nothing()


@pytest.mark.parametrize(
    ("kind", "measures", "says"),
    [
        (Mishap.INVALID_TOKEN, {}, "does not accept the token"),
        (Mishap.STATUS_500, {}, "500"),
        (Mishap.STATUS_429, {"seconds": 60}, "429"),
        (Mishap.HANG, {}, "too long"),
        (Mishap.HTML, {}, "not a list"),
        (Mishap.VANISHED, {"currency": "BTC"}, "There is no BTC card"),
    ],
)
def test_nothing_is_given_of_cards_that_are_not_seen(
    bench: Bench, kind: Mishap, measures: dict[str, Any], says: str
) -> None:
    bench.order(kind, Step.CARDS, **measures)
    assert says in bench.gives_nothing()


def test_nothing_is_given_of_a_card_that_the_settings_name_and_that_holds_something_else(bench: Bench) -> None:
    bench.tell(cards={"USD": BTC})
    assert f"The card {BTC} that the settings name for USD holds BTC" in bench.gives_nothing()


# -------------------------------------------------------------------------- giving


def test_with_the_sentence_the_bot_owns_what_was_named_as_far_as_the_cards_hold_it(bench: Bench) -> None:
    assert bench.give() == {"given": f"0.00400000 BTC of card {BTC}, 100 USD of card {USD}"}
    assert Ledgers(BOT).read("live") == (Ledger({"USD": Decimal(100), "BTC": Decimal("0.004")}), 0)
    told, state = Configurations(BOT).now(), States(BOT).read()
    assert told.settings.cards == {"USD": USD, "BTC": BTC}
    assert state.consent == Consent(SENTENCE, digest(told.settings), "anna", "2027-01-15T08:00:00+00:00")
    assert (state.mode, told.settings.mode) == ("paper", "paper")
    assert bench.trader.exchange.conversions == ()
    assert [request.method for request in bench.wire.sent] == ["GET"]


def test_after_giving_only_the_setting_is_missing(bench: Bench) -> None:
    bench.give()
    assert bench.answer(look=True)["missing"] == ""
    bench.tell(mode="live")
    told = Configurations(BOT).now().settings
    assert standing(told, bench.deployment, States(BOT).read().consent, "").mode == "live"
    bench.tell(budget={"USD": "101", "BTC": "0.01"})
    told = Configurations(BOT).now().settings
    assert standing(told, bench.deployment, States(BOT).read().consent, "").mode == "paper"


def test_space_around_the_sentence_does_not_matter(bench: Bench) -> None:
    assert "given" in bench.give(f"  {SENTENCE}\n")
    consent = States(BOT).read().consent
    assert consent is not None
    assert consent.typed == SENTENCE


def test_what_a_card_does_not_hold_is_not_in_the_ledger(bench: Bench) -> None:
    bench.tell(budget={"USD": "5000", "ETH": "1"})
    assert "given" in bench.give("risk 1 ETH and 5000 USD")
    assert Ledgers(BOT).read("live") == (Ledger({"USD": Decimal(1000)}), 0)
    assert (Configurations(BOT).now().settings.cards or {}).keys() == {"USD", "ETH"}


def test_the_cards_that_the_settings_name_are_given_and_stay_pinned(bench: Bench) -> None:
    second = bench.trader.exchange.account.open_card("USD", "for the bot").id
    bench.tell(cards={"USD": second, "EUR": card_id("EUR")})
    assert f"0.00 USD of card {second}" in bench.give()["given"]
    assert Configurations(BOT).now().settings.cards == {"USD": second, "BTC": BTC}


def test_given_again_the_ledger_is_opened_afresh_and_the_history_goes_on(bench: Bench) -> None:
    bench.give()
    version, configured = States(BOT).read().version, Configurations(BOT).now().version
    entries = {"BTC": Entry(Decimal("50000"), int(NOW), Decimal("51000"))}
    ledger_item(BOT, "live", Ledger({"USD": Decimal(3)}, entries, {("USD", "BTC"): int(NOW)}), 41).save()
    assert "given" in bench.give()
    assert Ledgers(BOT).read("live") == (Ledger({"USD": Decimal(100), "BTC": Decimal("0.004")}, entries), 41)
    assert Configurations(BOT).now().version == configured
    assert States(BOT).read().version > version


def test_a_consent_replaces_the_one_before(bench: Bench) -> None:
    States(BOT).consent(OUTSIDER)
    bench.give()
    consent = States(BOT).read().consent
    assert consent is not None
    assert (consent.typed, consent.by) == (SENTENCE, "anna")


def test_who_does_not_say_who_gives_is_a_person(bench: Bench) -> None:
    bench.answer(typed=SENTENCE)
    consent = States(BOT).read().consent
    assert consent is not None
    assert consent.by == "a person"


# --------------------------------------------- while somebody else does something


def test_nobody_consents_to_a_budget_that_was_changed_under_their_hands(bench: Bench) -> None:
    bench.tell(mode="live")
    bench.meanwhile = lambda: bench.tell(budget={"USD": "1000", "BTC": "5"})
    bench.give()
    told = Configurations(BOT).now().settings
    assert told.budget == {"USD": Decimal(1000), "BTC": Decimal(5)}
    assert standing(told, bench.deployment, States(BOT).read().consent, "").mode == "paper"


def test_a_trade_that_fails_while_money_is_given_stays_under_watch(bench: Bench) -> None:
    bench.meanwhile = lambda: Ledgers(BOT).open_anew("live", Ledger({"USD": Decimal(9)}, watched=WATCHED), 8)
    bench.give()
    stored = Ledgers(BOT).read("live")
    assert stored is not None
    assert (stored[0].watched, stored[1]) == (WATCHED, 8)


def test_a_trade_that_begins_while_money_is_given_keeps_its_ledger(bench: Bench) -> None:
    before = Ledger({"USD": Decimal(9)})
    Ledgers(BOT).open_anew("live", before, 8)

    def begin() -> None:
        bench.tables.edit("BotState", {"bot_id": {"S": BOT}, "item": {"S": "tick"}}, open_trade={"S": "trade-9"})

    bench.meanwhile = begin
    assert "A trade is open" in bench.give()["error"]
    assert Ledgers(BOT).read("live") == (before, 8)
    assert States(BOT).read().consent is None


# ---------------------------------------------------------------------- credential


def test_the_token_is_read_when_it_is_wanted_kept_for_five_minutes_and_then_read_again(bench: Bench) -> None:
    credential = bench.credential
    assert bench.reads() == 0
    for age, reads in ((0, 1), (1, 1), (299.9, 1), (300, 2), (599, 2), (601, 3)):
        bench.clock.at = NOW + age
        assert credential.sign() == {"Authorization": f"Bearer {TOKEN}"}
        assert credential.missing() == ""
        assert bench.reads() == reads


def test_a_clock_that_was_put_back_does_not_keep_a_token_for_ever(bench: Bench) -> None:
    bench.credential.token()
    bench.clock.at = NOW - 86_400
    bench.credential.token()
    assert bench.reads() == 2


def test_a_token_that_was_exchanged_is_used_within_five_minutes(bench: Bench) -> None:
    bench.credential.token()
    bench.store("  the-next-token\n")
    assert bench.credential.token() == TOKEN
    bench.clock.sleep(300)
    assert bench.credential.token() == "the-next-token"


PASSING = ["ThrottlingException", "InternalServerError", "RequestLimitExceeded", "ExpiredTokenException"]


@pytest.mark.parametrize("error", [*map(refused, PASSING), NO_CONNECTION], ids=str)
def test_a_token_that_cannot_be_read_again_for_the_moment_is_kept(bench: Bench, error: Exception) -> None:
    bench.credential.token()
    bench.ssm_answers(error)
    bench.clock.sleep(3600)
    assert bench.credential.token() == TOKEN
    assert bench.credential.missing() == ""
    bench.ssm_answers(None)
    bench.store("the-next-token")
    bench.clock.sleep(300)
    assert bench.credential.token() == "the-next-token"


def test_a_token_that_was_never_read_and_cannot_be_read_now_is_neither_missing_nor_there(bench: Bench) -> None:
    bench.ssm_answers(NO_CONNECTION)
    with pytest.raises(MarketUnavailable, match=r"^the credential cannot be read now \(no answer\)$"):
        bench.credential.missing()
    bench.ssm_answers(None)
    assert bench.credential.missing() == ""


def gone(bench: Bench) -> None:
    bench.ssm.delete_parameter(Name=PARAMETER)


def forbidden(bench: Bench) -> None:
    bench.ssm_answers(refused("AccessDeniedException"))


def no_token(bench: Bench) -> None:
    bench.store("none")


@pytest.mark.parametrize(
    ("happens", "says"),
    [(gone, "There is no credential"), (forbidden, "may not read"), (no_token, "is no token")],
    ids=["gone", "forbidden", "no token"],
)
def test_a_token_that_is_gone_or_forbidden_is_forgotten_within_five_minutes_for_good(
    bench: Bench, happens: Callable[[Bench], None], says: str
) -> None:
    bench.credential.token()
    happens(bench)
    bench.clock.sleep(299)
    assert bench.credential.token() == TOKEN
    bench.clock.sleep(1)
    assert says in bench.credential.missing()
    with pytest.raises(MissingAct, match=says):
        bench.credential.sign()
    bench.ssm_answers(NO_CONNECTION)
    with pytest.raises(MarketUnavailable, match="cannot be read now"):
        bench.credential.token()


def test_a_token_that_is_forgotten_can_be_stored_again(bench: Bench) -> None:
    bench.ssm.delete_parameter(Name=PARAMETER)
    assert bench.credential.missing() != ""
    bench.store("the-next-token")
    assert bench.credential.token() == "the-next-token"


def test_nothing_shows_the_token(bench: Bench) -> None:
    credential = bench.credential
    shown = [repr(credential), str(credential), repr(bench.http), repr(bench.giving())]
    credential.token()
    shown += [repr(credential), str(credential), repr(bench.http), repr(bench.giving())]
    for happens in (forbidden, no_token, gone):
        bench.ssm_answers(None)
        happens(bench)
        bench.clock.sleep(300)
        with pytest.raises(MissingAct) as error:
            credential.token()
        shown += [repr(error.value), str(error.value), repr(credential)]
    assert not [text for text in shown if TOKEN in text or "Bearer" in text]
