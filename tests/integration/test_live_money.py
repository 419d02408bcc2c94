"""Whole ticks with live money at an exchange that says no: nothing moves, a person is told why, and it goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from heisenbug.bot import Report
from heisenbug.configuration import Configurations
from heisenbug.desk import Desk
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.ledger import LONGEST_WHY, Ledger
from heisenbug.domain.live import Consent, Deployment, digest, to_type
from heisenbug.domain.model import Worth
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.exchange.http import Http
from heisenbug.exchange.uphold import Uphold
from heisenbug.looking import Looking
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_history import TradeHistory
from heisenbug.tick import run_tick
from local.account import card_id
from local.spoiling import OTHER_CARD
from local.trouble import CALM, Mishap, Order, Plan, Step, Trouble
from tests.bots import EAGER, proven
from tests.crash.market import ONE, SPACING
from tests.crash.venues import AT_UPHOLD
from tests.crash.world import (
    URL,
    Laboratory,
    Process,
    Wire,
    World,
    credential_of,
    laboratory,
)
from tests.markets import MONDAY
from tests.models import model

MODEL = proven(EAGER)["model"]
CREDENTIAL, TOKEN, VENUE = credential_of(AT_UPHOLD), AT_UPHOLD.secret, AT_UPHOLD.domain
START = MONDAY + 10 * SPACING
DAY = 86400
TOMORROW = "2025-05-06T00:00:50.000Z"
# A whole rise and fall of the market, and a little more.
A_WAVE = 35
UNTOUCHED = {"USD": Decimal("1000.00"), "BTC": Decimal(0)}
SCOPES = "cards:read transactions:read transactions:transfer:self"
REARM = "Then lift the stop: heisenbug rearm."
LOOKING_ONLY = {"cards:read", "transactions:read"}
BAD_TOKEN = (
    "Uphold does not accept the token: it is wrong, expired or revoked. Create a new one with the scopes "
    f"{SCOPES} and store it: heisenbug credential. {REARM}"
)
UNDER_SCOPED = (
    "Uphold does not allow the token to do this (The token lacks the scope transactions:transfer:self). It needs the "
    f"scopes {SCOPES}; create a token that has them and store it: heisenbug credential. {REARM}"
)
CAPABILITY = (
    "Uphold does not let this account use trades: it wants user-must-submit-enhanced-due-diligence. "
    f"Do that in Uphold's own app. {REARM}"
)
ONE_TIME_PASSWORD = (
    f"Uphold asks for a one-time password, which a bot cannot give. Use an OAuth token with the scopes {SCOPES}, "
    f"or turn the password off for transfers between your own cards in Uphold's settings. {REARM}"
)
PASSWORD = f"Uphold holds money back after the password was changed, until {TOMORROW}. Wait for that. {REARM}"
SIGNING_IN = (
    f"Uphold holds money back after the way of signing in was changed, until {TOMORROW}. Wait for that. {REARM}"
)
INSUFFICIENT = (
    "The card does not hold enough for this amount: it holds less than the bot's ledger says. "
    "Put the money back, or give the bot a new budget: heisenbug live."
)
LOCKED = (
    f"Part of the money on the card is still locked by Uphold until {TOMORROW} "
    "(ach-deposit-settlement, ach-deposit-cooldown); it can be converted after that."
)


def missing_card(asset: str) -> str:
    return (
        f"There is no {asset} card at Uphold. Create one there, or take {asset} out of the budget. "
        "Then: heisenbug rearm."
    )


def missing_pinned_card(asset: str) -> str:
    return (
        f"The card {card_id(asset)} that the settings name for {asset} is not there any more. Name another in the "
        "setting cards, say again what may be risked (heisenbug live), then: heisenbug rearm."
    )


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "set back after the test")
    with laboratory() as opened:
        yield opened


@pytest.fixture
def world(here: Laboratory) -> World:
    return here.world()


# ------------------------------------------------------------- what is looked at


def desk(world: World) -> Desk:
    return Desk(world.bot_id, VENUE, world.clock)


def ledger(world: World, mode: str = "live") -> Ledger:
    stored = Ledgers(world.bot_id).read(mode)
    assert stored is not None
    return stored[0]


def trades(world: World, mode: str = "live") -> Sequence[Trade]:
    """The finished trades of a mode, newest first."""
    return TradeHistory(world.bot_id, mode).newest(100)


def on_the_cards(world: World) -> Mapping[str, Decimal]:
    return {card.currency: card.balance for card in world.exchange.account.cards()}


def asked(world: World, *steps: Step) -> int:
    """How often the exchange was asked since the plan in force began, for these steps or for anything."""
    return sum(world.trouble.asked[step] for step in steps or Step)


def problems(world: World) -> Sequence[str]:
    told: Sequence[str] = desk(world).problems.all()
    return told


def assert_untouched(world: World) -> None:
    """No conversion at the exchange, everything where it was, and no trade open."""
    assert world.exchange.conversions == ()
    assert on_the_cards(world) == UNTOUCHED
    assert ledger(world).holdings == {"USD": UNTOUCHED["USD"]}
    assert (world.state().open_trade, TradeHistory(world.bot_id, "live").running()) == (None, None)


# ----------------------------------------------------------------- what is done


def ticks(world: World, process: Process, count: int) -> Sequence[Report]:
    return [world.tick(process) for _ in range(count)]


def trades_again(world: World, process: Process) -> Report:
    """The first tick that trades, within one wave of the market."""
    for _ in range(A_WAVE):
        report = world.tick(process)
        if report.outcome == "executed":
            return report
    raise AssertionError("a whole wave went by without a trade")


def tell(world: World, **changes: Any) -> None:
    Configurations(world.bot_id).change(changes, "a test", world.clock())


def consent(world: World) -> None:
    """A person types again what may be risked; the ledger stays."""
    settings = Configurations(world.bot_id).now().settings
    States(world.bot_id).consent(Consent(to_type(settings.budget or {}), digest(settings), "anna", "2026-01-05"))


def in_trouble(kind: Mishap, step: Step, **measures: Any) -> Callable[[World], None]:
    """A trouble that comes with every request of a step, until it is over."""
    return lambda world: world.trouble.order(Plan((Order(Trouble(kind, **measures), step, count=None),)))


def halted(asset: str) -> Callable[[World], None]:
    return lambda world: world.trouble.order(Plan(halted=(asset,)))


def ruled(**changes: Any) -> Callable[[World], None]:
    """The exchange lets in only this token, or for this alone."""

    def rule(world: World) -> None:
        world.exchange.rules = replace(world.exchange.rules, **changes)

    return rule


def pinned_and_gone(asset: str) -> Callable[[World], None]:
    """The settings name both cards, and one of them is not there any more."""

    def go(world: World) -> None:
        tell(world, cards={each: card_id(each) for each in ("USD", "BTC")})
        consent(world)
        in_trouble(Mishap.VANISHED, Step.CARDS, currency=asset)(world)

    return go


def over(world: World) -> None:
    """The exchange does what it is asked again."""
    world.trouble.order(CALM)
    ruled(token=None, scopes=None)(world)


# ------------------------------------------- before the commit: nothing was sent


@dataclass(frozen=True)
class Bad:
    """What goes wrong between the decision and the commit, and the sentence that a person is told of it."""

    name: str
    happens: Callable[[World], None]
    says: str
    after_seconds: int = 0


def quoted(kind: Mishap, says: str, after_seconds: int = 0, **measures: Any) -> Bad:
    return Bad(f"{kind} on the quote", in_trouble(kind, Step.QUOTE, **measures), says, after_seconds)


FOR_A_PERSON = [
    Bad("a wrong token", ruled(token="another one"), BAD_TOKEN),
    Bad("a token that has expired", in_trouble(Mishap.INVALID_TOKEN, Step.CARDS), BAD_TOKEN),
    quoted(Mishap.INVALID_TOKEN, BAD_TOKEN),
    Bad("a token that may only look", ruled(scopes=LOOKING_ONLY), UNDER_SCOPED),
    quoted(Mishap.CAPABILITY, CAPABILITY),
    quoted(Mishap.OTP, ONE_TIME_PASSWORD),
    quoted(Mishap.PASSWORD_RESET, PASSWORD),
    quoted(Mishap.AUTHENTICATION_RESET, SIGNING_IN),
    Bad("no card to buy on", in_trouble(Mishap.VANISHED, Step.CARDS, currency="BTC"), missing_card("BTC")),
    Bad("no card to pay from", in_trouble(Mishap.VANISHED, Step.CARDS, currency="USD"), missing_card("USD")),
    Bad("the named card to buy on is gone", pinned_and_gone("BTC"), missing_pinned_card("BTC")),
    Bad("the named card to pay from is gone", pinned_and_gone("USD"), missing_pinned_card("USD")),
]
PASSES = [
    quoted(
        Mishap.HALTED,
        "Uphold refused: the exchange answered 400 Bad Request (destination: BTC is halted). "
        "Nothing moved; if it goes on, look at heisenbug doctor.",
        currency="BTC",
    ),
    Bad("the asset to buy is halted", halted("BTC"), "BTC is halted at Uphold now; nothing was sent."),
    Bad("the asset to sell is halted", halted("USD"), "USD is halted at Uphold now; nothing was sent."),
    quoted(
        Mishap.WRONG_CARD,
        f"Uphold's quote names another destination (BTC, card {OTHER_CARD}) than the BTC card {card_id('BTC')}; "
        "it was left to lapse.",
    ),
    quoted(
        Mishap.WRONG_CURRENCY,
        f"Uphold's quote names another destination (DOGE, card {card_id('BTC')}) than the BTC card {card_id('BTC')}; "
        "it was left to lapse.",
    ),
    quoted(
        Mishap.MINIMUM,
        "Uphold converts at least 250 here; make trades larger: trade_size_percentage or trade_size_amount.",
        threshold="250",
    ),
    quoted(
        Mishap.MAXIMUM,
        "Uphold converts at most 25 at once here; make trades smaller: trade_size_percentage or trade_size_amount.",
        threshold="25",
    ),
    quoted(Mishap.TTL_ZERO, "Only 0.0 s are left to commit."),
    quoted(
        Mishap.WORSE,
        "The quote costs 296 bp, 5 bp were expected: the net return would be -200 bp, not above 0 bp.",
        DAY,  # A cost that was quoted is remembered, and halves every six hours.
        bps=300,
    ),
    quoted(Mishap.LOCKED_FUNDS, LOCKED),
    quoted(Mishap.INSUFFICIENT_FUNDS, INSUFFICIENT),
    quoted(
        Mishap.STATUS_500,
        "There was no quote: the exchange answered 500 Internal Server Error. Nothing was sent.",
    ),
    quoted(Mishap.HANG, "There was no quote: the exchange did not answer: it took too long. Nothing was sent."),
]


def assert_told(world: World, report: Report, says: str) -> None:
    """The sentence is in the tick's line, in the ledger and in the status; no trade of it is kept."""
    assert (report.outcome, report.detail) == ("skipped", says)
    assert report.trade is not None
    newest = ledger(world).dropped[0]
    assert (newest.trade_id, newest.due, newest.state) == (report.trade.id, report.due, TradeState.SKIPPED)
    assert (newest.source, newest.target, newest.why) == ("USD", "BTC", says[:LONGEST_WHY])
    assert desk(world).standing.status()["dropped"][0]["why"] == says[:LONGEST_WHY]
    assert trades(world) == []


@pytest.mark.parametrize("bad", FOR_A_PERSON, ids=lambda bad: bad.name)
def test_what_only_a_person_can_mend_moves_nothing_stops_the_bot_and_says_what_to_do(world: World, bad: Bad) -> None:
    bad.happens(world)
    process = world.process()
    report = world.tick(process)
    assert_told(world, report, bad.says)
    assert_untouched(world)
    assert report.halted
    state = world.state()
    assert (state.killed_by, state.killed_why) == ("the exchange", bad.says)
    assert problems(world) == [f"Killed by the exchange: {bad.says}"]
    status = desk(world).standing.status()
    assert (status["state"], status["mode"], status["open_trade"]) == ("killed", "live", None)
    assert status["killed"] == {"at": state.killed_at, "by": "the exchange", "why": bad.says}


@pytest.mark.parametrize("bad", FOR_A_PERSON, ids=lambda bad: bad.name)
def test_it_asks_the_account_nothing_more_until_a_person_lifts_the_stop_and_then_it_trades(
    world: World, bad: Bad
) -> None:
    bad.happens(world)
    process = world.process()
    world.tick(process)
    assert world.state().killed_at is not None
    over(world)
    assert {report.outcome for report in ticks(world, process, 5)} == {"no trade"}
    assert asked(world, Step.CARDS, Step.QUOTE, Step.COMMIT, Step.READ) == 0
    assert_untouched(world)
    States(world.bot_id).rearm(world.clock())
    trades_again(world, process)
    assert (len(world.exchange.conversions), problems(world)) == (1, [])


@pytest.mark.parametrize("bad", PASSES, ids=lambda bad: bad.name)
def test_what_passes_by_itself_moves_nothing_and_says_why_and_when_it_is_over_the_bot_trades(
    world: World, bad: Bad
) -> None:
    bad.happens(world)
    process = world.process()
    report = world.tick(process)
    assert_told(world, report, bad.says)
    assert_untouched(world)
    assert (report.halted, world.state().killed_at) == (False, None)
    assert (problems(world), desk(world).standing.status()["state"]) == ([], "running")
    assert {again.outcome for again in ticks(world, process, 3)} <= {"skipped", "no trade"}
    assert asked(world, Step.COMMIT) == 0
    assert_untouched(world)
    over(world)
    world.clock.at += bad.after_seconds
    executed = trades_again(world, process if bad.after_seconds == 0 else world.process())
    assert executed.detail == ""
    assert len(world.exchange.conversions) == len(trades(world)) == 1


@pytest.mark.parametrize("gone", ["USD", "BTC"])
def test_a_card_that_is_not_named_gives_way_to_the_next_one_of_its_asset(world: World, gone: str) -> None:
    world.exchange.account.open_card(gone, "another one")
    in_trouble(Mishap.VANISHED, Step.CARDS, currency=gone)(world)
    report = world.tick(world.process())
    expected = {"USD": ("skipped", "Only 0.00 USD may be spent, not 100.00."), "BTC": ("executed", "")}
    assert (report.outcome, report.detail, world.state().killed_at) == (*expected[gone], None)


# -------------------------------------------------- the commit: refused for a reason

REFUSED = [
    (Mishap.INVALID_TOKEN, BAD_TOKEN, True),
    (Mishap.CAPABILITY, CAPABILITY, True),
    (Mishap.OTP, ONE_TIME_PASSWORD, True),
    (Mishap.PASSWORD_RESET, PASSWORD, True),
    (Mishap.LOCKED_FUNDS, LOCKED, False),
    (Mishap.INSUFFICIENT_FUNDS, INSUFFICIENT, False),
]


@pytest.mark.parametrize(("kind", "says", "is_for_a_person"), REFUSED, ids=lambda item: str(item)[:20])
def test_a_commit_that_is_refused_for_a_reason_has_failed_and_nothing_moved(
    world: World, kind: Mishap, says: str, is_for_a_person: bool
) -> None:
    in_trouble(kind, Step.COMMIT)(world)
    process = world.process()
    report = world.tick(process)
    assert (report.outcome, report.detail, report.halted) == ("failed", says, is_for_a_person)
    assert_untouched(world)
    [kept] = trades(world)
    assert (kept.sequence, kept.state, kept.outcome) == (1, TradeState.FAILED, says)
    assert ledger(world).dropped == ()
    assert [one.sequence for one in ledger(world).watched] == [1]
    assert world.state().killed_why == (says if is_for_a_person else None)
    assert problems(world) == ([f"Killed by the exchange: {says}"] if is_for_a_person else [])
    over(world)
    States(world.bot_id).rearm(world.clock())
    trades_again(world, process)
    assert len(world.exchange.conversions) == 1


# --------------------------------------------------------------------- quiet


@pytest.mark.parametrize("step", [Step.QUOTE, Step.CARDS, Step.TICKER, Step.ASSETS])
def test_an_exchange_that_wants_quiet_is_asked_nothing_until_then_not_even_by_another_process(
    world: World, step: Step
) -> None:
    world.trouble.order(Plan((Order(Trouble(Mishap.STATUS_429, seconds=33), step),)))
    first = world.tick(world.process())
    told = "the exchange answered 429 Too Many Requests, to be asked again after 33 s"
    if step is Step.TICKER:
        assert (first.outcome, first.failure) == ("no trade", told)
    else:
        assert_told(world, first, f"There was no quote: {told}. Nothing was sent.")
    until = START + 33
    assert world.state().quiet_until == until
    assert "The exchange wants to be left alone until 2025-05-05T00:01:23Z." in problems(world)
    assert desk(world).standing.status()["exchange_quiet_until"] == "2025-05-05T00:01:23Z"

    over(world)
    for left in (28, 23, 18, 13, 8):
        report = world.tick(world.process())
        words = f"the exchange wants to be left alone for another {left} s"
        assert (report.outcome, report.failure) == ("no trade", words)
    assert asked(world) == 0
    assert_untouched(world)
    assert world.state().quiet_until == until

    world.tick(world.process())
    assert asked(world, Step.TICKER) == 1
    assert world.clock.at > until
    trades_again(world, world.process())
    assert desk(world).standing.status()["exchange_quiet_until"] is None
    assert problems(world) == []


def test_no_quiet_lasts_longer_than_an_hour(world: World) -> None:
    world.trouble.order(Plan((Order(Trouble(Mishap.STATUS_429, seconds=90_000), Step.QUOTE),)))
    world.tick(world.process())
    assert world.state().quiet_until == START + 3600
    assert world.state().killed_at is None


# --------------------------------------------------------------------- costs


def bps_of(amount: Decimal, received: Decimal, trade: Trade) -> float:
    """What was lost of what was given, at the mids of the decision."""
    gave = float(amount) * trade.expected.source_price
    return (1 - float(received) * trade.expected.target_price / gave) * 10_000


@pytest.mark.parametrize(("worse", "cost"), [(0, 5.0), (20, 24.95)])
def test_a_trade_keeps_what_it_was_expected_to_cost_what_was_quoted_and_what_it_cost(
    world: World, worse: int, cost: float
) -> None:
    in_trouble(Mishap.WORSE, Step.QUOTE, bps=worse)(world)
    world.tick(world.process())
    [kept] = trades(world)
    [conversion] = world.exchange.conversions
    assert kept.received is not None
    assert (kept.amount, kept.received) == (conversion.origin_amount, conversion.destination_amount)
    assert kept.realised_cost_bps == pytest.approx(bps_of(kept.amount, kept.received, kept), abs=1e-6)
    assert kept.expected.cost * 10_000 == pytest.approx(5, abs=1e-6)
    assert kept.quoted_cost_bps == pytest.approx(cost, abs=0.02)
    assert kept.realised_cost_bps == pytest.approx(cost, abs=0.02)
    told = desk(world).trades.one("1")
    assert (told["expected_cost_bps"], told["quoted_cost_bps"], told["cost_bps"]) == (
        5.0,
        round(kept.quoted_cost_bps or 0, 2),
        round(kept.realised_cost_bps or 0, 2),
    )


def test_what_a_round_trip_cost_is_what_the_cards_have_lost(world: World) -> None:
    process = world.process()
    while not {trade.target for trade in trades(world)} >= {"USD", "BTC"}:
        trades_again(world, process)
    assert ledger(world).holdings == {asset: held for asset, held in on_the_cards(world).items() if held}
    for trade, conversion in zip(reversed(trades(world)), world.exchange.conversions, strict=True):
        realised = bps_of(conversion.origin_amount, conversion.destination_amount, trade)
        assert trade.realised_cost_bps == pytest.approx(realised, abs=1e-6)
        assert realised > 0


# -------------------------------------------------------------------- budget


def test_an_asset_that_the_budget_does_not_name_is_never_bought(world: World) -> None:
    tell(world, budget={"USD": "1000"})
    consent(world)
    process = world.process()
    reports = ticks(world, process, A_WAVE)
    assert {report.outcome for report in reports} == {"no trade"}
    assert world.state().mode == "live"
    [bought] = [found for found in desk(world).board.opportunities(9)["opportunities"] if found["to"] == "BTC"]
    assert bought["gate"] != "open"
    assert asked(world, Step.QUOTE, Step.COMMIT) == 0
    assert_untouched(world)
    tell(world, budget={"USD": "1000", "BTC": "100"})
    consent(world)
    assert trades_again(world, process).outcome == "executed"


def test_no_more_of_an_asset_is_held_than_the_budget_names(world: World) -> None:
    most = Decimal("2.5")
    tell(world, budget={"USD": "1000", "BTC": str(most)})
    consent(world)
    process, held = world.process(), []
    for _ in range(A_WAVE):
        world.tick(process)
        held.append(on_the_cards(world)["BTC"])
        assert ledger(world).holdings.get("BTC", Decimal(0)) == held[-1] <= most
    assert max(held) > most / 2


# ------------------------------------------------------------ paper and live


@dataclass(frozen=True)
class Act:
    """One of the acts that live money needs, undone, and what is said of it; `done` does it again."""

    name: str
    says: str
    undone: Callable[[World], None] = lambda world: None
    done: Callable[[World], None] = lambda world: None
    deployment: Deployment = Deployment(True)


def without_consent(world: World) -> None:
    States(world.bot_id).stand("live", "", None)


def without_credential(world: World) -> None:
    world.ssm().delete_parameter(Name=CREDENTIAL)


def with_credential(world: World) -> None:
    world.ssm().put_parameter(Name=CREDENTIAL, Value=TOKEN, Type="SecureString")


def by_settings(**changes: Any) -> Callable[[World], None]:
    return lambda world: tell(world, **changes)


CHANGED = "Budget or cards have changed since the proof typed 'risk 100 BTC and 1000 USD': heisenbug live asks again."
WORSE = model(worth=Worth(0.22, 0.62, 1000))
ACTS = [
    Act(
        "the deployment may not",
        "The stack is not deployed with LiveTrading=enabled, so it may not read a credential.",
        deployment=Deployment(False),
    ),
    Act(
        "a computer of one's own and a real exchange",
        "On this computer live mode accepts only an exchange on the loopback: the embedded AWS forgets when it is "
        "killed. Deploy to AWS for real money.",
        deployment=Deployment(True, is_local=True),
    ),
    Act(
        "no credential",
        f"There is no credential; store the exchange's token as the SSM SecureString {CREDENTIAL}: "
        "heisenbug credential does it.",
        without_credential,
        with_credential,
    ),
    Act(
        "no budget",
        'No budget is set: heisenbug config set budget=\'{"USD": "100"}\' names what may be risked.',
        by_settings(budget=None),
        lambda world: (tell(world, budget={"USD": "1000", "BTC": "100"}), consent(world)),
    ),
    Act("no consent", "Nobody has typed what may be risked: heisenbug live asks for it.", without_consent, consent),
    Act("a larger budget", CHANGED, by_settings(budget={"USD": "2000", "BTC": "100"}), consent),
    Act(
        "a forecaster that is no better than none",
        "The forecaster drift did not beat zero_drift out of sample: log-loss 0.6200 against 0.6100, p-value 0.01 "
        "(above 0.05 it may be luck). "
        "Set forecaster=zero_drift, or fit another.",
        by_settings(model={**MODEL, "worth": WORSE.plain()["worth"]}),
        by_settings(model=MODEL),
    ),
    Act("other cards", CHANGED, by_settings(cards={"USD": card_id("USD"), "BTC": card_id("BTC")}), consent),
]


def tick_under(world: World, process: Process, deployment: Deployment) -> Report:
    """One tick of a bot that is deployed so, and that asks for prices without its token, as wiring.py has it."""
    due = world.next_due()
    world.clock.at = max(world.clock.at, float(due))
    http = Http(URL, world.clock, world.clock.sleep, process.patience)
    http.session.mount(URL, Wire(world))
    bot = process.bot()
    looking = Looking(Uphold(http, world.clock), ONE, PriceSnapshots(world.bot_id), world.clock, process.memory)
    return run_tick(replace(bot, deployment=deployment, looking=looking), due)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_while_an_act_is_missing_it_trades_paper_and_says_which(world: World, act: Act) -> None:
    act.undone(world)
    process = world.process()
    assert tick_under(world, process, act.deployment).outcome == "executed"
    state = world.state()
    assert (state.mode, state.held_back) == ("paper", act.says)
    assert problems(world) == [f"The bot stays paper. {act.says}"]
    status = desk(world).standing.status()
    assert (status["mode"], status["held_back"]) == ("paper", act.says)
    assert [trade.mode for trade in trades(world, "paper")] == ["paper"]
    assert asked(world, Step.CARDS, Step.QUOTE, Step.COMMIT, Step.READ) == 0
    assert_untouched(world)
    act.done(world)
    trades_again(world, world.process())
    assert (world.state().mode, world.state().held_back) == ("live", "")
    assert (len(world.exchange.conversions), len(trades(world))) == (1, 1)


def test_a_consent_to_a_budget_does_not_come_back_with_it(world: World) -> None:
    process = world.process()
    tell(world, budget={"USD": "2000", "BTC": "100"})
    world.tick(process)
    tell(world, budget={"USD": "1000", "BTC": "100"})
    world.tick(process)
    assert (world.state().mode, world.state().held_back) == ("paper", CHANGED)
    consent(world)
    trades_again(world, world.process())
    assert world.state().mode == "live"


def test_a_credential_that_cannot_be_read_for_the_moment_changes_nothing(world: World) -> None:
    process = world.process()
    world.tick(process)
    world.ssm = lambda: (_ for _ in ()).throw(AssertionError("the credential is kept for minutes"))
    trades_again(world, process)
    assert world.state().mode == "live"


def test_each_money_has_a_ledger_and_a_history_of_its_own_that_going_over_leaves_as_they_are(world: World) -> None:
    process = world.process()
    trades_again(world, process)
    live, history = ledger(world), trades(world)
    tell(world, mode="paper")
    trades_again(world, process)
    assert (world.state().mode, world.state().held_back) == ("paper", "")
    assert (ledger(world), trades(world)) == (live, history)
    assert len(world.exchange.conversions) == len(history)
    paper, on_paper = ledger(world, "paper"), trades(world, "paper")
    assert [trade.sequence for trade in on_paper] == [1]
    assert paper != live

    tell(world, mode="live")
    world.tick(process)
    assert world.state().held_back == "Nobody has typed what may be risked: heisenbug live asks for it."
    on_paper, paper = trades(world, "paper"), ledger(world, "paper")
    consent(world)
    assert trades_again(world, process).trade == trades(world)[0]
    assert trades(world)[1:] == history
    assert trades(world)[0].sequence == len(history) + 1
    assert (ledger(world, "paper"), trades(world, "paper")) == (paper, on_paper)
    assert ledger(world).holdings == {asset: held for asset, held in on_the_cards(world).items() if held}


def paper_by_settings(world: World, process: Process) -> Report:
    tell(world, mode="paper")
    return world.tick(process)


def paper_by_budget(world: World, process: Process) -> Report:
    tell(world, budget={"USD": "2000", "BTC": "100"})
    return world.tick(process)


def paper_by_deployment(world: World, process: Process) -> Report:
    return tick_under(world, process, Deployment(False))


TO_PAPER = [paper_by_settings, paper_by_budget, paper_by_deployment]


@pytest.mark.parametrize("to_paper", TO_PAPER)
def test_the_mode_stays_what_it_is_while_a_trade_is_open(
    world: World, to_paper: Callable[[World, Process], Report]
) -> None:
    in_trouble(Mishap.PROCESSING, Step.COMMIT, reads=3)(world)
    process = world.process()
    first = world.tick(process)
    assert (first.outcome, world.state().mode) == ("committing", "live")
    assert first.trade is not None
    to_paper(world, process)
    assert (world.state().open_trade, world.state().mode) == (first.trade.id, "live")
    assert Ledgers(world.bot_id).read("paper") is None
    while world.state().open_trade == first.trade.id:
        tick_under(world, process, Deployment(to_paper is not paper_by_deployment))
        assert world.state().mode == "live"
    assert trades(world)[-1].id == first.trade.id
    assert trades(world)[-1].state is TradeState.EXECUTED
    assert Ledgers(world.bot_id).read("paper") is None


@pytest.mark.parametrize("to_paper", TO_PAPER)
def test_a_bot_that_was_put_on_paper_while_a_trade_was_open_begins_no_other_live_trade(
    world: World, to_paper: Callable[[World, Process], Report]
) -> None:
    in_trouble(Mishap.PROCESSING, Step.COMMIT, seconds=3)(world)
    process = world.process()
    world.tick(process)
    to_paper(world, process)
    for _ in range(10):
        tick_under(world, process, Deployment(to_paper is not paper_by_deployment))
    assert [trade.due for trade in trades(world)] == [START]
    assert len(world.exchange.conversions) == 1
    assert world.state().mode == "paper"
    assert trades(world, "paper") != []


def test_a_credential_that_is_gone_while_a_trade_is_open_stops_the_bot_and_the_trade_ends_once_it_is_back(
    world: World,
) -> None:
    in_trouble(Mishap.PROCESSING, Step.COMMIT, seconds=3)(world)
    first = world.tick(world.process())
    assert first.trade is not None
    without_credential(world)
    process = world.process()
    for _ in range(6):
        tick_under(world, process, Deployment(True))
    state = world.state()
    assert (state.open_trade, state.mode, state.killed_by) == (first.trade.id, "live", "the exchange")
    assert (state.killed_why or "").startswith("There is no credential; store the exchange's token")
    with_credential(world)
    tick_under(world, process, Deployment(True))
    assert (world.state().open_trade, len(world.exchange.conversions)) == (None, 1)
    assert [(trade.id, trade.state) for trade in trades(world)] == [(first.trade.id, TradeState.EXECUTED)]


def test_the_mode_cannot_be_told_otherwise_while_a_trade_is_open(world: World) -> None:
    in_trouble(Mishap.PROCESSING, Step.COMMIT, seconds=8)(world)
    world.tick(world.process())
    with pytest.raises(InvalidSettings, match=r"mode cannot change while trade [0-9a-f]{24} is open"):
        desk(world).settings.change({"mode": "paper"}, "a test")
