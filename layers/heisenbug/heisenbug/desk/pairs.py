"""The pairs that may be traded: shown, put in, taken out."""

from typing import Any

from heisenbug.desk.known import Known, Plain
from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.configuration import check_sides
from heisenbug.domain.errors import FieldError, InvalidSettings, NotFound
from heisenbug.domain.rules import BadValue, Flag
from heisenbug.store.trading_pair import PRIORITY


class PairsDesk:
    """The table of pairs."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def all(self) -> Plain:
        """Every pair, enabled or not."""
        return {"pairs": [_pair(trading) for trading in self._known.pairs.all()]}

    def put(self, name: str, enabled: Any = True, priority: Any = 50) -> Plain:
        """Add a pair or change it; raises InvalidSettings, also where the settings do not fit it."""
        errors: list[FieldError] = []
        for field, rule, value in (("enabled", Flag(), enabled), ("priority", PRIORITY, priority)):
            try:
                rule.check(value)
            except BadValue as bad:
                errors.append(FieldError(field, f"{field} {bad}"))
        try:
            pair = Pair.parse(name)
        except ValueError as bad:
            errors.append(FieldError("pair", str(bad)))
        if errors:
            raise InvalidSettings(errors)
        if enabled:
            check_sides(self._known.told()[0].settings, {pair.base, pair.quote}, self._known.venue)
        trading = TradingPair(pair, enabled, int(priority))
        self._known.pairs.put(trading)
        return _pair(trading)

    def remove(self, name: str) -> Plain:
        """Take a pair out; raises NotFound."""
        known = {str(trading.pair): trading for trading in self._known.pairs.all()}
        if name not in known:
            raise NotFound(f"There is no pair {name}; there are {', '.join(sorted(known)) or 'none'}.")
        self._known.pairs.remove(known[name].pair)
        return {"removed": name}


def _pair(trading: TradingPair) -> Plain:
    return {"pair": str(trading.pair), "enabled": trading.enabled, "priority": trading.priority}
