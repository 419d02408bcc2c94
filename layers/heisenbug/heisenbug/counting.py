"""The one meter of a process, and the handlers that it counts."""

import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from heisenbug.store.usage import add_usage
from heisenbug.usage.meter import Handler
from heisenbug.usage.metering import METER

sys.stdout = METER.listen(sys.stdout)


def counted(function: str) -> Callable[[Handler], Handler]:
    """Let a handler be counted as this function; what goes wrong with counting stops nothing."""

    def counts(handler: Handler) -> Handler:
        @wraps(handler)
        def run(event: dict[str, Any], context: Any) -> Any:
            try:
                return METER.run(handler, event, context)
            finally:
                if METER.due():
                    _tell(function)

        return run

    return counts


def _tell(function: str) -> None:
    counts = METER.taken()
    try:
        add_usage(time.time(), function, counts)
    except Exception as error:
        METER.give_back(counts)
        print(f'{{"level":"WARNING","message":"usage was not told; it is told later","error":{str(error)!r}}}')
