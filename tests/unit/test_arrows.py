"""Arrows point one way only, and every function finds in its layers what it imports."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template import ROOT, layers_of, template

PACKAGE = ROOT / "layers" / "heisenbug" / "heisenbug"
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each room may know of ours besides itself (architecture.md).
ROOMS = {
    "domain": set[str](),
    "exchange": {"domain"},
    "usage": set[str](),
    "store": {"domain", "usage"},
    "push": {"domain", "store", "usage"},
    "notifying": {"domain", "store", "exchange"},
}
IMPURE = {
    *("asyncio", "boto3", "botocore", "concurrent", "ctypes", "http", "io", "logging", "multiprocessing", "os"),
    *("pathlib", "pynamodb", "random", "requests", "secrets", "selectors", "shutil", "signal", "socket", "sqlite3"),
    *("ssl", "subprocess", "tempfile", "threading", "time", "urllib", "urllib3", "uuid"),
}
PURE_THIRD_PARTY = {"numpy"}
IMPURE_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "open", "input", "print", "hash"}
# What a requirement brings under other names.
PROVIDES = {
    "aws-lambda-powertools": {"aws_lambda_powertools"},
    "typing-extensions": {"typing_extensions"},
    "charset-normalizer": {"charset_normalizer"},
}
RUNTIME = {"boto3", "botocore"}


def imports(path: Path, package: str = "") -> Iterator[tuple[str, str]]:
    """Every module that a file imports, wherever it does so, with the names taken from it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide where an arrow points"
            yield from ((node.module or "", alias.name) for alias in node.names)


def room_of(module: str) -> str:
    """The first part below the package: a room, or a module of its own such as tick."""
    return module.split(".")[1] if "." in module else ""


def ours(path: Path) -> set[str]:
    found = set()
    for module, name in imports(path):
        if module == "heisenbug":
            found.add(name)
        elif module.startswith("heisenbug."):
            found.add(room_of(module))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_lies_downhill(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    if room in ROOMS:
        assert ours(path) - {room} <= ROOMS[room]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_functions_build_on_the_wiring(path: Path) -> None:
    assert "wiring" not in ours(path)


def test_only_the_wiring_and_the_log_read_the_environment() -> None:
    readers = {path.name for path in MODULES if re.search(r"\b(environ|getenv)\b", path.read_text())}
    assert readers <= {"wiring.py", "observing.py"}


DOMAIN = sorted((PACKAGE / "domain").rglob("*.py"))


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: path.stem)
def test_the_domain_can_reach_no_clock_no_socket_and_no_dice(path: Path) -> None:
    for module, _ in imports(path):
        top = module.split(".")[0]
        assert top not in IMPURE
        assert top == "heisenbug" or top in sys.stdlib_module_names or top in PURE_THIRD_PARTY
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in IMPURE_CALLS, f"{name}() on line {node.lineno}"
            assert "np.random" not in name, f"{name}() on line {node.lineno}"


def test_a_backtest_starts_without_the_tables_and_what_they_bring() -> None:
    rooms = "heisenbug.backtest.fast, heisenbug.backtest.summary, heisenbug.markets.recorded"
    code = f"import sys, {rooms}; print(*{{name.split('.')[0] for name in sys.modules}})"
    told = subprocess.run([sys.executable, "-c", code], env=at_home(), capture_output=True, text=True, check=True)
    assert not {"boto3", "botocore", "pynamodb", "requests", "urllib3"} & set(told.stdout.split())


def at_home() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}


def test_nothing_of_ours_reaches_out_of_the_package() -> None:
    tops = {module.split(".")[0] for path in MODULES for module, _ in imports(path)}
    assert not tops & {"cli", "local", "tests", "functions", "app"}


def functions() -> list[tuple[str, Path, set[str]]]:
    """Every function of the template: its name, the file of its handler, the folders of its layers."""
    resources = template()["Resources"]
    found = []
    for name, resource in resources.items():
        if resource["Type"] != "AWS::Serverless::Function" or "CodeUri" not in resource["Properties"]:
            continue
        properties = resource["Properties"]
        handler = properties.get("Handler", template()["Globals"]["Function"].get("Handler", "app.handler"))
        layers = {resources[layer]["Properties"]["ContentUri"].strip("/") for layer in layers_of(resource)}
        found.append((name, ROOT / properties["CodeUri"] / f"{handler.split('.')[0]}.py", layers))
    return found


def given_by(layer: str) -> set[str]:
    if layer == "layers/heisenbug":
        return {"heisenbug"}
    if layer == "web":
        return {"heisenbug_web"}
    names = re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / layer / "requirements.txt").read_text(), re.MULTILINE)
    return {module for name in names for module in PROVIDES.get(name, {name.replace("-", "_")})}


def reached(path: Path, seen: set[Path]) -> Iterator[tuple[Path, str]]:
    """Every import of a file and of all of ours that it brings along."""
    if path in seen:
        return
    seen.add(path)
    for module, name in imports(path):
        yield path, module.split(".")[0]
        for file in files_of(module, name):
            yield from reached(file, seen)


def files_of(module: str, name: str) -> list[Path]:
    if module.split(".")[0] != "heisenbug":
        return []
    base = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = [base.with_suffix(".py"), base / "__init__.py", base / f"{name}.py", base / name / "__init__.py"]
    return [candidate for candidate in candidates if candidate.exists()]


def test_every_function_of_the_template_has_its_handler() -> None:
    missing = [name for name, path, _ in functions() if not path.exists()]
    assert not missing


def test_every_function_finds_in_its_layers_whatever_it_imports_itself_or_through_ours() -> None:
    lacking = []
    for name, path, layers in functions():
        if not path.exists():
            continue
        own = {file.stem for file in path.parent.glob("*.py")}
        given = RUNTIME | own | set().union(*map(given_by, layers))
        for file, top in reached(path, set()):
            if top not in given and top not in sys.stdlib_module_names:
                lacking.append(f"{name}: {file.relative_to(ROOT)} imports {top}")
    assert not lacking


def test_functions_stay_small_enough_to_hold_no_rule() -> None:
    for _, path, _ in functions():
        if path.exists():
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef):
                    assert (node.end_lineno or 0) - node.lineno < 40, f"{path.name}: {node.name}"
