"""What the tests of the panel share: one browser a module, and a new visitor a test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import Visit, opened_browser, visiting
from tests.e2e.conftest import Deployed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all visits of a module."""
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, bot: Deployed) -> Iterator[Visit]:
    """A visitor at a desk."""
    with visiting(browser, bot) as begun:
        yield begun
