"""Backtests and sweeps in AWS by the command line: a market uploaded, and to the byte what this computer reports."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Deployed
from tests.histories import KEEN
from tests.jobs import MARKET, write_made

OTHERS = [word for name, value in KEEN.items() if name != "min_confidence" for word in ("--set", f"{name}={value}")]
WORDS = [*OTHERS, "--set", f"min_confidence={KEEN['min_confidence']}", "--json"]


@pytest.fixture(scope="module")
def market(bot: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market, here and uploaded."""
    file = write_made(tmp_path_factory.mktemp("market"))
    uploaded = bot.cli("market", "upload", str(file), "--json")
    assert uploaded.returncode == 0, uploaded.stderr
    assert json.loads(uploaded.stdout)["market"] == MARKET
    return file


def test_a_backtest_there_reports_what_one_here_does_to_the_byte(bot: Deployed, market: Path) -> None:
    there = bot.cli("backtest", "--remote", MARKET, *WORDS)
    here = bot.cli("backtest", "--market", str(market), *WORDS)

    assert (there.returncode, here.returncode) == (0, 0), there.stderr + here.stderr
    assert there.stdout == here.stdout
    assert json.loads(there.stdout)["trades"]


def test_a_sweep_there_reports_what_one_here_does_to_the_byte(bot: Deployed, market: Path) -> None:
    words = ["--grid", "min_confidence=0.55:0.75:0.1", *OTHERS, "--json"]
    there = bot.cli("sweep", "--remote", MARKET, *words)
    here = bot.cli("sweep", "--market", str(market), "--jobs", "1", *words)

    assert (there.returncode, here.returncode) == (0, 0), there.stderr + here.stderr
    assert there.stdout == here.stdout
    assert json.loads(there.stdout)["tried"] == 3


def test_what_is_typed_wrong_says_the_same_there_as_here(bot: Deployed, market: Path) -> None:
    for wrong in (["--set", "risk_tolerance=2"], ["--from", "yesterday"], ["--set", "mode=live"]):
        there = bot.cli("backtest", "--remote", MARKET, *wrong)
        here = bot.cli("backtest", "--market", str(market), *wrong)
        assert (there.returncode, here.returncode) == (2, 2)
        assert there.stderr == here.stderr != ""


def test_a_market_is_not_replaced_unless_it_is_asked_for(bot: Deployed, market: Path) -> None:
    again = bot.cli("market", "upload", str(market))
    assert again.returncode == 2
    assert "--force replaces it" in again.stderr
    assert bot.cli("market", "upload", str(market), "--force").returncode == 0


def test_the_bucket_is_private_encrypted_and_forgets_results(bot: Deployed) -> None:
    s3, name = bot.aws("s3"), bot.outputs["BucketName"]

    blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert [(r["Filter"]["Prefix"], r["Expiration"]["Days"]) for r in rules if "Expiration" in r] == [("results/", 30)]
