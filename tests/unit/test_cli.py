"""The command line's own rules: which market, what a typed value is, how a log line reads, how money is given."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from typer.testing import CliRunner

from cli import asking, doctoring, hearing, keeping, markets, resolving, risking, running, trader, trading
from cli import main as command
from cli.errors import CannotRun, Refused
from cli.following import line
from cli.hearing import hear
from cli.main import command_line
from cli.markets import choose_market, sample_seconds
from cli.paths import Home
from cli.show import cell
from cli.stack import Stack
from cli.telling import typed
from cli.watching import line as pushed
from heisenbug.exchange.keys import KeyPair, key_pair

TOKEN = "0123456789abcdef0123456789abcdef"
PARAMETER = "/heisenbug/exchange-token"
SENTENCE = "risk 100 USD and 0.01 BTC"
CARDS = {
    "USD": "146.38 on 'USD card' 48ce2ac5-c038-4426-b2f8-a2bdbcc93053, as the settings name it",
    "BTC": "0.5 on 'savings [/]' bc9b3911-4bc1-4c6d-ac05-0ae87dcfc9b3, the first by its place in Uphold's list",
}


def test_without_a_wish_the_live_market_is_taken_where_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markets, "live_answers", lambda: True)
    chosen = choose_market("", None)
    assert (chosen.bot_id, chosen.source) == ("live", "")
    assert chosen.settings == {"is_active": True}


def test_where_it_does_not_the_demo_is_taken_and_says_plainly_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markets, "live_answers", lambda: False)
    chosen = choose_market("", None)
    assert chosen.bot_id == "demo"
    assert chosen.settings["forecaster"] == "drift"
    assert "not real" in chosen.words
    assert "drift is planted" in chosen.words


def test_a_recorded_market_keeps_the_default_settings_and_says_what_a_sample_means(tmp_path: Path) -> None:
    file = tmp_path / "crypto8 1m.csv.gz"
    file.touch()
    chosen = choose_market(str(file), 12)
    assert chosen.bot_id == "crypto8-1m"
    assert chosen.settings == {"is_active": True, "sample_seconds": 5}
    assert "A sample is 5 s here, 1 min of the market" in chosen.words


def test_a_market_file_that_is_not_there_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"There is no market file .* or MARKET=demo"):
        choose_market(str(tmp_path / "none.csv.gz"), None)


def test_live_trading_on_this_computer_takes_a_market_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markets, "live_answers", lambda: True)
    assert choose_market("", None, live_trading=True).source == "demo"
    with pytest.raises(CannotRun, match=r"only the simulated exchange.* LIVE=1 MARKET=demo"):
        choose_market("live", None, live_trading=True)


@pytest.mark.parametrize(("wished", "parameter"), [(True, "enabled"), (False, "disabled")])
def test_up_always_says_whether_live_trading_is_wanted_so_that_a_stack_forgets_it(
    wished: bool, parameter: str, tmp_path: Path
) -> None:
    (tmp_path / "functions" / "lib" / "python3.13").mkdir(parents=True)
    wish = running.Wish(markets.demo(12), 4566, {}, [], wished)
    assert running._parameters(Home(tmp_path), wish)["LiveTrading"] == parameter


@pytest.mark.parametrize(("speed", "seconds"), [(1, 60), (12, 5), (60, 1), (600, 1), (0.5, 120)])
def test_a_sample_stays_a_market_minute_as_near_as_whole_seconds_allow(speed: float, seconds: int) -> None:
    assert sample_seconds(speed) == seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.6", 0.6), ("true", True), ("abc", "abc"), ('{"USD": 1}', {"USD": 1}), ("null", None), ("", "")],
)
def test_what_is_typed_is_json_where_it_is_json_and_itself_elsewhere(text: str, value: object) -> None:
    assert typed(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (0.84771, "0.8477"), (2.5e-29, "0"), (1234.5678, "1234.57"), ("x", "x")],
)
def test_a_cell_reads_as_a_person_would_write_it(value: object, text: str) -> None:
    assert cell(value) == text


def test_a_ticks_log_line_says_when_what_and_why() -> None:
    entry = {"due": 1_746_403_200, "outcome": "no trade", "samples": 120, "failure": "the exchange answered 429"}
    assert line(json.dumps(entry)) == "00:00:00  no trade    120 samples  the exchange answered 429"


@pytest.mark.parametrize("message", ["START RequestId: 1", '{"level": "INFO", "message": "pushed"}', ""])
def test_lines_that_say_nothing_new_are_left_out(message: str) -> None:
    assert line(message) == ""


def test_errors_are_never_left_out() -> None:
    assert line('{"level": "ERROR", "message": "push failed"}') == "ERROR: push failed"
    assert "Traceback" in line("Traceback (most recent call last):")


def test_a_pushed_tick_names_what_is_guarded() -> None:
    data = {"tick": 7, "equity": "999.50", "samples": 42, "guarded": {"BTC-USD": {"reason": "x", "since": "y"}}}
    told = pushed({"type": "tick_completed", "at": "2025-05-05T00:00:00Z", "data": data})
    assert "tick 7, equity 999.50, 42 samples, guarded: BTC-USD" in told


# ------------------------------------------------------------- what is shown


def status(**changes: Any) -> dict[str, Any]:
    """What the API answers to GET status."""
    quiet = {"held_back": None, "consent": None, "open_trade": None, "exchange_quiet_until": None, "killed": None}
    known = {"mode": "paper", "state": "running", "equity": "1000", "base_currency": "USD", "drawdown": 0.0}
    newest = {
        "window": {"samples": 3, "of": 120},
        "data_age_seconds": 1.5,
        "ticks": 9,
        "last_tick": "t",
        "next_tick": "n",
    }
    return {**quiet, **known, **newest, "settings_errors": [], "guarded": {}, "recent_trades": [], **changes}


def trade(**changes: Any) -> dict[str, Any]:
    """A trade that nobody knows the end of, as the API shows it."""
    told = {
        "id": "3b0c44298fc1c149afbf4c89",
        "sequence": 0,
        "state": "UNRESOLVED",
        "mode": "live",
        "at": "2026-11-22T12:00:00Z",
    }
    moved = {"from": "USD", "to": "BTC", "amount": "100", "received": None, "confidence": 0.9, "cost_bps": None}
    return {
        **told,
        **moved,
        "reason": "every gate is open",
        "outcome": "The commit was sent, but no answer [/].",
        **changes,
    }


@dataclass
class FakeApi:
    """Answers by method and path, as told; keeps what was sent."""

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    sent: list[tuple[str, str, Any]] = field(default_factory=list)

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        self.sent.append((method, path, body))
        answer = self.answers[method, path]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """The bot's API, wherever a command asks it."""
    fake = FakeApi({("GET", "status"): status()})
    for module in (asking, trading, resolving, doctoring):
        monkeypatch.setattr(module, "call", fake)
    return fake


def run(*arguments: str, stdin: str = "") -> Any:
    """One command as a program runs it: stdin is no terminal."""
    return CliRunner().invoke(command_line(), list(arguments), input=stdin)


def refused(*arguments: str, stdin: str = "") -> str:
    """The words of a command that must be refused."""
    result = run(*arguments, stdin=stdin)
    assert isinstance(result.exception, CannotRun | Refused), result.output
    return str(result.exception)


def test_status_says_why_a_bot_that_was_told_live_is_on_paper(api: FakeApi) -> None:
    api.answers["GET", "status"] = status(held_back="Nobody has typed what may be risked: heisenbug live asks for it.")
    shown = run("status").output
    assert "PAPER, held back from live. Nobody has typed what may be risked" in shown


def test_status_says_live_and_who_typed_it(api: FakeApi) -> None:
    consent = {"typed": SENTENCE, "by": "anna", "at": "2026-11-22T12:00:00+00:00", "digest": "1"}
    api.answers["GET", "status"] = status(mode="live", consent=consent)
    assert f"LIVE: anna typed '{SENTENCE}' at 2026-11-22" in run("status").output


def test_status_shows_an_unresolved_trade_with_what_is_known_and_the_way_out(api: FakeApi) -> None:
    api.answers["GET", "status"] = status(mode="live", open_trade=trade(), exchange_quiet_until="2026-11-22T12:01:00Z")
    shown = run("status").output
    assert "is UNRESOLVED, nothing else is traded: The commit was sent, but no answer [/]." in shown
    assert "heisenbug resolve 3b0c44298fc1c149afbf4c89" in shown
    assert "wants to be left alone until 2026-11-22T12:01:00Z" in shown


def test_status_of_a_stack_from_before_live_trading_is_shown_too(api: FakeApi) -> None:
    older = status()
    for name in ("held_back", "consent", "exchange_quiet_until"):
        del older[name]
    api.answers["GET", "status"] = older
    assert "PAPER" in run("status").output


def test_the_list_of_trades_says_whose_money_it_was_and_how_it_ended(api: FakeApi) -> None:
    rows = [trade(sequence=2, state="FAILED", outcome="It never landed at the venue.")]
    api.answers["GET", "trades"] = {"trades": rows, "cursor": None}
    shown = run("trades").output
    assert "live" in shown
    assert "every gate is open - It never landed at the venue." in shown


def test_a_watcher_is_told_of_live_money_and_of_doubt() -> None:
    message = {"type": "trade_unresolved", "at": "t", "data": trade()}
    assert "LIVE 100 USD -> - BTC" in pushed(message)
    assert "Next: heisenbug resolve 3b0c44298fc1c149afbf4c89" in pushed(message)
    greeting = {
        "type": "bot_status",
        "at": "t",
        "data": status(held_back="There is no credential.", open_trade=trade()),
    }
    assert "held back from live: There is no credential." in pushed(greeting)
    assert "UNRESOLVED" in pushed(greeting)
    assert pushed({"type": "bot_status", "at": "t", "data": status()}).endswith("paper, running, equity 1000 USD")


# ------------------------------------------------------------ real money


@dataclass
class FakeTrader:
    """The trader's function: looks as told, and gives only for the exact sentence."""

    looks: dict[str, Any]
    wishes: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    fails: Exception | None = None
    raw: dict[str, Any] | None = None

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        if self.fails is not None:
            raise self.fails
        self.names.append(FunctionName)
        wish = json.loads(Payload)["live"]
        self.wishes.append(wish)
        return self.raw or {"Payload": io.BytesIO(json.dumps(self.answer(wish)).encode())}

    def answer(self, wish: dict[str, Any]) -> dict[str, Any]:
        if "typed" not in wish:
            return self.looks
        if wish["typed"] != self.looks["to_type"]:
            return {"error": "Nothing was given."}
        return {"given": "100 USD of card 48ce2ac5"}

    @property
    def gave(self) -> list[dict[str, Any]]:
        return [wish for wish in self.wishes if "typed" in wish]


@dataclass
class FakeSsm:
    """The parameter store."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    fails: Exception | None = None

    def put_parameter(self, **told: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.kept[told["Name"]] = told

    def delete_parameter(self, Name: str) -> None:
        if Name not in self.kept:
            raise ClientError({"Error": {"Code": "ParameterNotFound", "Message": "none"}}, "DeleteParameter")
        del self.kept[Name]


def look(**changes: Any) -> dict[str, Any]:
    """What a look finds while only the typing is missing."""
    found = [("deployment", "LiveTrading is enabled"), ("token", "it is accepted"), ("clock", "0 s off")]
    found += [(f"card {asset}", says) for asset, says in CARDS.items()]
    findings = [{"name": name, "ok": True, "says": says} for name, says in found]
    missing = "Nobody has typed what may be risked: heisenbug live asks for it."
    return {"findings": findings, "mode": "live", "trades": "paper", "missing": missing, "to_type": SENTENCE, **changes}


BARRED = "The stack is not deployed with LiveTrading=enabled, so it may not read a credential."


def barred() -> list[dict[str, Any]]:
    return [{"name": "deployment", "ok": False, "says": BARRED}]


@dataclass
class Cloud:
    """The person's AWS account."""

    trader: FakeTrader
    ssm: FakeSsm

    def client(self, stack: Stack, service: str) -> Any:
        return {"lambda": self.trader, "ssm": self.ssm}[service]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A stack whose trader has all but the typing."""
    opened = Cloud(FakeTrader(look()), FakeSsm())
    outputs = {"TraderFunctionName": "heisenbug-trader", "CredentialParameter": PARAMETER, "ApiUrl": "https://api"}
    for module in (trader, keeping, doctoring):
        monkeypatch.setattr(module, "find_stack", lambda: Stack("heisenbug", outputs, "admin"))
    for module in (trader, keeping):
        monkeypatch.setattr(module, "client", opened.client)
    return opened


def test_the_exact_sentence_gives_the_money_in_the_name_of_who_typed_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "anna")
    result = run("live", stdin=f"{SENTENCE}\n")
    assert result.exit_code == 0, result.output
    assert cloud.trader.gave == [{"typed": SENTENCE, "by": "anna"}]
    assert set(cloud.trader.names) == {"heisenbug-trader"}
    assert "Given: 100 USD of card 48ce2ac5." in result.output
    assert "heisenbug watch" in result.output


@pytest.mark.parametrize("typed", ["", "yes", "risk 100 USD", SENTENCE.lower(), SENTENCE + " please", "risk 1000 USD"])
def test_anything_else_gives_nothing(cloud: Cloud, typed: str) -> None:
    assert "Nothing was given" in refused("live", stdin=f"{typed}\n")
    assert not cloud.trader.gave


def test_the_risk_is_told_before_the_sentence_is_asked_for(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []

    def hears(question: str) -> str:
        told.append(" ".join(capsys.readouterr().err.split()))
        return SENTENCE if SENTENCE in question else ""

    monkeypatch.setattr(risking, "hear", hears)
    risking.live()
    assert f"at most 100 USD at any time; there is {CARDS['USD']}" in told[0]
    assert f"at most 0.01 BTC at any time; there is {CARDS['BTC']}" in told[0]
    assert "no other asset, no other card" in told[0]
    assert "It cannot protect you from" in told[0]
    assert cloud.trader.gave


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"findings": barred(), "mode": "paper"}, BARRED),
        ({"mode": "paper"}, "heisenbug config set mode=live"),
        ({"to_type": "", "missing": "No budget is set: heisenbug config set budget=..."}, "No budget is set"),
        (
            {"findings": [*look()["findings"][:2], {"name": "cards", "ok": False, "says": "There is no XAU card."}]},
            "There is no XAU card.",
        ),
    ],
    ids=["deployment", "mode", "budget", "card"],
)
def test_while_an_earlier_act_is_missing_the_sentence_is_not_asked_for(
    cloud: Cloud, changes: dict[str, Any], words: str
) -> None:
    cloud.trader.looks = look(**changes)
    assert words in refused("live", stdin=f"{SENTENCE}\n")
    assert not cloud.trader.gave


def test_a_token_that_is_refused_is_the_missing_first_act(cloud: Cloud) -> None:
    bad = {"name": "token", "ok": False, "says": "Uphold does not accept the token."}
    cloud.trader.looks = look(findings=[look()["findings"][0], bad])
    assert "Uphold does not accept the token." in refused("live", stdin=f"{SENTENCE}\n")
    assert not cloud.trader.gave


def test_what_is_not_well_is_said_aloud_but_the_person_decides(cloud: Cloud) -> None:
    odd = {"name": "quote", "ok": False, "says": "Uphold converts at least 1 here."}
    cloud.trader.looks = look(findings=[*look()["findings"], odd])
    result = run("live", stdin=f"{SENTENCE}\n")
    assert "What says LOOK above is not well" in result.output
    assert cloud.trader.gave


def test_a_program_gets_the_look_as_json_and_nothing_is_asked(cloud: Cloud) -> None:
    result = run("live", "--json", stdin=f"{SENTENCE}\n")
    assert json.loads(result.stdout) == look()
    assert not cloud.trader.gave


def test_the_sentence_cannot_be_given_by_an_option(cloud: Cloud) -> None:
    assert run("live", SENTENCE).exit_code == 2
    assert run("live", "--yes").exit_code == 2
    assert not cloud.trader.gave


def test_the_traders_own_refusal_is_passed_on(cloud: Cloud) -> None:
    cloud.trader.raw = {"Payload": io.BytesIO(b'{"error": "A trade is open; give money when it has ended."}')}
    assert "A trade is open" in refused("live")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"Payload": io.BytesIO(b"null")}, "older than this command line"),
        (
            {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "Task timed out"}')},
            "failed (Task timed out); its log /aws/lambda/heisenbug-trader",
        ),
    ],
    ids=["old", "failed"],
)
def test_a_trader_that_does_not_answer_so_is_one_sentence(cloud: Cloud, raw: dict[str, Any], words: str) -> None:
    cloud.trader.raw = raw
    assert words in refused("live")


def test_who_may_not_ask_the_trader_hears_which_right_is_missing(cloud: Cloud) -> None:
    cloud.trader.fails = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")
    assert "lambda:InvokeFunction" in refused("live")


def test_nothing_that_is_asked_of_aws_is_sent_twice() -> None:
    assert trader.ONCE.retries == {"total_max_attempts": 1}  # type: ignore[attr-defined]


# ---------------------------------------------------------- the credential


def test_a_token_is_stored_as_a_secure_string_and_never_shown(cloud: Cloud) -> None:
    result = run("credential", stdin=f"  {TOKEN}\nmore\n")
    assert result.exit_code == 0, result.output
    kept = cloud.ssm.kept[PARAMETER]
    assert (kept["Value"], kept["Type"], kept["Overwrite"]) == (TOKEN, "SecureString", True)
    assert TOKEN not in result.output
    assert TOKEN not in kept["Description"]
    assert "cards:read transactions:read transactions:transfer:self" in " ".join(result.output.split())
    assert "withdrawals included" in result.output


@pytest.mark.parametrize("typed", ["", "short", f"Bearer {TOKEN}", "ключ-ключ-ключ", "x" * 4097])
def test_what_is_no_token_is_not_stored_and_not_repeated(cloud: Cloud, typed: str) -> None:
    words = refused("credential", stdin=f"{typed}\n")
    assert "Nothing was stored" in words
    assert not typed or typed not in words
    assert not cloud.ssm.kept


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": TOKEN}}, "PutParameter"),
            "ssm:PutParameter",
        ),
        (ReadTimeoutError(endpoint_url=f"https://ssm/{TOKEN}"), "did not answer"),
    ],
    ids=["refused", "silent"],
)
def test_what_aws_says_of_a_token_repeats_nothing_of_it(cloud: Cloud, error: Exception, words: str) -> None:
    cloud.ssm.fails = error
    told = refused("credential", stdin=f"{TOKEN}\n")
    assert words in told
    assert TOKEN not in told


KEY, SECRET = "a-key-of-kraken", "c2VjcmV0IG9mIGtyYWtlbg=="


@pytest.fixture
def at_kraken(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The same at a venue with order books."""
    outputs = {"CredentialParameter": PARAMETER, "VenueName": "kraken"}
    monkeypatch.setattr(keeping, "find_stack", lambda: Stack("heisenbug", outputs, "admin"))
    return cloud


def test_a_key_and_its_secret_are_stored_as_one_text_and_never_shown(at_kraken: Cloud) -> None:
    result = run("credential", stdin=f" {KEY} \n{SECRET}\n")
    assert result.exit_code == 0, result.output
    assert key_pair(at_kraken.ssm.kept[PARAMETER]["Value"]) == KeyPair(KEY, SECRET)
    assert SECRET not in result.output
    assert "Create & modify orders and no others: it trades and cannot withdraw" in " ".join(result.output.split())


def test_a_secret_of_several_lines_may_be_typed_as_one(at_kraken: Cloud) -> None:
    run("credential", stdin=KEY + "\n-----BEGIN EC PRIVATE KEY-----\\nabc\\n-----END EC PRIVATE KEY-----\\n\n")
    pair = key_pair(at_kraken.ssm.kept[PARAMETER]["Value"])
    assert pair is not None
    assert pair.secret.splitlines() == ["-----BEGIN EC PRIVATE KEY-----", "abc", "-----END EC PRIVATE KEY-----"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (f"short\n{SECRET}\n", "key must be 8 to 400 letters, digits and signs without spaces. Nothing was stored."),
        (f"{KEY}\n\n", "secret must be 8 to 3000 letters, digits and signs. Nothing was stored."),
        ("\n\n", "key must be 8 to 400 letters, digits and signs without spaces. secret must be 8 to 3000"),
    ],
)
def test_what_is_no_key_or_no_secret_is_not_stored_and_the_field_is_named(
    at_kraken: Cloud, typed: str, says: str
) -> None:
    assert says in " ".join(refused("credential", stdin=typed).split())
    assert not at_kraken.ssm.kept


def test_a_token_is_deleted_and_its_absence_is_no_error(cloud: Cloud) -> None:
    run("credential", stdin=f"{TOKEN}\n")
    assert "Deleted" in run("credential", "--delete").output
    assert not cloud.ssm.kept
    again = run("credential", "--delete", "--json")
    assert json.loads(again.stdout) == {"deleted": PARAMETER}
    assert "There is none" in again.stderr


def test_a_secret_is_asked_for_hidden_where_a_person_sits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(hearing.typer, "prompt", lambda question, **told: asked.append(told) or f" {TOKEN} ")
    assert hear("The token", hidden=True) == TOKEN
    assert asked[0]["hide_input"] is True
    assert asked[0]["err"] is True


# --------------------------------------------------------------- resolving

ASKED = "trades/3b0c44298fc1c149afbf4c89/resolve"
STATED = "executed 100 USD for 0.0012 BTC"


@pytest.mark.parametrize("arguments", [[STATED], []], ids=["argument", "stdin"])
def test_a_statement_is_sent_as_it_was_typed(api: FakeApi, arguments: list[str]) -> None:
    api.answers["GET", "status"] = status(open_trade=trade())
    api.answers["POST", ASKED] = trade(state="EXECUTED", sequence=7)
    result = run("resolve", trade()["id"], *arguments, stdin=f"{STATED}\n")
    assert api.sent[-1] == ("POST", ASKED, {"statement": STATED})
    assert "Recorded as trade 7, EXECUTED" in result.output


def test_before_a_statement_is_typed_all_that_is_known_is_shown(api: FakeApi) -> None:
    api.answers["GET", "status"] = status(open_trade=trade())
    api.answers["POST", ASKED] = trade(state="FAILED", sequence=7)
    shown = run("resolve", trade()["id"], stdin="failed, nothing moved\n").output
    for words in (
        "100 USD into BTC",
        "The commit was sent, but no answer [/].",
        "the reference heisenbug-3b0c44298fc1c149afbf4c89",
        "GET /v0/me/transactions/:id",
        "executed 100 USD for AMOUNT BTC",
        "failed, nothing moved",
        "asked for a day longer",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("open_trade", "words"),
    [
        (None, "No trade is open"),
        (trade(id="another"), "is not open; the open one is another"),
        (trade(state="COMMITTING"), "the bot is still at it"),
    ],
    ids=["none", "another", "not yet"],
)
def test_nothing_is_stated_of_a_trade_that_is_not_in_doubt(api: FakeApi, open_trade: Any, words: str) -> None:
    api.answers["GET", "status"] = status(open_trade=open_trade)
    assert words in refused("resolve", trade()["id"], STATED)
    assert [method for method, _, _ in api.sent] == ["GET"]


def test_an_empty_statement_changes_nothing_and_a_wrong_one_is_refused_in_the_bots_words(api: FakeApi) -> None:
    api.answers["GET", "status"] = status(open_trade=trade())
    api.answers["POST", ASKED] = Refused("statement must be typed in full", [])
    assert "nothing was changed" in refused("resolve", trade()["id"])
    assert "typed in full" in refused("resolve", trade()["id"], "it worked")


# ------------------------------------------------------------------ doctor


def doctors(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, api: FakeApi) -> Callable[[], dict[str, Any]]:
    """What the doctor says, by the name of what was looked at."""
    api.answers["GET", "health"] = {"status": "ok", "problems": []}
    answer = SimpleNamespace(headers={})
    monkeypatch.setattr(doctoring.requests, "get", lambda *_, **__: answer)
    return lambda: {row["check"]: row for row in json.loads(run("doctor", "--json").stdout)}


def test_where_live_trading_is_not_deployed_the_doctor_says_paper_only_and_is_content(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud, api: FakeApi
) -> None:
    cloud.trader.looks = look(findings=barred())
    found = doctors(monkeypatch, cloud, api)()
    assert found["live money"] == {"check": "live money", "ok": True, "says": f"paper only: {BARRED}"}
    assert not [name for name in found if name.startswith("live ") and name != "live money"]


def test_where_it_is_the_doctor_shows_whatever_the_trader_finds(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud, api: FakeApi
) -> None:
    bad = {"name": "one-time password", "ok": False, "says": "is asked between own cards"}
    cloud.trader.looks = look(findings=[*look()["findings"], bad])
    found = doctors(monkeypatch, cloud, api)()
    assert found["live token"]["ok"]
    assert found["live card BTC"]["says"] == CARDS["BTC"]
    assert not found["live one-time password"]["ok"]
    assert cloud.trader.wishes == [{"look": True}]


def test_a_trader_that_cannot_be_asked_is_one_of_the_findings(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud, api: FakeApi
) -> None:
    cloud.trader.fails = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")
    assert not doctors(monkeypatch, cloud, api)()["live money"]["ok"]


@pytest.mark.parametrize(("fields", "code"), [([{"field": "model", "message": "model does not fit."}], 2), ([], 1)])
def test_a_value_that_the_bot_refuses_was_typed_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fields: list[dict[str, str]], code: int
) -> None:
    def refuse() -> None:
        raise Refused("It cannot be.", fields)

    monkeypatch.setattr(command, "run", refuse)
    with pytest.raises(SystemExit) as left:
        command.main()
    assert left.value.code == code
    assert (fields[0]["message"] if fields else "It cannot be.") in capsys.readouterr().err


@pytest.mark.parametrize("name", ["backtest", "status", "market"])
def test_a_command_is_the_same_alone_as_among_all(name: str) -> None:
    alone, among = (CliRunner().invoke(command_line(only), [name, "--help"]) for only in (name, ""))
    assert alone.stdout == among.stdout
    assert name in among.stdout


def test_a_command_that_is_typed_brings_no_other_along(monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[str] = []
    monkeypatch.setattr(command.Command, "join", lambda self, app, name: joined.append(name))
    command_line.cache_clear()
    command_line("status")
    command_line.cache_clear()
    assert joined == ["status"]
