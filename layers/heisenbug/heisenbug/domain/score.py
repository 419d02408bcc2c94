"""The numbers of every conversion at once."""

from dataclasses import dataclass

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
    """P(standard normal <= z), by Abramowitz & Stegun 7.1.26, clipped to 0..1."""
    x = np.abs(z) / np.sqrt(2)
    t = 1 / (1 + _P * x)
    polynomial = t * (_A[0] + t * (_A[1] + t * (_A[2] + t * (_A[3] + t * _A[4]))))
    tail = polynomial * np.exp(-x * x) / 2
    probability: Floats = np.clip(np.where(z >= 0, 1 - tail, tail), 0, 1)
    return probability


def confidence_of(forecast: Forecast, cost: Floats) -> Floats:
    """P(net return over the horizon > 0); without any deviation: 1 where the return is above 0, else 0."""
    net = forecast.expected + np.log1p(-cost)
    certain = forecast.deviation <= 0
    z = net / np.where(certain, 1, forecast.deviation)
    return np.where(certain, np.where(net > 0, 1.0, 0.0), normal_cdf(z))


def expected_return_of(expected_log_return: Floats, cost: Floats) -> Floats:
    """Net expected return E = exp(mu)(1 - c) - 1, as a fraction."""
    return np.expm1(expected_log_return) * (1 - cost) - cost


def risk_of(volatility: Floats, confidence: Floats, expected_return: Floats) -> Floats:
    """Volatility per sample over confidence x expected return; infinite where nothing is gained."""
    gain = confidence * expected_return
    gains = gain > 0
    return np.where(gains, volatility / np.where(gains, gain, 1), np.inf)


def score(forecast: Forecast, volatility: Floats, cost: Floats) -> Scores:
    """The scores of all conversions; arrays are N x N over the same assets."""
    confidence = confidence_of(forecast, cost)
    expected_return = expected_return_of(forecast.expected, cost)
    risk = risk_of(volatility, confidence, expected_return)
    return Scores(cost, confidence, expected_return, risk, volatility, forecast.expected)
