"""Down and up again: what was stored is there, and pushes still arrive."""

import json
import time

from tests.e2e.conftest import Deployed, deployed, run_cli, run_up


def test_after_down_and_up_trades_settings_and_window_are_there_and_pushes_arrive(bot: Deployed) -> None:
    bot.change(min_expected_return=0.0123)
    before = {path: bot.get(path) for path in ("trades", "config")}
    ticks = bot.get("status")["ticks"]

    assert run_cli(bot.home, "down").returncode == 0
    up = run_up(bot.home, bot.port)
    assert up.returncode == 0, up.stderr
    again = deployed(bot.home, bot.port)

    assert again.token == bot.token
    assert {path: again.get(path) for path in ("trades", "config")} == before
    status = again.get("status")
    assert status["ticks"] > ticks
    assert status["window"]["samples"] == status["window"]["of"]
    with again.connect() as socket:
        end = time.monotonic() + 20
        kinds = set()
        while time.monotonic() < end and "tick_completed" not in kinds:
            kinds.add(json.loads(socket.recv(end - time.monotonic()))["type"])
    assert "tick_completed" in kinds
    assert "sam build" not in up.stderr


def test_a_second_up_says_that_one_runs_already(bot: Deployed) -> None:
    again = run_up(bot.home, bot.port)

    assert again.returncode == 1
    assert "runs here already" in again.stderr
