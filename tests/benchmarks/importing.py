"""What a cold start of the trader costs before it does anything: its imports, from the layers as they are deployed."""

import os
import subprocess
from collections.abc import Iterator
from statistics import median

from cli.deploying import build
from cli.environments import make_environments
from cli.paths import Home
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


def _cpu(home: Home, module: str) -> float:
    built = home.path / "build"
    path = [built / "TraderFunction", *(built / layer / "python" for layer in LAYERS)]
    environment = {**NEEDED, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [str(home.python("functions")), "-c", TIMED.format(module)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
