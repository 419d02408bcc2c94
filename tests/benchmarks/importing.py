"""What a cold start of the trader costs before it does anything: its imports, from the layers as they are deployed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from cli.deploying import build
from cli.environments import build_environment, make_environments
from cli.paths import ROOT, Home
from tests.benchmarks.figures import Figure

RUNS = 9
LAYERS = ("HeisenbugLayer", "DependenciesLayer", "NumpyLayer")
TIMED = "import resource, {}; u = resource.getrusage(resource.RUSAGE_SELF); print((u.ru_utime + u.ru_stime) * 1000)"
NEEDED = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "TABLE_PREFIX": "bench-",
    "OPENBLAS_NUM_THREADS": "1",
}


def importing(home: Home) -> Iterator[Figure]:
    """A fresh process that imports the trader's handler, less one that imports nothing."""
    make_environments(home)
    build(home)
    whole = median(_cpu(home, "app") for _ in range(RUNS))
    bare = median(_cpu(home, "sys") for _ in range(RUNS))
    yield Figure("importing the trader in a fresh process, all of it", whole, "<= 450", "ms CPU")
    yield Figure("of which the interpreter alone", bare, "-", "ms CPU")
    layer = _layer_of_ccxt(home)
    # By pairs, one after the other: the difference is small beside what else happens on a machine.
    added = [_cpu(home, "app, ccxt.kraken", layer / "python") - _cpu(home, "app") for _ in range(RUNS)]
    yield Figure("what ccxt adds to it, in a deployment for Kraken", median(added), "<= 60", "ms CPU")
    size = sum(file.stat().st_size for file in layer.rglob("*") if file.is_file()) / 1e6
    yield Figure("its layer, unpacked", size, "<= 30", "MB")


def _layer_of_ccxt(home: Home) -> Path:
    """The layer as a deployment for a venue with order books has it."""
    folder = home.path / "bench-ccxt"
    shutil.rmtree(folder, ignore_errors=True)
    around = {**build_environment(home, home.python("functions")), "HEISENBUG_VENUE": "kraken"}
    command = ["make", "-s", "-C", str(ROOT / "layers" / "ccxt"), "build-CcxtLayer", f"ARTIFACTS_DIR={folder}"]
    subprocess.run(command, env=around, check=True, capture_output=True)
    return folder


def _cpu(home: Home, module: str, *more: Path) -> float:
    built = home.path / "build"
    path = [built / "TraderFunction", *(built / layer / "python" for layer in LAYERS), *more]
    environment = {**NEEDED, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [str(home.python("functions")), "-c", TIMED.format(module)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
