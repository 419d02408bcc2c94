"""`make bench`: every benchmark, as one table."""

import sys
from pathlib import Path

from cli.paths import home
from tests.benchmarks.deciding import deciding
from tests.benchmarks.importing import importing
from tests.benchmarks.ticking import ticking


def main() -> None:
    """Print each figure beside its goal."""
    print(f"{'what':<64} {'median':>10} {'goal':>10}")
    for benchmark in (deciding, importing, ticking):
        for figure in benchmark(home()):
            print(f"{figure.what:<64} {figure.value:>10.3f} {figure.goal:>10} {figure.unit}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
