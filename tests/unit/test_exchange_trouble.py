"""Trouble on the account's routes: every kind, what it leaves behind, and how plans are written and followed."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.account import card_id
from local.answers import Answer, Request
from local.books import Status
from local.trouble import FITS, Chance, Mishap, Step, Trouble, TroublePlan
from local.trouble_orders import InvalidTrouble, plan_body, plan_from, plan_from_text
from tests.exchanges import NOW, Trader, body_of, list_of, trader

EVERY = [(step, kind) for step in Step for kind in sorted(FITS[step])]
USD, BTC = card_id("USD"), card_id("BTC")


@pytest.fixture
def somebody() -> Trader:
    return trader()


def request(somebody: Trader, step: Step) -> Answer:
    """One request of that step, whose way there is well."""
    match step:
        case Step.QUOTE:
            return somebody.quote("USD", "BTC", "100", reference="hb-1")
        case Step.COMMIT:
            return somebody.commit(somebody.offered("USD", "BTC", "100", reference="hb-1"))
        case Step.READ:
            quote = somebody.offered("USD", "BTC", "1", reference="hb-1")
            somebody.commit(quote)
            return somebody.read(quote)
    paths = {Step.TICKER: "/v0/ticker", Step.ASSETS: "/v0/assets", Step.CARDS: "/v0/me/cards", Step.ME: "/v0/me"}
    return somebody.get(paths[step])


def amounts_fault(answer: Answer, field: str) -> dict[str, Any]:
    fault: dict[str, Any] = body_of(answer)["errors"][field]["errors"]["amount"][0]
    return fault


def users_fault(answer: Answer) -> dict[str, Any]:
    fault: dict[str, Any] = body_of(answer)["errors"]["user"][0]
    return fault


# --- every kind ---


@pytest.mark.parametrize(("step", "kind"), EVERY)
def test_trouble_comes_once_conserves_value_and_goes(somebody: Trader, step: Step, kind: Mishap) -> None:
    healthy = request(trader(), step)
    somebody.plan({"step": step, "kind": kind})
    assert request(somebody, step) != healthy
    assert body_of(somebody.get("/local/trouble"))["dealt"] == {kind: 1}
    somebody.now += 1000
    assert request(somebody, step).status == healthy.status
    assert somebody.exchange.settle(somebody.now).conserved()


NOT_DONE = {
    Mishap.STATUS_429: (429, "too_many_requests"),
    Mishap.STATUS_500: (500, "internal_server_error"),
    Mishap.STATUS_503: (503, "service_unavailable"),
    Mishap.CAPABILITY: (403, "forbidden"),
    Mishap.OTP: (401, "unauthorized"),
    Mishap.PASSWORD_RESET: (400, "validation_failed"),
    Mishap.AUTHENTICATION_RESET: (400, "validation_failed"),
    Mishap.INSUFFICIENT_FUNDS: (400, "validation_failed"),
    Mishap.LOCKED_FUNDS: (400, "validation_failed"),
    Mishap.MINIMUM: (400, "validation_failed"),
    Mishap.MAXIMUM: (400, "validation_failed"),
    Mishap.HALTED: (400, "validation_failed"),
    Mishap.EXPIRED: (404, "not_found"),
    Mishap.STATUS_404: (404, "not_found"),
    Mishap.NEVER_LANDS: (500, "internal_server_error"),
}


@pytest.mark.parametrize(("step", "kind"), [(step, kind) for step, kind in EVERY if kind in NOT_DONE])
def test_a_refusal_has_its_status_and_code_and_nothing_is_done(somebody: Trader, step: Step, kind: Mishap) -> None:
    somebody.plan({"step": step, "kind": kind})
    answer = request(somebody, step)
    assert (answer.status, body_of(answer)["code"]) == NOT_DONE[kind]
    assert step == Step.READ or somebody.exchange.conversions == ()


@pytest.mark.parametrize("step", [Step.CARDS, Step.QUOTE, Step.COMMIT, Step.READ, Step.ME])
def test_a_token_can_become_invalid_at_every_step(somebody: Trader, step: Step) -> None:
    somebody.plan({"step": step, "kind": "invalid_token"})
    answer = request(somebody, step)
    assert (answer.status, body_of(answer)["error"]) == (401, "invalid_token")


def test_too_many_requests_says_how_long_to_wait(somebody: Trader) -> None:
    somebody.plan({"kind": "status_429", "seconds": 17})
    assert somebody.get("/v0/ticker").headers["Retry-After"] == "17"


def test_a_page_can_come_instead_of_json(somebody: Trader) -> None:
    somebody.plan({"kind": "html"})
    assert "<p>" in str(somebody.get("/v0/me/cards").html)


def test_refusals_are_those_of_the_reference(somebody: Trader) -> None:
    def refused(kind: str, **measure: object) -> Answer:
        somebody.plan({"step": "quote", "kind": kind, **measure})
        return request(somebody, Step.QUOTE)

    assert amounts_fault(refused("insufficient_funds"), "denomination")["code"] == "sufficient_funds"
    locked = amounts_fault(refused("locked_funds"), "denomination")
    assert locked["code"] == "sufficient_unlocked_funds"
    assert locked["args"].keys() == {"availableAt", "currency", "missing", "restrictions"}
    assert amounts_fault(refused("maximum"), "destination") == {
        "args": {"threshold": "25"},
        "code": "less_than_or_equal_to",
        "message": "This value should be less than or equal to 25",
    }
    assert amounts_fault(refused("minimum", threshold="0"), "denomination") == {
        "code": "greater_than_or_equal_to",
        "message": "This value should be greater than or equal to 0",
        "args": {"threshold": "0"},
    }
    assert users_fault(refused("password_reset")) == {
        "code": "password_reset_restriction",
        "message": "The user password has been changed in the last 1 day",
        "args": {"recentPasswordRestrictionEndDate": "2027-01-16T08:00:00.000Z", "threshold": 1, "unit": "day"},
    }
    assert users_fault(refused("authentication_reset"))["code"] == "restricted_by_authentication_method_reset"
    assert refused("otp").headers["OTP-Token"] == "required"
    assert body_of(refused("capability")) == {
        "capability": "trades",
        "code": "forbidden",
        "message": "Quote not allowed due to capability constraints",
        "requirements": ["user-must-submit-enhanced-due-diligence"],
        "restrictions": [],
    }
    assert body_of(refused("halted", currency="BTC"))["errors"]["destination"][0]["message"] == "BTC is halted"


# --- no answer, or a late one ---


def test_a_reset_comes_before_anything_is_done(somebody: Trader) -> None:
    somebody.plan({"step": "commit", "kind": "reset"})
    assert request(somebody, Step.COMMIT).reset
    assert somebody.exchange.conversions == ()


def test_a_hang_is_no_answer_and_nothing_done(somebody: Trader) -> None:
    somebody.plan({"step": "commit", "kind": "hang", "seconds": 9})
    assert request(somebody, Step.COMMIT).hang_seconds == 9
    assert somebody.exchange.conversions == ()


@pytest.mark.parametrize(("measure", "reset", "hang"), [({}, True, None), ({"seconds": 20}, False, 20)])
def test_a_lost_answer_was_carried_out(
    somebody: Trader, measure: dict[str, object], reset: bool, hang: float | None
) -> None:
    quote = somebody.offered("USD", "BTC", "100")
    somebody.plan({"step": "commit", "kind": "lost_answer", **measure})
    answer = somebody.commit(quote)
    assert (answer.reset, answer.hang_seconds, answer.body) == (reset, hang, None)
    assert body_of(somebody.read(quote))["status"] == "completed"
    assert somebody.held("USD")[0] == "900.00"


def test_a_slow_answer_was_carried_out_and_comes_later(somebody: Trader) -> None:
    somebody.plan({"step": "commit", "kind": "slow", "seconds": 4})
    answer = request(somebody, Step.COMMIT)
    assert (answer.delay_seconds, body_of(answer)["status"]) == (4, "completed")
    assert len(somebody.exchange.conversions) == 1


# --- commits that go wrong ---


@pytest.mark.parametrize("late", [1, 17, 100, 500])
def test_a_late_commit_fails_lands_later_and_is_unseen_until_then(somebody: Trader, late: int) -> None:
    quote = somebody.offered("USD", "BTC", "100")
    somebody.plan({"step": "commit", "kind": "lands_late", "seconds": late})
    assert somebody.commit(quote).status == 504
    somebody.now += late - 0.001
    assert somebody.read(quote).status == 404
    assert somebody.held("USD") == ("1000.00", "1000.00")
    assert body_of(somebody.get("/local/conversions"))["landing"][0]["lands_at"] == NOW + late
    somebody.now += 0.001
    assert body_of(somebody.read(quote))["status"] == "completed"
    assert somebody.held("USD") == ("900.00", "900.00")
    (conversion,) = somebody.exchange.conversions
    assert (conversion.committed_at, conversion.landed_at) == (NOW, NOW + late)


def test_a_late_commit_of_a_quote_that_was_committed_again_lands_once(somebody: Trader) -> None:
    quote = somebody.offered("USD", "BTC", "100")
    somebody.plan({"step": "commit", "kind": "lands_late", "seconds": 10})
    somebody.commit(quote)
    assert somebody.commit(quote).status == 200
    somebody.now += 60
    assert somebody.held("USD") == ("900.00", "900.00")
    assert len(somebody.exchange.conversions) == 1


def test_a_late_commit_whose_money_is_gone_never_lands(somebody: Trader) -> None:
    quote = somebody.offered("USD", "BTC", "600")
    somebody.plan({"step": "commit", "kind": "lands_late", "seconds": 10})
    somebody.commit(quote)
    assert somebody.commit(somebody.offered("USD", "ETH", "600")).status == 200
    somebody.now += 60
    assert somebody.read(quote).status == 404
    assert somebody.exchange.settle(somebody.now).conserved()


def test_a_late_commit_of_an_expired_quote_is_not_taken_on(somebody: Trader) -> None:
    quote = somebody.offered("USD", "BTC", "100")
    somebody.now += 18
    somebody.plan({"step": "commit", "kind": "lands_late", "seconds": 10})
    assert somebody.commit(quote).status == 404
    somebody.now += 60
    assert somebody.read(quote).status == 404


def test_late_commits_land_in_the_order_of_their_time(somebody: Trader) -> None:
    first, second = somebody.offered("USD", "BTC", "600"), somebody.offered("USD", "ETH", "600")
    somebody.plan(
        {"step": "commit", "kind": "lands_late", "seconds": 17}, {"step": "commit", "kind": "lands_late", "seconds": 5}
    )
    somebody.commit(first)
    somebody.commit(second)
    somebody.now += 60
    assert (somebody.read(first).status, somebody.read(second).status) == (404, 200)


def test_a_commit_answered_by_exists_already_was_carried_out_and_so_was_one_not_found(somebody: Trader) -> None:
    for kind, status in (("recommit_exists", 409), ("recommit_not_found", 404)):
        quote = somebody.offered("USD", "BTC", "100")
        somebody.plan({"step": "commit", "kind": kind})
        assert somebody.commit(quote).status == status
        assert body_of(somebody.read(quote))["status"] == "completed"
    assert len(somebody.exchange.conversions) == 2


def test_a_second_commit_says_exists_already_where_that_is_planned(somebody: Trader) -> None:
    quote = somebody.offered("USD", "BTC", "100")
    somebody.plan({"step": "commit", "kind": "recommit_exists", "nth": 2})
    assert somebody.commit(quote).status == 200
    again = somebody.commit(quote)
    assert (again.status, body_of(again)["code"]) == (409, "transaction_already_exists")
    assert len(somebody.exchange.conversions) == 1


def test_exists_already_is_not_said_of_what_never_existed(somebody: Trader) -> None:
    somebody.plan({"step": "commit", "kind": "recommit_exists"})
    assert somebody.commit({"id": "nothing", "origin": {"CardId": USD}}).status == 404


@pytest.mark.parametrize(
    ("kind", "shown", "ends", "left"),
    [
        ("processing", "processing", "completed", "900.00"),
        ("processing_then_failed", "processing", "failed", "1000.00"),
        ("unknown_status", "on_hold", "completed", "900.00"),
    ],
)
def test_a_commit_under_way_ends_after_its_looks(somebody: Trader, kind: str, shown: str, ends: str, left: str) -> None:
    quote = somebody.offered("USD", "BTC", "100")
    somebody.plan({"step": "commit", "kind": kind, "reads": 3})
    committed = body_of(somebody.commit(quote))
    assert (committed["status"], committed["params"]["progress"]) == (shown, "0")
    assert somebody.held("USD") == ("1000.00", "900.00")
    somebody.now += 1000
    assert [body_of(somebody.read(quote))["status"] for _ in range(5)] == [shown] * 3 + [ends] * 2
    assert somebody.held("USD") == (left, left)
    assert somebody.exchange.conversions[0].status == Status(ends)


def test_a_commit_under_way_ends_after_its_seconds_however_often_it_is_looked_at(somebody: Trader) -> None:
    quote = somebody.offered("USD", "BTC", "100")
    somebody.plan({"step": "commit", "kind": "processing", "seconds": 30})
    somebody.commit(quote)
    for later, status in ((29.9, "processing"), (29.9, "processing"), (30, "completed")):
        somebody.now = NOW + later
        assert body_of(somebody.read(quote))["status"] == status
    assert somebody.exchange.conversions[0].landed_at == NOW + 30


# --- quotes that are not what was asked for ---


def test_a_worse_quote_is_really_carried_out_so(somebody: Trader) -> None:
    fair = Decimal(somebody.offered("USD", "BTC", "100")["destination"]["amount"])
    somebody.plan({"step": "quote", "kind": "worse", "bps": 300})
    worse = somebody.offered("USD", "BTC", "100")
    assert float(Decimal(worse["destination"]["amount"]) / fair) == pytest.approx(1 / 1.03, rel=1e-4)
    somebody.commit(worse)
    assert somebody.held("BTC")[0] == worse["destination"]["amount"]


def test_a_quote_without_time_cannot_be_committed(somebody: Trader) -> None:
    somebody.plan({"step": "quote", "kind": "ttl_zero"})
    quote = somebody.offered("USD", "BTC", "100")
    assert quote["params"]["ttl"] == 0
    assert somebody.commit(quote).status == 404


def test_the_echo_can_name_another_card_or_currency(somebody: Trader) -> None:
    somebody.plan({"step": "quote", "kind": "wrong_card"}, {"step": "quote", "kind": "wrong_currency"})
    card, currency = (somebody.offered("USD", "BTC", "100")["destination"] for _ in range(2))
    assert card["CardId"] != BTC == currency["CardId"]
    assert card["node"]["id"] == card["CardId"]
    assert (card["currency"], currency["currency"]) == ("BTC", "DOGE")


def test_fields_nobody_knows_come_at_every_level(somebody: Trader) -> None:
    healthy = somebody.offered("USD", "BTC", "100")
    somebody.plan({"kind": "extra_fields", "count": None})
    quote = somebody.offered("USD", "BTC", "100")
    for more, fewer in ((quote, healthy), (quote["origin"], healthy["origin"]), (quote["params"], healthy["params"])):
        assert more.keys() - fewer.keys() == {"CreatedByApplicationId", "wire", "newFeature"}
    assert "wire" in list_of(somebody.get("/v0/me/cards"))[0]
    assert "wire" in list_of(somebody.get("/v0/assets"))[0]


def test_a_reference_can_be_missing(somebody: Trader) -> None:
    somebody.plan({"kind": "missing_reference", "count": None})
    quote = somebody.offered("USD", "BTC", "100", reference="hb-1")
    committed = body_of(somebody.commit(quote))
    read = body_of(somebody.read(quote))
    assert not any("reference" in each for each in (quote, committed, read))
    assert somebody.exchange.conversions[0].reference == "hb-1"


def test_a_card_can_vanish_from_the_list_and_by_itself() -> None:
    somebody = trader({"USD": "1000", "BTC": "1"})
    somebody.plan({"kind": "vanished", "count": 1}, {"kind": "vanished", "currency": "BTC"}, {"kind": "vanished"})
    lists = [{card["currency"] for card in list_of(somebody.get("/v0/me/cards"))} for _ in range(2)]
    assert lists == [{"BTC", "ETH", "EUR"}, {"USD", "ETH", "EUR"}]
    assert somebody.get(f"/v0/me/cards/{USD}").status == 404
    assert somebody.get(f"/v0/me/cards/{USD}").status == 200


# --- plans ---


def test_a_plan_hits_the_nth_request_of_its_step_and_so_many_after_it(somebody: Trader) -> None:
    somebody.plan({"step": "quote", "kind": "status_500", "nth": 2, "count": 2})
    statuses = []
    for _ in range(4):
        somebody.get("/v0/ticker")
        statuses.append(somebody.quote("USD", "BTC", "1").status)
    assert statuses == [202, 500, 500, 202]


def test_orders_for_the_same_request_follow_one_another(somebody: Trader) -> None:
    somebody.plan({"step": "quote", "kind": "status_503"}, {"step": "quote", "kind": "status_500"})
    assert [somebody.quote("USD", "BTC", "1").status for _ in range(3)] == [503, 500, 202]


def test_an_order_without_a_step_is_for_any_that_it_fits(somebody: Trader) -> None:
    somebody.plan({"kind": "expired"})
    assert somebody.get("/v0/ticker").status == 200
    assert request(somebody, Step.COMMIT).status == 404


def test_an_order_without_a_count_is_for_good_until_the_plan_is_cleared(somebody: Trader) -> None:
    somebody.plan({"step": "cards", "kind": "status_500", "count": None})
    assert {somebody.get("/v0/me/cards").status for _ in range(5)} == {500}
    assert somebody.post("/local/trouble", {}).body == {"plan": {}, "asked": {}, "dealt": {}}
    assert somebody.get("/v0/me/cards").status == 200


def test_a_commit_in_one_step_counts_as_a_commit(somebody: Trader) -> None:
    somebody.plan({"step": "commit", "kind": "lost_answer"})
    assert somebody.quote("USD", "BTC", "100", query={"commit": "true"}).reset
    assert len(somebody.exchange.conversions) == 1


def test_the_report_counts_requests_by_step_and_troubles_by_kind(somebody: Trader) -> None:
    plan: Any = {"troubles": [{"step": "quote", "kind": "worse", "bps": 10, "nth": 2, "count": 3}], "halted": ["ETH"]}
    somebody.post("/local/trouble", plan)
    for _ in range(3):
        request(somebody, Step.QUOTE)
    report = body_of(somebody.get("/local/trouble"))
    assert report == {"plan": plan, "asked": {"quote": 3}, "dealt": {"worse": 2}}
    assert json.loads(json.dumps(report)) == report


def test_a_plan_can_halt_assets(somebody: Trader) -> None:
    somebody.plan(halted=["BTC"])
    assert somebody.quote("USD", "BTC", "1").status == 400
    assert [asset["status"] for asset in list_of(somebody.get("/v0/assets")) if asset["code"] == "BTC"] == ["halted"]
    somebody.plan()
    assert somebody.quote("USD", "BTC", "1").status == 202


def test_chance_deals_the_same_again_whatever_else_is_asked() -> None:
    def dealt(noise: bool) -> list[Trouble | None]:
        plan = TroublePlan(plan_from({"seed": 7, "rate": 0.5}))
        asked = []
        for _ in range(50):
            asked.append(plan.take(Step.COMMIT, Request("POST", "/"), NOW))
            if noise:
                plan.take(Step.READ, Request("GET", "/"), NOW)
        return asked

    assert dealt(noise=False) == dealt(noise=True)
    assert dealt(noise=False) != [None] * 50


def test_chance_hits_at_its_rate_with_every_kind_that_fits() -> None:
    chance = Chance(seed=3, rate=0.3)
    for step in Step:
        troubles = [chance.draw(step, nth) for nth in range(3000)]
        hits = [trouble.kind for trouble in troubles if trouble is not None]
        assert 0.27 < len(hits) / 3000 < 0.33
        assert set(hits) == set(FITS[step])


def test_chance_keeps_to_its_kinds_and_steps() -> None:
    plan = plan_from({"seed": 3, "rate": 1, "kinds": ["worse", "otp"], "steps": ["quote", "read"]})
    assert plan.chance is not None
    assert {trouble.kind for nth in range(50) if (trouble := plan.chance.draw(Step.QUOTE, nth))} == {
        Mishap.WORSE,
        Mishap.OTP,
    }
    assert plan.chance.draw(Step.READ, 1) is None
    assert plan.chance.draw(Step.COMMIT, 1) is None


def test_orders_go_before_chance(somebody: Trader) -> None:
    somebody.post(
        "/local/trouble",
        {"troubles": [{"step": "quote", "kind": "otp"}], "rate": 1, "kinds": ["status_503"], "steps": ["quote"]},
    )
    assert [somebody.quote("USD", "BTC", "1").status for _ in range(2)] == [401, 503]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (7, "a plan is JSON like"),
        ({"often": 3}, "often: unknown"),
        ({"seed": 7}, "rate: is missing"),
        ({"seed": -1, "rate": 0.3}, "seed"),
        ({"seed": 7, "rate": 1.1}, "rate"),
        ({"seed": 7, "rate": True}, "rate"),
        ({"rate": 0.3, "kinds": ["boom"]}, "kinds 'boom'"),
        ({"rate": 0.3, "kinds": []}, "kinds"),
        ({"rate": 0.3, "steps": "quote"}, "steps"),
        ({"halted": "BTC"}, "halted"),
        ({"troubles": {}}, "troubles"),
        (["lost_answer"], "'lost_answer'"),
        ([{}], "kind None"),
        ([{"kind": "boom"}], "kind 'boom'"),
        ([{"kind": "worse", "step": "commit"}], "kind worse: does not fit the step commit"),
        ([{"kind": "worse", "step": "lunch"}], "step 'lunch'"),
        ([{"kind": "worse", "nth": 0}], "nth 0"),
        ([{"kind": "worse", "count": 0}], "count 0"),
        ([{"kind": "worse", "bps": "many"}], "bps"),
        ([{"kind": "slow", "seconds": -1}], "seconds"),
        ([{"kind": "slow", "currency": 3}], "currency"),
        ([{"kind": "slow", "often": 3}], "often: unknown"),
    ],
)
def test_a_bad_plan_names_its_field_and_changes_nothing(somebody: Trader, body: object, field: str) -> None:
    somebody.plan({"step": "cards", "kind": "status_500", "count": None})
    answer = somebody.post("/local/trouble", body)
    assert answer.status == 400
    assert str(body_of(answer)["message"]).startswith(field)
    assert somebody.get("/v0/me/cards").status == 500


PLANS = [
    [{"step": "commit", "kind": "lands_late", "nth": 2, "count": None, "seconds": 200.5}],
    {"seed": 7, "rate": 0.3},
    {
        "troubles": [{"kind": "worse", "bps": 5000}],
        "rate": 0.1,
        "kinds": ["otp"],
        "steps": ["quote"],
        "halted": ["BTC"],
    },
    {},
]


@pytest.mark.parametrize("body", PLANS)
def test_a_plan_that_is_shown_orders_itself_again(body: object) -> None:
    plan = plan_from(body)
    assert plan_from(json.loads(json.dumps(plan_body(plan)))) == plan


@pytest.mark.parametrize("body", PLANS)
def test_a_plan_is_json_or_a_file_of_it(body: object, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(body))
    assert plan_from_text(json.dumps(body)) == plan_from_text(str(file)) == plan_from(body)


def test_a_plan_can_be_a_few_words() -> None:
    assert plan_from_text("seed=7,rate=0.3") == plan_from({"seed": 7, "rate": 0.3})
    words = "seed=7, rate=1, kinds=reset+slow, steps=commit, halted=BTC+ETH"
    assert plan_from_text(words) == plan_from(
        {"seed": 7, "rate": 1.0, "kinds": ["reset", "slow"], "steps": ["commit"], "halted": ["BTC", "ETH"]}
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nowhere.json", "neither a file, nor JSON, nor words"),
        ("{not json", "the plan is not JSON"),
        ("seed=x,rate=1", "seed 'x': must be a number"),
        ("rate=often", "rate 'often': must be a number"),
        ("speed=7", "speed: unknown"),
        ("x" * 5000, "neither a file"),
    ],
)
def test_a_plan_that_cannot_be_read_says_how_one_looks(text: str, says: str) -> None:
    with pytest.raises(InvalidTrouble, match=says):
        plan_from_text(text)
