"""What the template grants and keeps: the exchange's token for the trader alone, and only with LiveTrading=enabled; who
may reach the bucket; a sweep that leaves the trader its executions."""

import json
import re
import tomllib
from typing import Any

import pytest

from heisenbug import __version__
from heisenbug.backtests import QUEUE_SECONDS
from heisenbug.domain.notices import REMEMBERED_SECONDS
from heisenbug.domain.venue import VENUES
from heisenbug.sweeps import AT_ONCE, BATCH_SECONDS
from tests.template import ROOT, template

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
    own, *others = granted["Resource"]
    assert own["Sub"].endswith(":parameter${CredentialParameter}")
    assert [each["If"][0] for each in others] == ["HasOrderBooks"] * len(VENUES)
    ends = [each["If"][1]["Sub"].rpartition(":parameter")[2] for each in others]
    assert ends == [f"${{CredentialParameter}}/{name}" for name in VENUES]


def test_a_function_that_begins_invocations_of_itself_may_begin_no_other() -> None:
    roles = {role: granted["Resource"] for role, granted in statements_about("lambda:InvokeFunction")}
    for role, name in (("TraderRole", "trader"), ("RefitRole", "refit")):
        assert roles[role]["Sub"].endswith(f":function:${{AWS::StackName}}-{name}")


def test_live_trading_is_disabled_unless_somebody_deploys_it_otherwise() -> None:
    parameter = template()["Parameters"]["LiveTrading"]
    assert (parameter["Default"], set(parameter["AllowedValues"])) == ("disabled", {"disabled", "enabled"})


def test_no_role_may_read_every_parameter() -> None:
    for _, statement in statements_about("ssm:"):
        assert "parameter/*" not in json.dumps(statement)
        assert '"*"' not in json.dumps(statement)


def test_the_bucket_is_private_encrypted_asked_over_tls_alone_and_forgets_results_but_no_market() -> None:
    bucket = RESOURCES["Bucket"]
    told = bucket["Properties"]
    assert set(told["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = told["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    expiring = [rule for rule in told["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]
    assert [(rule["Prefix"], rule["Status"]) for rule in expiring] == [("results/", "Enabled")]
    assert bucket["DeletionPolicy"] == "Retain"
    policy = RESOURCES["BucketPolicy"]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert policy["Condition"] == "IsAws"
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_who_works_on_markets_may_reach_the_bucket_and_nobody_but_a_person_may_put_a_market_there() -> None:
    about = statements_about("s3:")
    assert {role for role, _ in about} == {"ApiRole", "BacktestRole"}
    written = [statement["Resource"] for _, statement in about if "s3:PutObject" in statement["Action"]]
    assert written == [{"Sub": "${Bucket.Arn}/results/*"}]
    assert not any("Delete" in action or "*" in action for _, statement in about for action in statement["Action"])


def test_a_sweep_leaves_the_trader_its_executions_waits_for_free_ones_and_outlives_what_fails() -> None:
    states = RESOURCES["SweepStateMachine"]["Properties"]["Definition"]["States"]
    share = states["Share"]
    assert share["MaxConcurrency"] == AT_ONCE <= 5
    assert share["ToleratedFailurePercentage"] == 100
    assert share["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Finish"}]
    run = share["ItemProcessor"]["States"]["Run"]
    for task in (run, states["Finish"]):
        assert "Lambda.TooManyRequestsException" in task["Retry"][0]["ErrorEquals"]


def test_a_job_waits_and_lasts_as_long_as_its_deadline_says() -> None:
    told = RESOURCES["BacktestFunction"]["Properties"]
    assert told["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": QUEUE_SECONDS}
    assert told["Timeout"] == BATCH_SECONDS


def test_no_address_has_a_limit_that_one_caller_could_use_up_for_all() -> None:
    assert "RouteSettings" not in RESOURCES["HttpApi"]["Properties"]
    events = [event["Properties"] for event in RESOURCES["ApiFunction"]["Properties"]["Events"].values()]
    assert "/api/session" not in {event["Path"] for event in events}


def test_the_api_may_count_the_dead_letters_and_touch_no_other_queue() -> None:
    (statement,) = [granted for role, granted in statements_about("sqs:") if role == "ApiRole"]
    assert statement["Action"] == ["sqs:GetQueueAttributes"]
    assert statement["Resource"] == [{"GetAtt": "DeadTicks.Arn"}, {"GetAtt": "DeadPushes.Arn"}]


def test_the_template_is_of_the_packages_version() -> None:
    told = RESOURCES["ApiFunction"]["Properties"]["Environment"]["Variables"]["TEMPLATE_VERSION"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert told == __version__ == project["version"]


def test_only_the_notify_function_may_read_what_telegram_takes_and_publish_to_the_topic() -> None:
    assert [role for role, _ in statements_about("/telegram")] == ["NotifyRole"]
    ((role, statement),) = statements_about("sns:")
    assert (role, statement["Action"], statement["Resource"]) == ("NotifyRole", ["sns:Publish"], {"Ref": "NotifyTopic"})


def test_what_clients_are_pushed_of_a_protection_a_person_is_told() -> None:
    events = [RESOURCES[name]["Properties"]["Events"] for name in ("BroadcastFunction", "NotifyFunction")]
    pushed, told = (event["State"]["Properties"]["FilterCriteria"] for event in events)
    assert pushed == told


def test_a_notice_is_remembered_for_longer_than_it_may_come_again() -> None:
    told = RESOURCES["NotifyFunction"]["Properties"]
    streams = [event["Properties"] for event in told["Events"].values() if event["Type"] == "DynamoDB"]
    ages = [stream["MaximumRecordAgeInSeconds"] for stream in streams]
    for age in (*ages, told["EventInvokeConfig"]["MaximumEventAgeInSeconds"]):
        assert age + told["Timeout"] < REMEMBERED_SECONDS


def test_nothing_that_is_told_comes_back_to_be_told() -> None:
    heard = RESOURCES["NotifyFunction"]["Properties"]["Events"]["Alarm"]["Properties"]["Topic"]
    said = RESOURCES["NotifyFunction"]["Properties"]["Environment"]["Variables"]["NOTIFY_TOPIC"]
    assert (heard, said) == ({"Ref": "AlarmTopic"}, {"Ref": "NotifyTopic"})


def test_nobody_is_mailed_or_texted_unless_somebody_deploys_an_address() -> None:
    for name in ("NotifyEmail", "NotifyPhone"):
        assert template()["Parameters"][name]["Default"] == ""
    for name, condition in (("NotifyMail", "HasNotifyEmail"), ("NotifySms", "HasNotifyPhone")):
        assert RESOURCES[name]["Condition"] == condition


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://api.telegram.org", True),
        ("http://127.0.0.1:8443", True),
        ("http://api.telegram.org", False),
        ("http://127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_the_token_goes_over_tls_or_nowhere(url: str, is_allowed: bool) -> None:
    pattern = template()["Parameters"]["TelegramUrl"]["AllowedPattern"]
    assert (re.fullmatch(pattern, url) is not None) == is_allowed
