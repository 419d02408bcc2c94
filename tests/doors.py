"""The HTTP API as API Gateway guards it: first the authorizer is asked, then the API with what that says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import base

from tests.lambdas import ADMIN, BUCKET, READER, Event, load, shelve_page

TOKENS = {"admin": "admin-token-of-43-characters", "reader": "reader-token-of-43-characters"}


@dataclass(frozen=True)
class Door:
    """Both functions as the gateway calls them."""

    authorizer: Callable[[Event, object], Event]
    api: Callable[[Event, object], Event]

    def __call__(self, event: Event, context: object) -> Event:
        told = self.authorizer({**event, "type": "REQUEST"}, None)
        assert told["isAuthorized"] is True
        request = {**event["requestContext"], "authorizer": {"lambda": told["context"]}}
        return self.api({**event, "requestContext": request}, context)


def guarded(api: Callable[[Event, object], Event], monkeypatch: pytest.MonkeyPatch) -> Door:
    """An API behind the authorizer, which knows the tokens."""
    for name, role in ((ADMIN, "admin"), (READER, "reader")):
        boto3.client("ssm").put_parameter(Name=name, Value=TOKENS[role], Type="SecureString")
    base.__dict__["DEFAULT_PROVIDERS"].clear()
    return Door(load(monkeypatch, "authorizer").handler, api)


def opened_door(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Door:
    """The API behind the authorizer, with its page and its bucket."""
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
    shelve_page(monkeypatch, folder)
    return guarded(load(monkeypatch, "api").handler, monkeypatch)
