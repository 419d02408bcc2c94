"""`heisenbug up` and `down`: the whole bot on this computer, from an empty folder to the first tick, and back."""

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from cli import emulator, processes, show
from cli.deploying import build, deploy, is_deployed
from cli.environments import make_environments
from cli.errors import CannotRun
from cli.markets import LIVE_URL, MarketChoice
from cli.paths import ROOT, Home
from cli.stack import STACK_NAME, Stack, call, read_stack, remember

EXCHANGE = "exchange"
FIRST_TICK_SECONDS = 30
EXCHANGE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked `up` for; `changes` are settings typed on the command line."""

    market: MarketChoice
    port: int
    changes: Mapping[str, Any]
    pairs: Sequence[str]
    live_trading: bool = False

    @property
    def exchange_port(self) -> int:
        """Where the simulated exchange listens."""
        return self.port + 1

    @property
    def exchange_url(self) -> str:
        """Where prices come from."""
        return f"http://{emulator.HOST}:{self.exchange_port}" if self.market.source else LIVE_URL


class Progress:
    """Says what is being done, and how long it took since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        """One step, with the seconds since the beginning."""
        show.say(f"[dim]{time.monotonic() - self._began:5.1f} s[/]  {text}")


def up(home: Home, wish: Wish, progress: Progress) -> Stack:
    """Start everything and wait for the first tick; what is there already is used again."""
    _refuse_twice(home)
    progress("environments")
    make_environments(home)
    _start_market(home, wish, progress)
    progress("the embedded AWS")
    emulator.start_emulator(home, wish.port)
    try:
        emulator.wait_until_ready(home, wish.port)
        stack = _deployed(home, wish, progress)
        _tell_bot(home, wish)
        progress("the first tick")
        _first_tick(wish)
    except BaseException:
        down(home)
        raise
    return stack


def down(home: Home) -> bool:
    """Stop everything that runs; state and logs stay. False where nothing ran."""
    stopped = [processes.stop(home, name) for name in (emulator.NAME, EXCHANGE)]
    home.stack_file.unlink(missing_ok=True)
    return any(stopped)


def _refuse_twice(home: Home) -> None:
    if processes.running(home, emulator.NAME):
        raise CannotRun("A bot runs here already: `heisenbug watch` follows it, `make down` stops it.")
    if processes.died(home, emulator.NAME):
        show.say("The last run did not end by `make down`: what it stored since its start is lost, the rest is there.")
    for name in (emulator.NAME, EXCHANGE):
        processes.stop(home, name)


def _start_market(home: Home, wish: Wish, progress: Progress) -> None:
    if not wish.market.source:
        return
    progress(f"the market {wish.market.bot_id}")
    emulator.need_free(wish.exchange_port, "PORT")
    state = home.path / f"market-{wish.market.bot_id}.json"
    command = [sys.executable, "-m", "local.exchange", "--market", wish.market.source]
    command += ["--speed", str(wish.market.speed), "--port", str(wish.exchange_port), "--state", str(state)]
    if "cost_bps" in wish.market.settings:  # the demo's conversions cost what its bot is told
        command += ["--margin", f"{wish.market.settings['cost_bps'] / 100:g}"]
    path = f"{ROOT}:{ROOT / 'layers' / 'heisenbug'}"
    processes.start(home, EXCHANGE, command, {"PATH": "/usr/bin:/bin", "PYTHONPATH": path})


def _deployed(home: Home, wish: Wish, progress: Progress) -> Stack:
    parameters = _parameters(home, wish)
    if not (is_deployed(home, parameters) and _has_stack(wish.port)):
        progress("sam build")
        build(home)
        progress("sam deploy")
        deploy(home, wish.port, parameters)
    stack = _read(wish.port)
    _wait_for_market(home, wish)
    remember(stack)
    return stack


def _parameters(home: Home, wish: Wish) -> dict[str, str]:
    installed = sorted((home.path / "functions" / "lib").glob("python3.*"))
    url = wish.exchange_url
    return {
        "LocalEndpoint": emulator.endpoint(wish.port),
        "BotId": wish.market.bot_id,
        "ExchangeUrl": url,
        "HistoryUrl": f"{url}/local/samples" if wish.market.source else "",
        "PythonRuntime": installed[-1].name,
        "LiveTrading": "enabled" if wish.live_trading else "disabled",
    }


def _has_stack(port: int) -> bool:
    stacks = emulator.client("cloudformation", port).list_stacks()["StackSummaries"]
    return any(s["StackName"] == STACK_NAME and s["StackStatus"].endswith("_COMPLETE") for s in stacks)


def _read(port: int) -> Stack:
    os.environ.update(emulator.aws_environment(port))
    return read_stack(STACK_NAME, emulator.endpoint(port))


def _wait_for_market(home: Home, wish: Wish) -> None:
    if not wish.market.source:
        return
    until = time.monotonic() + EXCHANGE_SECONDS
    while time.monotonic() < until and processes.running(home, EXCHANGE):
        try:
            requests.get(f"{wish.exchange_url}/local/health", timeout=2).raise_for_status()
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise CannotRun(f"The market did not start:\n{processes.last_lines(home, EXCHANGE)}")


def _tell_bot(home: Home, wish: Wish) -> None:
    """The market's settings on the bot's first start, and what was typed now on any."""
    told = home.path / f"told-{wish.market.bot_id}"
    is_new = not told.exists()
    pairs = list(wish.pairs) or (_pairs_of(wish) if is_new else [])
    first = {**wish.market.settings, **({"pairs": pairs} if pairs else {})} if is_new else {}
    changes = {**first, **wish.changes}
    if changes:
        call("PATCH", "config", changes)
    known = {row["pair"] for row in call("GET", "pairs")["pairs"]}
    for pair in pairs:
        if pair not in known:
            call("PUT", f"pairs/{pair}", {})
    told.touch()


def _pairs_of(wish: Wish) -> list[str]:
    if not wish.market.source:
        return []
    return sorted(requests.get(f"{wish.exchange_url}/local/health", timeout=5).json()["pairs"])


def _first_tick(wish: Wish) -> None:
    """Wake the trader as the minute's event does, and wait until its tick is stored."""
    known = call("GET", "status")
    before = known["ticks"]
    trader = f"{STACK_NAME}-trader"
    event = b'{"source": "heisenbug.up", "detail-type": "First tick"}'
    emulator.client("lambda", wish.port).invoke(FunctionName=trader, InvocationType="Event", Payload=event)
    if before and known["check_interval"] > FIRST_TICK_SECONDS / 2:
        return  # it has ticked before, and the next tick may be minutes away
    until = time.monotonic() + FIRST_TICK_SECONDS
    while time.monotonic() < until:
        status = call("GET", "status")
        if status["ticks"] > before and status["data_age_seconds"] is not None:
            return
        time.sleep(0.2)
    raise CannotRun("The bot was deployed but made no tick; the emulator's log in .heisenbug/log says why.")


def forget(home: Home) -> None:
    """Delete everything that local runs made."""
    down(home)
    shutil.rmtree(home.path, ignore_errors=True)
