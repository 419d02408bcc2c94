"""What a person states of a trade that nobody else knows the end of: typed in full, understood or refused."""

import re
from decimal import Decimal
from typing import Any

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import shown
from heisenbug.domain.trade import Filled, Settlement, Trade

_AMOUNT = r"(\d{1,15}(?:\.\d{1,18})?)"
_EXECUTED = re.compile(rf"executed {_AMOUNT} (\w{{2,10}}) for {_AMOUNT} (\w{{2,10}})", re.ASCII)
FAILED = "failed, nothing moved"


def stated(trade: Trade, statement: Any) -> Filled:
    """The outcome that `statement` gives to `trade`; raises InvalidSettings saying what may be typed."""
    if statement == FAILED:
        return Filled(Settlement.FAILED, trade.amount, trade.amount * 0)
    match = _EXECUTED.fullmatch(statement) if isinstance(statement, str) else None
    if match is None or (match[2], match[4]) != (trade.source, trade.target):
        raise _refused(trade, shown(statement))
    amount, received = Decimal(match[1]), Decimal(match[3])
    if not 0 < amount <= trade.amount or received <= 0:
        raise _refused(trade, f"one over {amount} {trade.source}")
    return Filled(Settlement.COMPLETED, amount, received)


def may_be_typed(trade: Trade) -> str:
    """The statements that are understood for `trade`, as words."""
    receives = trade.quote.receives if trade.quote else Decimal(1)
    return f"'executed {trade.amount:f} {trade.source} for {receives:f} {trade.target}' or '{FAILED}'"


def _refused(trade: Trade, instead: str) -> InvalidSettings:
    message = (
        f"statement must be typed in full, {may_be_typed(trade)}, with the amounts that Uphold's own list shows "
        f"(at most {trade.amount:f} {trade.source}), not {instead}."
    )
    return InvalidSettings([FieldError("statement", message)])
