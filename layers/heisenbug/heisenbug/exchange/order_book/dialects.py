"""The venues with order books that this bot knows."""

from collections.abc import Mapping

from heisenbug.exchange.order_book.binance import Binance
from heisenbug.exchange.order_book.coinbase import Coinbase
from heisenbug.exchange.order_book.dialect import Dialect
from heisenbug.exchange.order_book.kraken import Kraken

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (Kraken(), Coinbase(), Binance())}
