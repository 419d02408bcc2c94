"""The numbers of every conversion at once."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from heisenbug.domain.forecasters import Forecast
from heisenbug.domain.prices import Floats

# Abramowitz & Stegun 7.1.26: |error| < 1.5e-7
_P = 0.3275911
_A = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


@dataclass(frozen=True, slots=True)
class Scores:
    """Per conversion i -> j (N x N, fractions): all-in cost, P(net return > 0), net expected return and risk score."""

    cost: Floats
    confidence: Floats
    expected_return: Floats
    risk: Floats
    volatility: Floats
    expected_log_return: Floats


def normal_cdf(z: Floats) -> Floats:
    """P(standard normal <= z), by Abramowitz & Stegun 7.1.26, within 0..1."""
    x = np.abs(z)
    x *= sqrt(0.5)
    t = _P * x
    t += 1
    np.reciprocal(t, out=t)
    tail = _A[4] * t
    for coefficient in _A[3::-1]:
        tail += coefficient
        tail *= t
    x *= -x
    tail *= np.exp(x, out=x)
    tail *= -0.5
    tail += 0.5
    probability: Floats = np.copysign(tail, z, out=tail)
    probability += 0.5
    return probability


def confidence_of(forecast: Forecast, cost: Floats) -> Floats:
    """P(net return over the horizon > 0); without any deviation: 1 where the return is above 0, else 0."""
    net = np.negative(cost)
    np.log1p(net, out=net)
    net += forecast.expected
    still = forecast.deviation <= 0
    still &= net <= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        net /= forecast.deviation
    net[still] = -np.inf
    return normal_cdf(net)


def expected_return_of(expected_log_return: Floats, cost: Floats) -> Floats:
    """Net expected return E = exp(mu)(1 - c) - 1, as a fraction."""
    expected = np.expm1(expected_log_return)
    kept = 1 - cost
    expected *= kept
    expected -= cost
    return expected


def risk_of(volatility: Floats, confidence: Floats, expected_return: Floats) -> Floats:
    """Volatility per sample over confidence x expected return; infinite where nothing is gained."""
    risk = confidence * expected_return
    np.maximum(risk, 0, out=risk)
    nothing = volatility <= 0
    nothing &= risk <= 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        np.divide(volatility, risk, out=risk)
    risk[nothing] = np.inf
    return risk


def score(forecast: Forecast, volatility: Floats, cost: Floats) -> Scores:
    """The scores of all conversions; arrays are N x N over the same assets."""
    confidence = confidence_of(forecast, cost)
    expected_return = expected_return_of(forecast.expected, cost)
    risk = risk_of(volatility, confidence, expected_return)
    return Scores(cost, confidence, expected_return, risk, volatility, forecast.expected)
