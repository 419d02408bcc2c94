"""Custom resource: random tokens as SSM SecureStrings, made once, kept at every update, deleted with the stack."""

import json
import logging
import secrets
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

TOKEN_BYTES = 32

for talkative in ("botocore", "urllib3"):  # their debug lines hold what is sent
    logging.getLogger(talkative).setLevel(logging.INFO)
ssm = boto3.client("ssm")


def handler(event: dict[str, Any], context: object) -> None:
    """Do what CloudFormation asks and answer it: it waits until told, a failure included, and is never told a token."""
    try:
        carry_out(event["RequestType"], event["ResourceProperties"]["Names"])
        failure = None
    except (ClientError, BotoCoreError) as error:
        failure = f"The tokens could not be stored or deleted: {error}. Mend the cause, then deploy again."
    send(event["ResponseURL"], reply(event, failure))


def carry_out(request: str, names: list[str]) -> None:
    """Delete the parameters when the stack goes; otherwise make those that are missing and keep the others."""
    if request == "Delete":
        ssm.delete_parameters(Names=names)
        return
    for name in names:
        make_once(name, secrets.token_urlsafe(TOKEN_BYTES))


def make_once(name: str, token: str) -> None:
    """Store the token unless the parameter already holds one."""
    try:
        ssm.put_parameter(Name=name, Value=token, Type="SecureString", Description="Token of the bot's APIs.")
    except ssm.exceptions.ParameterAlreadyExists:
        print(json.dumps({"message": "token kept", "parameter": name}))


def reply(event: dict[str, Any], failure: str | None) -> dict[str, str]:
    """What CloudFormation wants to hear; the identity never changes, so that no update replaces the tokens."""
    return {
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": failure or "",
        "PhysicalResourceId": event.get("PhysicalResourceId", "tokens"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }


def send(url: str, answer: dict[str, str]) -> None:
    """PUT the answer to the presigned address; it was signed without a content type, so an empty one is sent."""
    request = urllib.request.Request(url, json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")  # noqa: S310
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 (the address comes from CloudFormation)
