"""Fitted models for tests that need one: what they say of their worth is stated, not measured."""

from typing import Any

from heisenbug.domain.model import Model, Worth


def model(kind: str = "drift", **changes: Any) -> Model:
    """A model that beat the baseline, of one weight 1 unless told."""
    told = {
        "kind": kind,
        "weights": (1.0,),
        "lags": () if kind == "drift" else (1,),
        "variance_ratio": 1.0,
        "window": 120,
        "horizon": 60,
        "sample_seconds": 60,
        "assets": ("BTC", "ETH"),
        "begin": "2025-01-01T00:00:00Z",
        "end": "2025-02-01T00:00:00Z",
        "samples": 44640,
        "worth": Worth(0.20, 0.60, 1000),
        "baseline": Worth(0.21, 0.61, 1000),
        "p_value": 0.01,
    }
    return Model(**{**told, **changes})
