"""The environments a local run needs beside its own: the emulator's, the functions' and the build tool's."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cli.errors import CannotRun
from cli.paths import ROOT, Home

REQUIREMENTS = {name: ROOT / "local" / f"requirements-{name}.txt" for name in ("ministack", "functions", "sam")}


def make_environments(home: Home) -> None:
    """Make those that are not there or whose pins have changed, all at once."""
    with ThreadPoolExecutor(len(REQUIREMENTS)) as pool:
        list(pool.map(lambda name: _make(home, name), REQUIREMENTS))


def uv(home: Home) -> str:
    """The uv that the bootstrap found or installed."""
    known = home.path / "uv-path"
    found = known.read_text("utf-8").strip() if known.exists() else shutil.which("uv")
    if not found:
        raise CannotRun("uv is not there; `make up` installs it.")
    return found


def build_environment(home: Home, python: Path) -> dict[str, str]:
    """What `sam build` needs around it: its tools first on the PATH, and what the layers are built for."""
    version = subprocess.run(
        [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    path = os.pathsep.join([str(home.path / "sam" / "bin"), str(Path(uv(home)).parent), os.environ.get("PATH", "")])
    return {
        **os.environ,
        "PATH": path,
        "SAM_CLI_TELEMETRY": "0",
        "HEISENBUG_PYTHON": str(python),
        "HEISENBUG_PYTHON_VERSION": version,
        "HEISENBUG_PLATFORM": "host",
    }


def _make(home: Home, name: str) -> None:
    requirements, folder = REQUIREMENTS[name], home.path / name
    installed = folder / "requirements.txt"
    if home.python(name).exists() and installed.exists() and installed.read_bytes() == requirements.read_bytes():
        return
    python = (home.path / "python").read_text("utf-8").strip()
    _run(home, [uv(home), "venv", "-q", "--clear", "--python", python, str(folder)], name)
    install = [uv(home), "pip", "install", "-q", "--python", str(home.python(name)), "--require-hashes", "-r"]
    _run(home, [*install, str(requirements)], name)
    shutil.copy(requirements, installed)


def _run(home: Home, command: list[str], name: str) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CannotRun(f"The environment {name!r} could not be made ({last}); look at the network, then try again.")
