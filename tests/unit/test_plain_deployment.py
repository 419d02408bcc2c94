"""A plain deployment neither builds nor ships nor imports ccxt; one for a venue with order books does all three."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from heisenbug.domain.venue import VENUES
from tests.template import ROOT, layers_of, template

RESOURCES = template()["Resources"]
BOOKS = frozenset({"HasOrderBooks"})
WIRED = """
import json, sys
from heisenbug.wiring import Wiring
Wiring({environment!r})
print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] in ("ccxt", "cryptography"))))
"""


def packages_of(function: str, holding: frozenset[str] = frozenset()) -> set[str]:
    """Every package in the layers of a function."""
    folders = [ROOT / RESOURCES[layer]["Properties"]["ContentUri"] for layer in layers_of(RESOURCES[function], holding)]
    pins = [(folder / "requirements.txt").read_text() for folder in folders if (folder / "requirements.txt").exists()]
    return {name for text in pins for name in re.findall(r"^([A-Za-z0-9_.-]+)==", text, re.MULTILINE)}


def built(folder: Path, venue: str | None) -> set[str]:
    """What the layer consists of where it is built for `venue`, by the names at its top."""
    around = {name: value for name, value in os.environ.items() if not name.startswith("HEISENBUG_")}
    told = {} if venue is None else {"HEISENBUG_VENUE": venue}
    command = ["make", "-s", "-C", str(ROOT / "layers" / "ccxt"), "build-CcxtLayer", f"ARTIFACTS_DIR={folder}"]
    subprocess.run(command, env={**around, **told}, check=True, capture_output=True)
    return {path.name for path in (folder / "python").iterdir()}


def imported(**environment: str) -> set[str]:
    """What a trader's wiring has imported of ccxt and what comes with it, in a process of its own."""
    around = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": f"{ROOT / 'layers' / 'heisenbug'}"}
    script = WIRED.format(environment=environment)
    done = subprocess.run([sys.executable, "-c", script], env=around, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_no_function_of_a_plain_deployment_has_ccxt_and_the_trader_of_another_has() -> None:
    functions = [name for name, each in RESOURCES.items() if each["Type"] == "AWS::Serverless::Function"]
    assert not any({"ccxt", "cryptography"} & packages_of(name) for name in functions)
    assert [name for name in functions if "ccxt" in packages_of(name, BOOKS)] == ["TraderFunction"]


def test_the_layer_is_only_deployed_for_a_venue_with_order_books() -> None:
    assert RESOURCES["CcxtLayer"]["Condition"] == "HasOrderBooks"
    assert template()["Conditions"]["HasOrderBooks"] == {"Not": [{"Equals": [{"Ref": "VenueName"}, "uphold"]}]}
    parameter = template()["Parameters"]["VenueName"]
    assert parameter["Default"] == "uphold"
    assert [name for name in parameter["AllowedValues"] if not VENUES[name].has_books] == ["uphold"]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_a_plain_build_has_nothing_of_ccxt_in_its_place(tmp_path: Path) -> None:
    assert built(tmp_path, None) == built(tmp_path, "uphold") == {"nothing.txt"}


def test_a_plain_trader_imports_nothing_of_it_even_where_it_is_installed() -> None:
    assert imported(VENUE="uphold") == set()
    assert "ccxt.kraken" in imported(VENUE="kraken")
