"""`python -m tests.benchmarks.learners MARKET MARKET`: does machine learning forecast better than what is shipped?

Each learner is fitted on one recorded market and scored on the other, both ways, at 10 bp: the probability that a
conversion's net return is above 0. All see the same: the z-scores of the lagged returns and cost over deviation.
It installs scikit-learn into an environment of its own, which is thrown away.
"""

import subprocess
import sys
import tempfile
from itertools import permutations
from math import log1p
from pathlib import Path

import numpy as np

from cli.paths import home
from heisenbug.domain.model import Worth
from heisenbug.domain.prices import Floats
from heisenbug.domain.settings import DEFAULTS
from heisenbug.fitting.calibration import Outcomes, expected_calibration_error, reliability, worth
from heisenbug.fitting.fit import LAGS, outcomes, probabilities
from heisenbug.fitting.history import history_of, on_the_grid, prices_in
from heisenbug.fitting.learning import Learned, learn
from heisenbug.fitting.seen import Seen, look
from heisenbug.markets.recorded import read_market

HORIZONS = (15, 60)
WINDOW = 120
LOG_COST = log1p(-0.001)
MOST_ROWS = 100_000
LEARNERS = """
import os
import sys
os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = np.load(sys.argv[1])
learners = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)),
    "boosting": HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=100, max_leaf_nodes=15, min_samples_leaf=500, l2_regularization=1.0,
        early_stopping=False, random_state=7
    ),
}
told = {
    name: learner.fit(data["inputs"], data["came"]).predict_proba(data["asked"])[:, 1]
    for name, learner in learners.items()
}
np.savez(sys.argv[2], **told)
"""


def main(files: list[str]) -> None:
    """Print the table."""
    if len(files) != 2:
        sys.exit(__doc__)
    head = f"{'fitted on -> scored on':<44} {'H':>3} {'forecaster':<11}"
    print(f"{head} {'log-loss':>9} {'Brier':>9} {'ECE':>7} {'>= 0.7':>8} {'win':>6}")
    with tempfile.TemporaryDirectory() as folder:
        python = _environment(Path(folder))
        for first, second in permutations(map(Path, files)):
            for horizon in HORIZONS:
                told, came = _compared(_seen(first, horizon), _seen(second, horizon), horizon, python, Path(folder))
                for name, claims in told.items():
                    _tell(f"{_name(first)} -> {_name(second)}", horizon, name, claims, came)


def _compared(past: Seen, other: Seen, horizon: int, python: Path, folder: Path) -> tuple[dict[str, Floats], Outcomes]:
    """What each forecaster that learned from `past` claims of `other`, and what came."""
    learned = learn(past, horizon)
    shipped = {
        "zero_drift": probabilities(other, Learned(0 * learned.weights, learned.variance_ratio), LOG_COST).ravel(),
        "ridge": probabilities(other, learned, LOG_COST).ravel(),
    }
    inputs, came = _inputs(past), outcomes(past, LOG_COST).ravel()
    some = np.linspace(0, len(came) - 1, min(len(came), MOST_ROWS)).astype(np.int64)
    asked, told = folder / "asked.npz", folder / "told.npz"
    np.savez(asked, inputs=inputs[some], came=came[some], asked=_inputs(other))
    subprocess.run([python, "-c", LEARNERS, asked, told], check=True)
    with np.load(told) as answers:
        return {**shipped, **{name: answers[name] for name in answers.files}}, outcomes(other, LOG_COST).ravel()


def _inputs(seen: Seen) -> Floats:
    """Per conversion, then per reverse: the z-scores of its lagged returns, and cost over deviation."""
    lagged, deviation = seen.lagged[seen.known], seen.deviation[seen.known]
    cost = np.tile(LOG_COST / deviation, 2)
    return np.column_stack([np.concatenate([lagged, -lagged]), cost])


def _seen(file: Path, horizon: int) -> Seen:
    past = history_of(read_market(file), 60)
    return look(on_the_grid(past, prices_in("USD", past)[1]), WINDOW, horizon, LAGS)


def _environment(folder: Path) -> Path:
    """The interpreter of an environment with scikit-learn."""
    uv = home().path.joinpath("uv-path").read_text("utf-8").strip()
    python = folder / "learners" / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "learners"], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "numpy", "scikit-learn"], check=True)
    return python


def _tell(markets: str, horizon: int, name: str, claims: Floats, came: Outcomes) -> None:
    scores: Worth = worth(claims, came)
    error = expected_calibration_error(reliability(claims, came))
    sure = claims >= DEFAULTS.min_confidence
    won = f"{came[sure].mean():>6.3f}" if sure.any() else f"{'-':>6}"
    scored = f"{scores.log_loss:>9.5f} {scores.brier:>9.5f} {error:>7.4f} {sure.mean():>8.3%} {won}"
    print(f"{markets:<44} {horizon:>3} {name:<11} {scored}", flush=True)


def _name(file: Path) -> str:
    return file.name.removesuffix(".csv.gz")


if __name__ == "__main__":
    main(sys.argv[1:])
