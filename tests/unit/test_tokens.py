"""The custom resource that makes the tokens: once, never told to anybody, and gone with the stack."""

import json
import logging
from pathlib import Path
from typing import Any
from urllib.request import Request

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.lambdas import ADMIN, READER, load

NAMES = [ADMIN, READER]
URL = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answer?X-Amz-Signature=abc"


class Answers:
    """Stands in for the presigned address that CloudFormation waits at."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def __call__(self, request: Request, timeout: float) -> Any:
        self.requests.append(request)
        return self

    def close(self) -> None:
        """Nothing to close."""

    @property
    def newest(self) -> Any:
        """What CloudFormation heard last."""
        return json.loads(bytes(self.requests[-1].data or b""))  # type: ignore[arg-type]


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        function = load(monkeypatch, "tokens")
        monkeypatch.setattr(function.urllib.request, "urlopen", answers)
        yield function


def event(request: str, **more: Any) -> dict[str, Any]:
    """What CloudFormation sends."""
    return {
        "RequestType": request,
        "ResponseURL": URL,
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/heisenbug/1",
        "RequestId": "r1",
        "LogicalResourceId": "Tokens",
        "ResourceType": "Custom::Tokens",
        "ResourceProperties": {"ServiceToken": "arn", "Names": NAMES},
        **more,
    }


def stored() -> dict[str, str]:
    found = boto3.client("ssm").get_parameters(Names=NAMES, WithDecryption=True)["Parameters"]
    assert {parameter["Type"] for parameter in found} <= {"SecureString"}
    return {parameter["Name"]: parameter["Value"] for parameter in found}


def test_no_log_holds_a_token_whatever_its_level(
    tokens: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore").setLevel(logging.NOTSET)
    load(monkeypatch, "tokens").carry_out("Create", NAMES)
    logged = caplog.text
    assert not [token for token in stored().values() if token in logged]


def test_the_first_deploy_makes_two_long_different_tokens(tokens: Any, answers: Answers) -> None:
    tokens.handler(event("Create"), None)
    made = stored()
    assert set(made) == set(NAMES)
    assert len(set(made.values())) == 2
    assert min(map(len, made.values())) >= 43
    assert answers.newest["Status"] == "SUCCESS"


def test_a_later_deploy_keeps_them(tokens: Any, answers: Answers) -> None:
    tokens.handler(event("Create"), None)
    before = stored()
    tokens.handler(event("Update", PhysicalResourceId="tokens"), None)
    tokens.handler(event("Create"), None)
    assert stored() == before
    assert [answers.newest["Status"], len(answers.requests)] == ["SUCCESS", 3]


def test_a_missing_one_is_made_again_and_the_other_kept(tokens: Any) -> None:
    tokens.handler(event("Create"), None)
    before = stored()
    boto3.client("ssm").delete_parameter(Name=READER)
    tokens.handler(event("Update", PhysicalResourceId="tokens"), None)
    assert stored()[ADMIN] == before[ADMIN]
    assert stored()[READER] != before[READER]


def test_they_go_with_the_stack_even_where_they_are_gone_already(tokens: Any, answers: Answers) -> None:
    tokens.handler(event("Create"), None)
    for _ in range(2):
        tokens.handler(event("Delete", PhysicalResourceId="tokens"), None)
        assert answers.newest["Status"] == "SUCCESS"
    assert stored() == {}


def test_the_resource_keeps_its_identity_so_that_no_update_replaces_it(tokens: Any, answers: Answers) -> None:
    tokens.handler(event("Create"), None)
    identity = answers.newest["PhysicalResourceId"]
    tokens.handler(event("Update", PhysicalResourceId=identity), None)
    assert answers.newest["PhysicalResourceId"] == identity
    assert {answers.newest[name] for name in ("StackId", "RequestId", "LogicalResourceId")} == {
        event("Update")[name] for name in ("StackId", "RequestId", "LogicalResourceId")
    }


def test_nobody_is_told_a_token(tokens: Any, answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    tokens.handler(event("Create"), None)
    tokens.handler(event("Update", PhysicalResourceId="tokens"), None)
    said = capsys.readouterr().out + json.dumps([json.loads(bytes(r.data or b"")) for r in answers.requests])  # type: ignore[arg-type]
    assert not [token for token in stored().values() if token in said]


def test_the_answer_is_put_without_a_content_type_because_the_address_was_signed_so(
    tokens: Any, answers: Answers
) -> None:
    tokens.handler(event("Create"), None)
    [request] = answers.requests
    assert (request.get_method(), request.full_url) == ("PUT", URL)
    assert request.get_header("Content-type") == ""


def test_a_failure_is_answered_at_once_with_its_reason_and_what_to_do(
    tokens: Any, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not allowed"}}, "PutParameter")

    monkeypatch.setattr(tokens.ssm, "put_parameter", denied)
    tokens.handler(event("Create"), None)
    assert answers.newest["Status"] == "FAILED"
    assert "not allowed" in answers.newest["Reason"]
    assert "deploy again" in answers.newest["Reason"]


def test_the_function_brings_nothing_but_the_runtime() -> None:
    text = (Path(__file__).parents[2] / "functions" / "tokens" / "app.py").read_text()
    assert "heisenbug" not in text
    assert "powertools" not in text
