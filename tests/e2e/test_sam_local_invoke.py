"""Every sample in events/ in a container: `sam local invoke` with the command and the variables the CLI tells.

Runs where a Docker engine answers and has Lambda's runtime image for the Python that the local functions run on.
"""

import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.emulator import aws_environment
from cli.paths import ROOT
from tests.e2e.conftest import Deployed

EVENTS = sorted((ROOT / "events").glob("*.json"))
AT_ONCE = 2
pytestmark = pytest.mark.docker


@dataclass(frozen=True)
class Invoked:
    """What `sam local invoke` gave: its exit code, the function's answer, and all it logged."""

    code: int
    answer: Any
    log: str


@pytest.fixture(scope="module")
def invoked(bot: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Invoked]:
    """Every sample invoked once, by its name; and once the question whether the admin may ask over HTTP."""
    skip_without_image(bot)
    folder = tmp_path_factory.mktemp("invoke")
    mine = folder / "authorizer-mine.json"
    mine.write_text((ROOT / "events" / "authorizer-http.json").read_text().replace("YOUR-TOKEN", bot.token))
    with opened(bot, folder / "env.json") as command, ThreadPoolExecutor(AT_ONCE) as pool:
        files = [*EVENTS, mine]
        done = list(pool.map(lambda file: sam(bot, command, file), files))
    return dict(zip((file.stem for file in files), done, strict=True))


def skip_without_image(bot: Deployed) -> None:
    """Skip where nothing can run: no engine, or no image that it could be reached for here."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine answers here")
    runtime = sorted((bot.home / "functions" / "lib").glob("python3.*"))[-1].name.removeprefix("python")
    machine = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    image = f"public.ecr.aws/lambda/python:{runtime}-{machine}"
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode:
        pytest.skip(f"the image {image} is not here; docker pull {image}")


@contextmanager
def opened(bot: Deployed, variables: Path) -> Iterator[list[str]]:
    """The command that `heisenbug env-vars FILE --open` tells, while containers are let in."""
    environment = {**os.environ, "HEISENBUG_HOME": str(bot.home), "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/heisenbug'}"}
    command = [sys.executable, "-m", "cli.main", "env-vars", str(variables), "--open"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = [process.stderr.readline(), process.stderr.readline()]
        try:
            assert "Containers reach the bot" in said[1], said
            yield shlex.split(said[0].partition("Next: ")[2])
        finally:
            process.send_signal(signal.SIGINT)


def sam(bot: Deployed, told: list[str], event: Path) -> Invoked:
    """The command that was told, for this event and its function."""
    ours = {"TraderFunction": function_of(event), "events/minute.json": str(event)}
    outside = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [ours.get(word, word) for word in told],
        cwd=ROOT,
        env={**outside, **aws_environment(bot.port)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    answer = done.stdout.strip()
    return Invoked(done.returncode, json.loads(answer) if answer else None, done.stderr)


def function_of(event: Path) -> str:
    """The function that the first word of an event's name says; minute and tick are the trader's."""
    word = event.stem.split("-")[0]
    return {"minute": "TraderFunction", "tick": "TraderFunction"}.get(word, f"{word.capitalize()}Function")


@pytest.mark.parametrize("name", [event.stem for event in EVENTS])
def test_every_sample_runs_in_a_container(invoked: Mapping[str, Invoked], name: str) -> None:
    got = invoked[name]

    assert got.code == 0, got.log
    assert "errorType" not in str(got.answer), got.log
    assert '"level": "ERROR"' not in got.log


def test_the_trader_looks_at_the_market_and_calls_an_old_tick_stale(invoked: Mapping[str, Invoked]) -> None:
    assert invoked["minute"].answer is None
    assert '"outcome":"stale"' in invoked["tick"].log


def test_the_api_answers_from_the_local_tables(invoked: Mapping[str, Invoked]) -> None:
    ping, status, changed = (invoked[name].answer for name in ("api-ping", "api-status", "api-change-config"))

    assert [answer["statusCode"] for answer in (ping, status, changed)] == [200, 200, 200]
    assert json.loads(ping["body"])["status"] == "pong"
    assert json.loads(status["body"])["ticks"] > 0
    assert json.loads(changed["body"])["settings"]["risk_tolerance"] == 0.6


def test_the_websocket_functions_answer_and_find_that_the_samples_client_is_gone(
    invoked: Mapping[str, Invoked],
) -> None:
    names = ("connection-connect", "connection-disconnect", "actions-get-status", "actions-update-config")

    assert [invoked[name].answer for name in names] == [{"statusCode": 200}] * 4
    assert "left before the answer" in invoked["actions-get-status"].log


def test_the_broadcast_understands_every_change(invoked: Mapping[str, Invoked]) -> None:
    for name in ("broadcast-trade", "broadcast-tick", "broadcast-settings", "broadcast-kill"):
        assert invoked[name].answer == {"batchItemFailures": []}
        assert '"message":"pushed"' in invoked[name].log


def test_the_authorizer_knows_the_token_and_no_other(invoked: Mapping[str, Invoked]) -> None:
    assert invoked["authorizer-http"].answer["context"]["role"] == ""
    assert invoked["authorizer-mine"].answer["context"]["role"] == "admin"
    assert invoked["authorizer-websocket"].answer["policyDocument"]["Statement"][0]["Effect"] == "Deny"


def test_the_tokens_that_are_there_are_kept(bot: Deployed, invoked: Mapping[str, Invoked]) -> None:
    parameter = bot.aws("ssm").get_parameter(Name=bot.outputs["AdminTokenParameter"], WithDecryption=True)

    assert invoked["tokens-create"].log.count("token kept") == 2
    assert parameter["Parameter"]["Value"] == bot.token


def test_one_command_does_it_all(bot: Deployed, invoked: Mapping[str, Invoked]) -> None:
    done = bot.cli("invoke", "events/api-ping.json")

    assert done.returncode == 0, done.stderr
    assert json.loads(json.loads(done.stdout)["body"])["status"] == "pong"
