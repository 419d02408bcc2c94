"""Backtests and sweeps over HTTP: begun, looked at, and what they report."""

import secrets

import answering
from answering import Answer, Plain
from parameters import LIMIT
from reading import Request
from routing import Access, Office, Routes

from heisenbug.wiring import now

LONGEST_ID = 100

routes = Routes()


@routes.add("GET", "/api/markets", "Markets")
def markets(office: Office, request: Request) -> Plain:
    """The markets that were uploaded for backtests, by name."""
    return {"markets": office.backtests.markets()}


@routes.add("GET", "/api/backtests", "Backtests", LIMIT)
def backtests(office: Office, request: Request) -> Plain:
    """The newest backtests, newest first."""
    return office.backtests.newest(request.number(LIMIT))


@routes.add("GET", "/api/backtests/{job}", "Backtest")
def backtest(office: Office, request: Request) -> Plain:
    """A backtest as it stands: its state, how far it is, and its figures once it is done."""
    return office.backtests.job(request.named["job"][:LONGEST_ID])


@routes.add("GET", "/api/backtests/{job}/report", "BacktestReport")
def backtest_report(office: Office, request: Request) -> Answer:
    """All that a backtest that is done reports: its figures, its trades and its curves."""
    return answering.text(office.backtests.report(request.named["job"][:LONGEST_ID]))


@routes.add("GET", "/api/backtests/{job}/curves", "BacktestCurves")
def backtest_curves(office: Office, request: Request) -> Answer:
    """Worth and drawdown over time of a backtest that is done, of holding and of doing nothing, in few points."""
    return answering.text(office.backtests.curves(request.named["job"][:LONGEST_ID]))


@routes.add("GET", "/api/sweeps", "Sweeps", LIMIT)
def sweeps(office: Office, request: Request) -> Plain:
    """The newest sweeps, newest first."""
    return office.sweeps.newest(request.number(LIMIT))


@routes.add("GET", "/api/sweeps/{job}", "Sweep")
def sweep(office: Office, request: Request) -> Plain:
    """A sweep as it stands: its state, how many of its configurations were run, and its figures once it is done."""
    return office.sweeps.job(request.named["job"][:LONGEST_ID])


@routes.add("GET", "/api/sweeps/{job}/report", "SweepReport")
def sweep_report(office: Office, request: Request) -> Answer:
    """All that a sweep that is done reports: the row of every configuration, the best in sample first."""
    return answering.text(office.sweeps.report(request.named["job"][:LONGEST_ID]))


@routes.add("POST", "/api/backtests", "Backtest", access=Access.ADMIN, sends="BacktestWish", status=202)
def post_backtest(office: Office, request: Request) -> Plain:
    """Begin a backtest of a market that was uploaded; ask for it by its id until it is done."""
    return office.backtests.ask(request.sent(), _job_id())


@routes.add("POST", "/api/sweeps", "Sweep", access=Access.ADMIN, sends="SweepWish", status=202)
def post_sweep(office: Office, request: Request) -> Plain:
    """Begin a sweep over a market that was uploaded: every configuration of a grid, in sample and out of it."""
    return office.sweeps.ask(request.sent(), _job_id())


def _job_id() -> str:
    """An id that sorts by time."""
    return f"{now():%Y%m%dT%H%M%S.%f}"[:-3] + f"-{secrets.token_hex(3)}"
