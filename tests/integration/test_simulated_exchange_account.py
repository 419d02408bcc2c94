"""The simulated exchange's account over real HTTP: conversions, answers that are lost, and what survives a stop."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from heisenbug.markets.generated import GeneratedMarket
from local.account import card_id
from local.exchange import ExchangeServer, running, serve
from local.rules import Rules
from local.trouble import TroublePlan
from local.trouble_orders import plan_from
from tests.exchanges import order

ROOT = Path(__file__).parents[2]


class Account:
    """Somebody who trades at an address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = "any"

    def get(self, path: str, timeout: float = 5) -> requests.Response:
        return requests.get(self.url + path, headers={"Authorization": f"Bearer {self.token}"}, timeout=timeout)

    def post(self, path: str, body: object, timeout: float = 5) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.post(self.url + path, json=body, headers=headers, timeout=timeout)

    def quote(self, amount: str = "100") -> dict[str, Any]:
        answer = self.post(f"/v0/me/cards/{card_id('USD')}/transactions", order("USD", "BTC", amount, reference="hb-1"))
        assert answer.status_code == 202, answer.text
        quote: dict[str, Any] = answer.json()
        return quote

    def commit(self, quote: dict[str, Any], timeout: float = 5) -> requests.Response:
        return self.post(f"/v0/me/cards/{card_id('USD')}/transactions/{quote['id']}/commit", {}, timeout)

    def read(self, quote: dict[str, Any]) -> requests.Response:
        return self.get(f"/v0/me/transactions/{quote['id']}")

    def plan(self, *troubles: dict[str, object]) -> None:
        requests.post(f"{self.url}/local/trouble", json=list(troubles), timeout=5).raise_for_status()

    def truth(self) -> dict[str, Any]:
        truth: dict[str, Any] = requests.get(f"{self.url}/local/conversions", timeout=5).json()
        return truth


@contextmanager
def command(*arguments: str) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """The exchange in its own process, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local.exchange", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        greeting = process.stderr.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", greeting)
        assert url is not None, greeting
        yield process, url[0]
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture
def server() -> Iterator[ExchangeServer]:
    with running(serve(GeneratedMarket(seed=7))) as server:
        yield server


@pytest.fixture
def account(server: ExchangeServer) -> Account:
    return Account(server.url)


def test_a_quote_is_committed_and_read_back(account: Account) -> None:
    quote = account.quote()
    committed = account.commit(quote)
    assert (committed.status_code, committed.json()["status"]) == (200, "completed")
    assert account.read(quote).json() == committed.json()
    assert [each["id"] for each in account.get("/v0/me/transactions").json()] == [quote["id"]]
    truth = account.truth()
    assert (truth["balances"]["USD"], truth["conserved"]) == ("900.00", True)
    assert truth["conversions"][0]["reference"] == "hb-1"


def test_answers_carry_the_date_of_the_exchanges_own_clock() -> None:
    with running(serve(GeneratedMarket(seed=7), clock=lambda: 1_800_000_000.0)) as server:
        answer = requests.get(f"{server.url}/v0/ticker", timeout=5)
    assert answer.headers["Date"] == "Fri, 15 Jan 2027 08:00:00 GMT"


def test_a_reset_closes_the_connection_before_anything_is_done(account: Account) -> None:
    quote = account.quote()
    account.plan({"step": "commit", "kind": "reset"})
    with pytest.raises(requests.ConnectionError):
        account.commit(quote)
    assert account.read(quote).status_code == 404


def test_a_lost_answer_closes_the_connection_when_everything_is_done(account: Account) -> None:
    quote = account.quote()
    account.plan({"step": "commit", "kind": "lost_answer"})
    with pytest.raises(requests.ConnectionError):
        account.commit(quote)
    assert account.read(quote).json()["status"] == "completed"


def test_an_answer_that_hangs_or_is_slow_is_missed_and_the_commit_happened(account: Account) -> None:
    account.plan(
        {"step": "commit", "kind": "lost_answer", "seconds": 60}, {"step": "commit", "kind": "slow", "seconds": 60}
    )
    for _ in range(2):
        quote = account.quote()
        with pytest.raises(requests.ReadTimeout):
            account.commit(quote, timeout=0.3)
        assert account.read(quote).json()["status"] == "completed"


def test_a_slow_answer_arrives(account: Account) -> None:
    account.plan({"step": "cards", "kind": "slow", "seconds": 0.3})
    began = time.perf_counter()
    assert account.get("/v0/me/cards").status_code == 200
    assert time.perf_counter() - began >= 0.3


def test_a_stop_does_not_wait_for_slow_answers() -> None:
    with running(serve(GeneratedMarket(seed=7))) as server, ThreadPoolExecutor(1) as client:
        account = Account(server.url)
        account.plan({"step": "cards", "kind": "slow", "seconds": 60})
        waiting = client.submit(account.get, "/v0/me/cards", 30)
        time.sleep(0.2)
        began = time.perf_counter()
        server.shutdown()
        server.server_close()
        waiting.exception()
        assert time.perf_counter() - began < 5


def test_a_late_commit_lands_by_the_clock() -> None:
    now = [1_800_000_000.0]
    with running(serve(GeneratedMarket(seed=7), speed=0, clock=lambda: now[0])) as server:
        account = Account(server.url)
        quote = account.quote()
        account.plan({"step": "commit", "kind": "lands_late", "seconds": 200})
        assert account.commit(quote).status_code == 504
        now[0] += 199
        assert account.read(quote).status_code == 404
        now[0] += 1
        assert account.read(quote).json()["status"] == "completed"


def test_one_quote_committed_by_many_clients_is_carried_out_once(account: Account) -> None:
    quote = account.quote()
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: account.commit(quote).status_code, range(8)))
    assert sorted(answers) == [200] + [404] * 7
    assert account.truth()["balances"]["USD"] == "900.00"


def test_many_clients_at_once_conserve_value_under_every_trouble() -> None:
    kinds = ["status_500", "lost_answer", "processing", "worse"]
    trouble = TroublePlan(plan_from({"seed": 7, "rate": 0.3, "kinds": kinds, "steps": ["commit"]}))
    balances = {"USD": Decimal(1000)}
    with running(serve(GeneratedMarket(seed=7), balances=balances, trouble=trouble)) as server:
        account = Account(server.url)

        def convert(_: int) -> None:
            try:
                account.commit(account.quote("7"), timeout=0.5)
            except requests.RequestException:
                return

        with ThreadPoolExecutor(8) as clients:
            list(clients.map(convert, range(40)))
        server.exchange.trouble.order(plan_from({}))
        truth = account.truth()
    assert truth["conserved"]
    assert len(truth["conversions"]) > 10
    assert len({each["id"] for each in truth["conversions"]}) == len(truth["conversions"])


def test_trouble_is_ordered_shown_and_cleared(account: Account) -> None:
    url = f"{account.url}/local/trouble"
    account.plan({"step": "me", "kind": "status_503"})
    assert account.get("/v0/me").status_code == 503
    assert requests.get(url, timeout=5).json()["dealt"] == {"status_503": 1}
    bad = requests.post(url, json=[{"kind": "boom"}], timeout=5)
    assert (bad.status_code, bad.json()["code"]) == (400, "validation_failed")
    assert requests.post(url, json={}, timeout=5).json() == {"plan": {}, "asked": {}, "dealt": {}}


def test_the_rules_reach_the_wire() -> None:
    rules = Rules(margin_percent=Decimal(2), ttl_seconds=5, token="mine")
    with running(serve(GeneratedMarket(seed=7), rules=rules)) as server:
        account = Account(server.url)
        assert account.get("/v0/me/cards").status_code == 401
        account.token = "mine"
        params = account.quote()["params"]
    assert (params["margin"], params["ttl"]) == ("2.00", 5000)


# --- what survives ---


def test_the_account_goes_on_after_a_stop_and_balances_are_for_a_new_one(tmp_path: Path) -> None:
    market, state = GeneratedMarket(seed=7), tmp_path / "exchange.json"
    balances = {"USD": Decimal(500)}
    with running(serve(market, state_file=state, balances=balances)) as server:
        account = Account(server.url)
        quote = account.quote()
        committed = account.commit(quote).json()
        before = account.truth()
    with running(serve(market, state_file=state, balances=balances)) as server:
        account = Account(server.url)
        assert account.truth() == before
        assert account.read(quote).json() == committed
        assert account.commit(quote).status_code == 404
    assert before["balances"]["USD"] == "400.00"


def test_a_state_from_before_there_was_an_account_still_works(tmp_path: Path) -> None:
    market, state = GeneratedMarket(seed=7), tmp_path / "exchange.json"
    state.write_text(json.dumps({"market": market.name, "market_time": "2026-01-20T00:00:00Z"}))
    with running(serve(market, speed=0, state_file=state)) as server:
        health = requests.get(f"{server.url}/local/health", timeout=5).json()
        truth = Account(server.url).truth()
    assert health["market_time"] == "2026-01-20T00:00:00Z"
    assert truth["balances"]["USD"] == "1000.00"


def test_what_was_answered_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    state = str(tmp_path / "exchange.json")
    with command("--port", "0", "--state", state, "--balance", "USD=300") as (process, url):
        account = Account(url)
        quote = account.quote()
        assert account.commit(quote).status_code == 200
        process.kill()
    with command("--port", "0", "--state", state) as (_, url):
        account = Account(url)
        assert account.read(quote).json()["status"] == "completed"
        assert account.truth()["balances"]["USD"] == "200.00"


def test_the_command_takes_faults_margin_ttl_token_and_balance() -> None:
    options = ["--margin", "0.5", "--ttl", "9", "--token", "mine", "--balance", "USD=5000"]
    with command("--port", "0", *options, "--faults", "seed=1,rate=1,kinds=status_503,steps=me") as (_, url):
        account = Account(url)
        assert account.get("/v0/me/cards").status_code == 401
        account.token = "mine"
        assert account.get("/v0/me").status_code == 503
        quote = account.quote("4000")
    assert (quote["params"]["margin"], quote["params"]["ttl"]) == ("0.50", 9000)
