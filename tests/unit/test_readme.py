"""What the README and the documents say is what there is: settings, commands, addresses, samples and links."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.main import command_line
from heisenbug.domain.settings import describe
from tests.template import ROOT, template

README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
HEADING = "| setting | default | allowed | meaning |\n|---|---|---|---|"


def settings_table() -> str:
    """The README's table of settings, as it must be."""
    return "\n".join([HEADING, *(row(name, rule) for name, rule in describe().items())])


def row(name: str, rule: dict[str, Any]) -> str:
    """One setting's row."""
    allowed = rule["must"].removeprefix(f"{name} must be ").removesuffix(".")
    return f"| `{name}` | {_shown(rule['default'])} | {allowed} | {rule['description']} |"


def _shown(default: Any) -> str:
    if default is None:
        return "nothing"
    if isinstance(default, bool | str):
        return str(default).lower() if isinstance(default, bool) else default
    return json.dumps(default) if isinstance(default, dict | list) else f"{default:g}"


def said(pattern: str) -> Iterator[str]:
    """All that the documents say that looks like this."""
    for document in DOCUMENTS:
        yield from re.findall(pattern, document.read_text())


def test_the_table_of_settings_is_the_one_that_all_surfaces_use() -> None:
    assert settings_table() in README.read_text(), "the table must be:\n" + settings_table()


def test_every_command_that_is_named_exists() -> None:
    known = set(typer.main.get_command(command_line()).commands)  # type: ignore[attr-defined]
    named = set(said(r"(?:`|bin/|\n|\(|=aws )heisenbug ([a-z][a-z-]*)"))

    assert named <= known
    assert known - {"clean", "exchange"} <= named


def test_every_address_that_is_named_exists_and_every_one_that_exists_is_named() -> None:
    document = json.loads((ROOT / "web" / "openapi.json").read_text())
    known = {*document["paths"], "/api/openapi.json", "/api/docs"}
    named = {path.rstrip("/") for path in said(r"(/api/[a-z{][a-z{}/.-]*)")}

    assert named == known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())

    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def test_every_document_is_linked_from_the_readme() -> None:
    text = README.read_text()

    assert [document.name for document in DOCUMENTS[1:] if f"(docs/{document.name})" not in text] == []


def test_every_sample_is_named() -> None:
    text = README.read_text()

    assert [file.stem for file in (ROOT / "events").glob("*.json") if f"`{file.stem}`" not in text] == []


def test_every_alarm_and_every_parameter_is_named() -> None:
    text = "".join(document.read_text() for document in DOCUMENTS)
    alarms = {name for name, r in template()["Resources"].items() if r["Type"] == "AWS::CloudWatch::Alarm"}

    assert [name for name in (*alarms, *template()["Parameters"]) if name not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_no_document_names_a_place_on_somebodys_computer(document: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|work|Users)/\S*", document.read_text()) == []
