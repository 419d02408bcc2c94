"""What all tests share: properties that draw the same examples every time, and tables that live in this process."""

import os
from collections.abc import Iterator
from functools import cache

# Whose kernels add numbers up decides on their last digit: this shell's choice would not be that of the functions.
for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
    del os.environ[name]

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from heisenbug.usage.metering import METER
from tests.tables import Cloud, cloud

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# Every session of botocore reads the same megabytes of JSON, longer than most tests take: once a process will do.
botocore.session.create_loader = cache(botocore.session.create_loader)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The ten tables as template.yaml defines them, empty, in memory."""
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(METER, "due", lambda: False)  # which test is a process's first must make no difference
    with cloud() as opened:
        yield opened
