"""The API asked what nobody would think of: schemathesis goes through its document, with right and with wrong values.

No answer may be a failure of the server's, and each must be one that the document states: its status, kind and shape.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.engine import events, from_schema

DOCUMENT = Path(__file__).parents[1] / "web" / "openapi.json"
SEED = 7
# No schema can say that one time must be before another, or what a grid is: what it allows may still be refused.
NOT_CHECKED = "positive_data_acceptance"
Known = Mapping[str, Sequence[Any]]


@dataclass(slots=True)
class Figures:
    """How often each operation was asked, which have answered well, and every failure with how to make it again."""

    calls: Counter[str] = field(default_factory=Counter)
    well: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def see(self, event: Any) -> None:
        """Count what one event of a run tells."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.failures.append(str(getattr(event, "value", None) or getattr(event, "exception", event)))
        if isinstance(event, events.ScenarioFinished | events.FuzzScenarioFinished):
            self._count(event.recorder)
            self.failures += _failures(event.recorder)

    def _count(self, recorder: Any) -> None:
        for number, asked in recorder.interactions.items():
            operation = recorder.cases[number].value.operation.label
            self.calls[operation] += 1
            if asked.response is not None and asked.response.status_code < HTTPStatus.BAD_REQUEST:
                self.well.add(operation)


def fuzz(url: str, token: str, known: Known, examples: int, seconds: int | None = None) -> Figures:
    """Go through the document with this many examples of each operation, or until the seconds are over.

    `known` are values that mean something there, by the names of parameters and of fields.
    """
    told = {
        "seed": SEED,
        "base-url": url,
        "headers": {"Authorization": f"Bearer {token}"},
        "continue-on-failure": True,
        "checks": {NOT_CHECKED: {"enabled": False}},
        "generation": {"max-examples": examples, "deterministic": seconds is None},
        **({} if seconds is None else {"max-time": seconds}),
    }
    schema = schemathesis.openapi.from_dict(_knowing(known), config=schemathesis.Config.from_dict(told))
    figures = Figures()
    for event in from_schema(schema).execute():
        figures.see(event)
    return figures


def operations() -> set[str]:
    """Every operation of the document, as the figures name it."""
    return {found.ok().label for found in schemathesis.openapi.from_path(DOCUMENT).get_all_operations()}


def _knowing(known: Known) -> dict[str, Any]:
    """The document with what is known as its examples."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    fields = [(told["name"], told["schema"]) for operation in operations for told in operation["parameters"]]
    for shape in document["components"]["schemas"].values():
        fields += shape.get("properties", {}).items()
    for name, schema in fields:
        if name in known:
            schema["examples"] = list(known[name])
    return document


def _failures(recorder: Any) -> Iterator[str]:
    for checks in recorder.checks.values():
        for check in checks:
            if told := check.failure_info:
                yield f"{recorder.label}: {told.failure.title}: {told.failure.message}\n  {told.code_sample}"
