"""Heisenbug: scores every possible conversion, trades only when it pays after all costs, and can be believed."""

__version__ = "0.1.0"
