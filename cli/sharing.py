"""The configurations of a sweep, shared out among processes that each know the market."""

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context

from cli.errors import CannotRun
from heisenbug.backtest.sweep import Row, Sweep, failed_row


class Worker:
    """What a process that runs configurations knows; it is told once, when it begins."""

    sweep: Sweep


def rows_of(sweep: Sweep, jobs: int) -> Iterator[Row]:
    """The row of every configuration, as they get ready; where this is ended early, so are the processes.

    Raises CannotRun where a process was ended from outside.
    """
    windows = {number: sweep.grid.point(number).get("window", 0) for number in range(len(sweep.grid))}
    numbers = sorted(windows, key=lambda number: windows[number])  # those of one window share what they look at
    pool = ProcessPoolExecutor(min(jobs, len(numbers)), get_context("spawn"), _begin, (sweep,))
    try:
        asked = {pool.submit(_row, number): number for number in numbers}
        for done in as_completed(asked):
            yield _answer(done, sweep, asked[done])
    except BrokenProcessPool as broken:
        raise CannotRun(
            "A process that ran configurations was ended, mostly for want of memory; nothing was written. "
            "Try fewer (--jobs 1), or a shorter part of the market (--from, --to)."
        ) from broken
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in active_children():
            process.terminate()
            process.join()


def _begin(sweep: Sweep) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked is interrupted, and ends us
    Worker.sweep = sweep


def _row(number: int) -> Row:
    return Worker.sweep.row(number)


def _answer(done: Future[Row], sweep: Sweep, number: int) -> Row:
    """The row; a configuration that failed has its reason for one, and does not end the others."""
    failure = done.exception()
    if failure is None:
        return done.result()
    if isinstance(failure, BrokenProcessPool):
        raise failure
    return failed_row(number, sweep.grid.point(number), failure)
