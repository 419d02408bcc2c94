"""What a sweep comes to: all its rows, the best in sample, and how little that may mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from heisenbug.backtest.sweep import Part, Row


@dataclass(frozen=True, slots=True)
class Table:
    """The rows by their score in sample, best first, those that could not be run last.

    `tried` counts the configurations that were run, `traded` those that traded in sample. `best` is None where none
    traded; `as_good` counts the rows that share its score in sample. `rank` is its place by score out of sample, 1 the
    best of all tried; the more were tried, the more of a best score in sample is luck, and the rank shows how much of
    it lasted. `gained` counts the rows that ended above doing nothing out of sample.
    """

    rows: Sequence[Row]
    tried: int
    failed: int
    traded: int
    best: Row | None
    as_good: int
    rank: int | None
    gained: int

    def plain(self) -> Mapping[str, Any]:
        """The table as JSON carries it."""
        return asdict(self)


def table_of(rows: Iterable[Row]) -> Table:
    """The rows in their order, whatever order they came in; equal scores keep the order of the grid."""
    numbered = sorted(rows, key=lambda row: row.number)
    run = [(row, row.in_sample, row.out_of_sample) for row in numbered if row.in_sample and row.out_of_sample]
    run.sort(key=lambda each: -each[1].score)
    traded = sum(part.trades > 0 for _, part, _ in run)
    best, inside, outside = run[0] if traded else (None, None, None)
    ordered = [row for row, _, _ in run]
    return Table(
        [*ordered, *(row for row in numbered if row.error)],
        len(run),
        len(numbered) - len(run),
        traded,
        best,
        sum(part.score == inside.score for _, part, _ in run) if inside else 0,
        _rank(outside, [part for _, _, part in run]) if outside else None,
        sum(part.score > 0 for _, _, part in run),
    )


def _rank(part: Part, parts: Sequence[Part]) -> int:
    return 1 + sum(other.score > part.score for other in parts)
