"""Which tests share a stack: a group is one process's, group by group as processes come free, the longest first."""

from pathlib import PurePath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

# What is not named is a group of its own.
GROUPS = {
    "bot": ("test_bot", "test_backtests", "test_notify", "test_stack", "test_restart"),
    "panel": (
        "test_panel",
        "test_panel_backtest",
        "test_panel_bad_input",
        "test_panel_trades",
        "test_sam_local_invoke",
    ),
    "live": ("test_live",),
}


def group_of(nodeid: str) -> str:
    """The group of a test, by its file."""
    file = PurePath(nodeid.partition("::")[0]).stem
    return next((name for name, files in GROUPS.items() if file in files), file)


def place_of(nodeid: str) -> int:
    """Where its group stands among the groups."""
    return [*GROUPS, group_of(nodeid)].index(group_of(nodeid))


class Grouped(LoadScopeScheduling):
    """Hands out a group at a time, in the order in which they were collected."""

    def __init__(self, config: Any, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
