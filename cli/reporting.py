"""The report of a backtest as a file: where it may go, and how it gets there whole."""

from pathlib import Path
from tempfile import TemporaryFile

from cli.errors import CannotRun, Mistyped
from cli.paths import ROOT
from heisenbug.backtest.report.page import MARK, report_of
from heisenbug.backtest.summary import Figures
from heisenbug.markets.written import CannotWrite, check_folder, whole_or_not_at_all

LIBRARY = ROOT / "web" / "vendor" / "lightweight-charts.js"
SUFFIX = ".html"
# The mark of a report stands this far from its beginning at most.
BEGINNING = 2000


def check_report_place(path: Path) -> None:
    """Raise Mistyped or CannotRun where a report must not, or cannot, be written: before anything long begins."""
    try:
        check_folder(path)
        with TemporaryFile(dir=path.parent):
            pass
    except CannotWrite as bad:
        raise Mistyped(str(bad)) from bad
    except OSError as problem:
        raise Mistyped(f"{path} cannot be written ({problem.strerror}): name a file elsewhere.") from problem
    if path.suffix != SUFFIX:
        raise Mistyped(f"{path} is no name of a report: end it in {SUFFIX}.")
    if path.exists() and not _is_report(path):
        raise Mistyped(f"{path} is there already and is no report of a backtest: name another file.")
    if not LIBRARY.exists():
        raise CannotRun(f"{LIBRARY} is missing, and charts are drawn with it: `make vendor` fetches it.")


def write_report(figures: Figures, path: Path) -> None:
    """Write the report whole, or not at all; an older report of this name is replaced."""
    text = report_of(figures, LIBRARY.read_text("utf-8"))
    try:
        with whole_or_not_at_all(path, force=True) as file:
            file.write(text.encode())
    except CannotWrite as problem:
        raise CannotRun(str(problem)) from problem


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(BEGINNING)
    except OSError:
        return False
