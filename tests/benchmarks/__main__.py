"""`make bench`: every benchmark, as one table."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as template.yaml sets it; numpy reads it when it is imported

from cli.paths import home
from tests.benchmarks.backtests import backtests
from tests.benchmarks.believing import believing
from tests.benchmarks.deciding import deciding
from tests.benchmarks.importing import importing
from tests.benchmarks.pushing import pushing
from tests.benchmarks.scoring import scoring
from tests.benchmarks.sweeping import sweeping
from tests.benchmarks.ticking import ticking


def main() -> None:
    """Print each figure beside its goal."""
    print(f"{'what':<64} {'median':>10} {'goal':>12}")
    for benchmark in (scoring, deciding, backtests, sweeping, importing, ticking, pushing, believing):
        for figure in benchmark(home()):
            print(f"{figure.what:<64} {figure.value:>10.3f} {figure.goal:>12} {figure.unit}", flush=True)


if __name__ == "__main__":
    main()
