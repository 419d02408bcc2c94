"""What the template grants: the exchange's token to the trader alone, and to it only with LiveTrading=enabled."""

import json
from typing import Any

from tests.template import template

RESOURCES: dict[str, Any] = template()["Resources"]


def statements_about(word: str) -> list[tuple[str, Any]]:
    """Every statement of every role that speaks of `word`, by the role's name."""
    roles = {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::IAM::Role"}
    return [
        (name, statement)
        for name, properties in roles.items()
        for policy in properties.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if word in json.dumps(statement)
    ]


def test_only_the_trader_may_read_the_exchanges_token_and_only_with_live_trading_enabled() -> None:
    ((role, statement),) = statements_about("CredentialParameter")
    assert role == "TraderRole"
    assert set(statement) == {"If"}
    condition, granted, otherwise = statement["If"]
    assert (condition, granted["Action"], otherwise) == ("IsLive", ["ssm:GetParameter"], {"Ref": "AWS::NoValue"})
    assert granted["Resource"]["Sub"].endswith(":parameter${CredentialParameter}")


def test_live_trading_is_disabled_unless_somebody_deploys_it_otherwise() -> None:
    parameter = template()["Parameters"]["LiveTrading"]
    assert (parameter["Default"], set(parameter["AllowedValues"])) == ("disabled", {"disabled", "enabled"})


def test_no_role_may_read_every_parameter() -> None:
    for _, statement in statements_about("ssm:"):
        assert "parameter/*" not in json.dumps(statement)
        assert '"*"' not in json.dumps(statement)
