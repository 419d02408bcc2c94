"""The first step of `make up`: a working Python is found by trying, never by its name."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bootstrap(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it for an environment without packages in a home of its own."""
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    around = {**os.environ, "HEISENBUG_HOME": str(tmp_path / "home"), "PYTHON": "", **environment}
    command = ["/bin/sh", str(ROOT / "local" / "bootstrap.sh"), str(empty), "probe"]
    return subprocess.run(command, env=around, capture_output=True, text=True, timeout=120, check=False)


def shim(folder: Path, name: str) -> None:
    """A name on the PATH whose interpreter is not installed."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n")
    (folder / name).chmod(0o755)


def test_a_shim_that_fails_is_passed_over(tmp_path: Path) -> None:
    shim(tmp_path / "bin", "python3.13")

    done = bootstrap(tmp_path, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    assert done.returncode == 0, done.stderr
    chosen = (tmp_path / "home" / "python").read_text().strip()
    assert subprocess.run([chosen, "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\n"
    made = tmp_path / "home" / "probe" / "bin" / "python"
    told = subprocess.run(
        [made, "-c", "import heisenbug; print(heisenbug.__version__)"], capture_output=True, check=True
    )
    assert told.stdout


@pytest.mark.skipif(Path("/usr/local/bin/python3").exists(), reason="a Python outside the PATH is found by its place")
def test_without_any_working_python_one_sentence_says_the_way_out(tmp_path: Path) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14", "python"):
        shim(tmp_path / "bin", name)
    for name in ("dirname", "mkdir", "cat"):
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")

    done = bootstrap(tmp_path, PATH=str(tmp_path / "bin"), HOME=str(tmp_path))

    assert done.returncode != 0
    assert "No working Python 3.11 to 3.14" in done.stderr
    assert "make up PYTHON=" in done.stderr
