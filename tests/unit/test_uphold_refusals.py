"""Every way in which Uphold says no, and what a person is told then: what, why, and what to do."""

import json
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.errors import HeisenbugError, MarketUnavailable, NeedsPerson, Quiet, Rejected, Unresolved
from heisenbug.domain.trade import VenueQuote
from heisenbug.exchange.http import Answer
from heisenbug.exchange.port import Request
from heisenbug.exchange.uphold_account import UpholdAccount
from heisenbug.exchange.uphold_refusals import complaints, is_definite, refusal
from heisenbug.exchange.words import LONGEST_WORDS, words
from tests.canned import EMPTY, HTML, RESET, Reply, Told, Venue, http_to
from tests.fakes import Clock
from tests.markets import MONDAY

REARM = "Then lift the stop: heisenbug rearm."
SCOPES = "cards:read transactions:read transactions:transfer:self"
WISH = Request("7f3a", "USD", "BTC", Decimal("10"))


def parsed(text: str) -> Any:
    """The vendor's own words, as documented."""
    return json.loads(text)


def to_quote(told: Told) -> HeisenbugError:
    """What a quote raises that is answered so."""
    account, venue = _account()
    venue.quote = told
    with pytest.raises(HeisenbugError) as error:
        account.quote(WISH)
    return error.value


def to_commit(told: Told) -> HeisenbugError:
    """What a commit raises that is answered so; it is sent once."""
    account, venue = _account()
    quote: VenueQuote = account.quote(WISH)
    venue.commit = told
    with pytest.raises(HeisenbugError) as error:
        account.commit(quote)
    assert sum(path.endswith("/commit") for path in venue.paths()) == 1
    return error.value


def to_both(status: int, body: Any, headers: Mapping[str, str] | None = None) -> tuple[type[Exception], str]:
    """What quote and commit alike raise and say: the venue checked and refused, so nothing moved."""
    told = Reply(status, body, headers or {})
    quote, commit = to_quote(told), to_commit(told)
    assert (type(commit), str(commit)) == (type(quote), str(quote))
    return type(quote), str(quote)


def _account() -> tuple[UpholdAccount, Venue]:
    clock = Clock()
    venue = Venue(clock)
    return UpholdAccount(http_to(venue, clock), {}, clock, MONDAY + 20), venue


# ---------------------------------------------------- refused on the merits (400)


def test_not_enough_money_tells_to_put_it_back_or_to_give_anew() -> None:
    body = parsed(
        '{"code":"validation_failed","errors":{"denomination":{"code":"validation_failed","errors":{"amount":[{"code":'
        '"sufficient_funds","message":"Not enough funds for the specified amount"}]}}}}'
    )
    assert to_both(400, body) == (
        Rejected,
        "The card does not hold enough for this amount: it holds less than the bot's ledger says. "
        "Put the money back, or give the bot a new budget: heisenbug live.",
    )


def test_locked_money_tells_until_when_and_why_it_is_locked() -> None:
    body = parsed(
        '{"code":"validation_failed","errors":{"denomination":{"code":"validation_failed","errors":{"amount":[{"code":'
        '"sufficient_unlocked_funds","message":"You will have sufficient funds by 2021-11-24T03:38:58.663Z","args":'
        '{"availableAt":"2021-11-24T03:38:58.663Z","currency":"DASH","missing":"6.21186161","restrictions":'
        '["ach-deposit-settlement","ach-deposit-cooldown"]}}]}}}}'
    )
    assert to_both(400, body) == (
        Rejected,
        "Part of the money on the card is still locked by Uphold until 2021-11-24T03:38:58.663Z "
        "(ach-deposit-settlement, ach-deposit-cooldown); it can be converted after that.",
    )


def test_too_large_an_amount_tells_the_most_and_to_trade_smaller() -> None:
    body = parsed(
        '{"code":"validation_failed","errors":{"destination":{"code":"validation_failed","errors":{"amount":[{"args":'
        '{"threshold":"25"},"code":"less_than_or_equal_to","message":"This value should be less than or equal to 25"}]'
        "}}}}"
    )
    assert to_both(400, body) == (
        Rejected,
        "Uphold converts at most 25 at once here; make trades smaller: trade_size_percentage or trade_size_amount.",
    )


def test_too_small_an_amount_tells_the_least_and_to_trade_larger() -> None:
    body = parsed(
        '{"code":"validation_failed","errors":{"denomination":{"code":"validation_failed","errors":{"amount":[{"code":'
        '"greater_than_or_equal_to","message":"This value should be greater than or equal to 0","args":{"threshold":'
        '"0"}}]}}}}'
    )
    assert to_both(400, body) == (
        Rejected,
        "Uphold converts at least 0 here; make trades larger: trade_size_percentage or trade_size_amount.",
    )


def test_a_changed_password_needs_a_person_to_wait_and_to_rearm() -> None:
    body = parsed(
        '{"code":"validation_failed","errors":{"user":[{"code":"password_reset_restriction","message":"The user '
        'password has been changed in the last 1 day","args":{"recentPasswordRestrictionEndDate":'
        '"2021-09-16T17:19:34.996Z","threshold":1,"unit":"day"}}]}}'
    )
    assert to_both(400, body) == (
        NeedsPerson,
        "Uphold holds money back after the password was changed, until 2021-09-16T17:19:34.996Z. "
        f"Wait for that. {REARM}",
    )


def test_a_changed_way_of_signing_in_needs_a_person_to_wait_and_to_rearm() -> None:
    body = parsed(
        '{"code":"validation_failed","errors":{"user":[{"code":"restricted_by_authentication_method_reset","message":'
        '"The user is restricted because authentication method has been changed recently","args":'
        '{"recentAuthenticationRestrictionEndDate":"..."}}]}}'
    )
    assert to_both(400, body) == (
        NeedsPerson,
        f"Uphold holds money back after the way of signing in was changed, until .... Wait for that. {REARM}",
    )


def test_a_missing_body_is_told_in_the_venue_s_words() -> None:
    body = parsed(
        '{"code":"validation_failed","errors":{"object":[{"code":"required","message":"This value is required"}]}}'
    )
    assert to_both(400, body) == (
        Rejected,
        "Uphold refused: the exchange answered 400 Bad Request (object: This value is required). "
        "Nothing moved; if it goes on, look at heisenbug doctor.",
    )


def test_a_restriction_without_its_details_is_still_a_sentence() -> None:
    def told(code: str, **more: Any) -> str:
        return to_both(400, {"code": "validation_failed", "errors": {"user": [{"code": code, **more}]}})[1]

    assert told("sufficient_unlocked_funds", args=None) == (
        "Part of the money on the card is still locked by Uphold; it can be converted after that."
    )
    assert told("password_reset_restriction", args=[]) == (
        f"Uphold holds money back after the password was changed. Wait for that. {REARM}"
    )
    assert told("less_than_or_equal_to") == (
        "Uphold converts at most an amount that it does not tell at once here; "
        "make trades smaller: trade_size_percentage or trade_size_amount."
    )
    assert told("greater_than_or_equal_to", message="At least 5 $", args={"threshold": None}) == (
        "Uphold converts at least what it says (At least 5 $) here; "
        "make trades larger: trade_size_percentage or trade_size_amount."
    )


# ------------------------------------------------------------- who asks (401, 403)


def test_a_capability_that_is_missing_tells_what_uphold_wants_of_its_user() -> None:
    body = parsed(
        '{"capability":"trades","code":"forbidden","message":"Quote not allowed due to capability constraints",'
        '"requirements":["user-must-submit-enhanced-due-diligence"],"restrictions":[]}'
    )
    assert to_both(403, body) == (
        NeedsPerson,
        "Uphold does not let this account use trades: it wants user-must-submit-enhanced-due-diligence. "
        f"Do that in Uphold's own app. {REARM}",
    )


def test_a_capability_that_is_restricted_is_told_without_a_remedy_of_ours() -> None:
    body = {"code": "forbidden", "requirements": [], "restrictions": ["user-is-in-new-york"]}
    assert to_both(403, body)[1] == (
        "Uphold does not let this account use conversions: it wants user-is-in-new-york. "
        f"Do that in Uphold's own app. {REARM}"
    )
    assert to_both(403, {"capability": "trades", "code": "forbidden"})[1] == (
        f"Uphold does not let this account use trades: it wants more of you. Do that in Uphold's own app. {REARM}"
    )


def test_a_token_that_may_not_do_this_tells_the_scopes_it_needs() -> None:
    assert to_both(403, {"code": "forbidden", "message": "The token lacks the scope transactions:read"}) == (
        NeedsPerson,
        "Uphold does not allow the token to do this (The token lacks the scope transactions:read). "
        f"It needs the scopes {SCOPES}; create a token that has them and store it: heisenbug credential. {REARM}",
    )
    assert to_both(403, {"code": "forbidden"})[1] == (
        f"Uphold does not allow the token to do this. It needs the scopes {SCOPES}; "
        f"create a token that has them and store it: heisenbug credential. {REARM}"
    )


WRONG_TOKEN = (
    "Uphold does not accept the token: it is wrong, expired or revoked. Create a new one with the scopes "
    f"{SCOPES} and store it: heisenbug credential. {REARM}"
)


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("error", ["invalid_token", "invalid_grant", "invalid_client"])
def test_a_token_that_is_not_accepted_needs_a_person_to_store_another(error: str, status: int) -> None:
    body = {"error": error, "error_description": "The access token is invalid"}
    assert to_both(status, body) == (NeedsPerson, WRONG_TOKEN)


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("error", ["invalid_scope", "insufficient_scope"])
def test_a_scope_that_is_missing_needs_a_person_to_create_another_token(error: str, status: int) -> None:
    body = {"error": error, "error_description": "The requested scope is invalid"}
    assert to_both(status, body) == (
        NeedsPerson,
        "Uphold does not allow the token to do this (The requested scope is invalid). "
        f"It needs the scopes {SCOPES}; create a token that has them and store it: heisenbug credential. {REARM}",
    )


def test_a_refusal_to_know_who_asks_needs_a_person_too() -> None:
    assert to_both(401, {"code": "unauthorized", "message": "Unauthorized"}) == (NeedsPerson, WRONG_TOKEN)


UNAUTHORIZED = {"code": "unauthorized", "message": "Unauthorized"}


@pytest.mark.parametrize(
    ("header", "value", "body"),
    [
        ("OTP-Token", "required", UNAUTHORIZED),
        ("OTP-Token", "Required", UNAUTHORIZED),
        ("otp-token", "REQUIRED", UNAUTHORIZED),
        ("Otp-token", "required", {"error": "invalid_token"}),
        ("OTP-TOKEN", "required", b""),
        ("otp-token", "required", b"<html>"),
    ],
)
def test_a_one_time_password_is_nothing_a_bot_can_give(header: str, value: str, body: Any) -> None:
    assert to_both(401, body, {header: value}) == (
        NeedsPerson,
        "Uphold asks for a one-time password, which a bot cannot give. Use an OAuth token with the scopes "
        f"{SCOPES}, or turn the password off for transfers between your own cards in Uphold's settings. {REARM}",
    )


def test_what_something_on_the_way_refuses_does_not_accuse_the_token() -> None:
    for told in (Reply(403, b"<!doctype html><title>Just a moment</title>"), Reply(403, b""), Reply(403, ["no"])):
        quote, commit = to_quote(told), to_commit(told)
        assert (type(quote), str(quote)) == (
            MarketUnavailable,
            "the exchange answered 403 Forbidden without saying why",
        )
        assert (type(commit), str(commit)) == (
            Unresolved,
            "The commit was sent, but the exchange answered 403 Forbidden.",
        )


def test_a_bare_401_needs_a_person_and_leaves_a_commit_in_doubt() -> None:
    for told in (Reply(401, b"<html>"), Reply(401, b"")):
        assert (type(to_quote(told)), str(to_quote(told))) == (NeedsPerson, WRONG_TOKEN)
        assert str(to_commit(told)) == "The commit was sent, but the exchange answered 401 Unauthorized."
        assert isinstance(to_commit(told), Unresolved)


# ------------------------------------------------- nobody knows after these (commit)


def phrase(status: int) -> str:
    return f"the exchange answered {status} {HTTPStatus(status).phrase}"


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (404, {"code": "not_found", "message": "Not Found"}, ""),
        (409, {"code": "transaction_already_exists", "message": "The transaction already exists"}, "The transaction"),
        (409, {"code": "conflict", "message": "Busy with another"}, "Busy with another"),
        (410, {"code": "gone", "message": "Gone for good"}, "Gone for good"),
        (412, {"code": "precondition_failed", "message": "Send a range"}, "Send a range"),
        (416, {"code": "requested_range_not_satisfiable"}, "requested_range_not_satisfiable"),
        (422, {"code": "unprocessable_entity", "message": "No such pair"}, "No such pair"),
        (423, {"code": "locked", "message": "The card is locked"}, "The card is locked"),
        (400, {"code": "transaction_already_exists", "message": "It exists"}, "It exists"),
        (400, {"message": "Bad Request"}, ""),
        (302, {}, ""),
    ],
)
def test_other_refusals_are_told_with_the_venue_s_words_and_leave_a_commit_in_doubt(
    status: int, body: Any, detail: str
) -> None:
    quote, commit = to_quote(Reply(status, body)), to_commit(Reply(status, body))
    assert type(quote) is Rejected
    assert str(quote).startswith(f"Uphold refused: {phrase(status)}{f' ({detail}' if detail else '. Nothing moved'}")
    assert str(quote).endswith("Nothing moved; if it goes on, look at heisenbug doctor.")
    assert (type(commit), str(commit)) == (Unresolved, f"The commit was sent, but {phrase(status)}.")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [{"code": "internal_server_error", "message": "Oops"}, b"<html>", b""])
def test_a_venue_that_is_broken_refused_nothing(status: int, body: Any) -> None:
    quote, commit = to_quote(Reply(status, body)), to_commit(Reply(status, body))
    assert (type(quote), str(quote)) == (MarketUnavailable, phrase(status))
    assert (type(commit), str(commit)) == (Unresolved, f"The commit was sent, but {phrase(status)}.")


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "7"}, 7), ({}, 60)])
def test_a_venue_that_wants_quiet_refused_nothing(headers: Mapping[str, str], seconds: int) -> None:
    told = Reply(429, {"code": "too_many_requests", "message": "Try again later"}, headers)
    quote, commit = to_quote(told), to_commit(told)
    said = f"{phrase(429)}, to be asked again after {seconds} s"
    assert (type(quote), str(quote)) == (Quiet, said)
    assert (type(commit), str(commit)) == (Unresolved, f"The commit was sent, but {said}.")


def test_an_answer_that_is_no_answer_is_no_refusal() -> None:
    assert type(to_quote(RESET)) is MarketUnavailable
    assert str(to_commit(RESET)) == "The commit was sent, but the exchange did not answer: no connection."
    for told in (HTML, EMPTY, Reply(200, []), Reply(200, "done"), Reply(202, {})):
        assert type(to_quote(told)) is Rejected
        assert str(to_quote(told)) == "Uphold's quote has no id; it cannot be committed."
        commit = to_commit(told)
        assert type(commit) is Unresolved
        assert str(commit) == "The commit was sent, but the exchange's answer is not about this transaction."


# ------------------------------------------------------------- the shapes of errors


FAULT = {"code": "sufficient_funds", "message": "Not enough funds"}
ENOUGH = "The card does not hold enough for this amount"


@pytest.mark.parametrize(
    "errors",
    [
        {"denomination": [FAULT]},
        {"denomination": FAULT},
        {"denomination": {"code": "validation_failed", "errors": {"amount": [FAULT]}}},
        {"denomination": {"errors": {"amount": FAULT}}},
        {"denomination": {"code": "validation_failed", "errors": [FAULT]}},
        {"denomination": [{"code": "validation_failed", "errors": {"amount": [FAULT]}}]},
        {"a": {"errors": {"b": {"errors": {"c": {"errors": {"d": {"errors": {"e": [FAULT]}}}}}}}}},
        {"a": [None, 7, "text", [FAULT]], "b": None},
        {"a": [None, 7, "text", True], "b": [], "c": {}, "d": [FAULT]},
        [FAULT],
        FAULT | {"denomination": [FAULT]},
    ],
)
def test_a_complaint_is_found_in_every_shape_and_at_every_depth(errors: Any) -> None:
    kind, said = to_both(400, {"code": "validation_failed", "errors": errors})
    assert kind is Rejected
    assert said.startswith(ENOUGH)


def test_the_first_complaint_that_is_understood_is_told() -> None:
    strange = {"code": "moon_phase", "message": "Wrong moon"}
    errors = {"a": [strange], "b": [strange, FAULT]}
    assert to_both(400, {"code": "validation_failed", "errors": errors})[1].startswith(ENOUGH)


def test_complaints_that_are_not_known_are_told_with_their_fields() -> None:
    errors = {
        "asset": [{"code": "asset_halted", "message": "BTC is halted"}],
        "denomination": {"code": "validation_failed", "errors": {"currency": [{"code": "moon_phase"}]}},
    }
    assert to_both(400, {"code": "validation_failed", "errors": errors}) == (
        Rejected,
        "Uphold refused: the exchange answered 400 Bad Request (asset: BTC is halted; denomination.currency: "
        "moon_phase). Nothing moved; if it goes on, look at heisenbug doctor.",
    )


def test_a_complaint_without_fields_is_told_by_its_code() -> None:
    assert to_both(400, {"code": "validation_failed"})[1] == (
        "Uphold refused: the exchange answered 400 Bad Request (validation_failed). "
        "Nothing moved; if it goes on, look at heisenbug doctor."
    )


def test_a_body_nested_beyond_all_reason_is_survived() -> None:
    deep: Any = [FAULT]
    for _ in range(4000):
        deep = {"errors": {"x": deep}}
    answer = Answer(400, {}, {"code": "validation_failed", "errors": {"x": deep}})
    assert str(refusal(answer)).startswith("Uphold refused: the exchange answered 400 Bad Request")
    assert is_definite(answer)


NASTY = "\x1b[31m\u202eEvil\x00\r\n" + "very " * 1000


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"code": NASTY, "message": NASTY}),
        (400, {"code": "x", "errors": {NASTY: [{"code": NASTY, "message": NASTY}] * 50}}),
        (400, {"code": "x", "errors": {"a": [{"code": "less_than_or_equal_to", "args": {"threshold": NASTY}}]}}),
        (400, {"code": "x", "errors": {"a": [{"code": "greater_than_or_equal_to", "message": NASTY}]}}),
        (
            400,
            {
                "code": "x",
                "errors": {
                    "a": [
                        {
                            "code": "sufficient_unlocked_funds",
                            "args": {"availableAt": NASTY, "restrictions": [NASTY] * 50},
                        }
                    ]
                },
            },
        ),
        (
            400,
            {"code": "x", "errors": {"a": [{"code": "password_reset_restriction", "args": {"xEndDate": [NASTY]}}]}},
        ),
        (403, {"code": "forbidden", "message": NASTY}),
        (403, {"code": "forbidden", "capability": NASTY, "requirements": [NASTY] * 50}),
        (403, {"error": "invalid_scope", "error_description": NASTY}),
        (404, {"code": NASTY, "message": NASTY}),
    ],
)
def test_what_the_venue_says_is_shortened_and_stripped_of_what_is_not_text(status: int, body: Any) -> None:
    said = str(to_quote(Reply(status, body)))
    assert said.isprintable()
    assert len(said) < 900
    assert said.count("very") < 80


def test_words_are_printable_and_short() -> None:
    assert words(None) == ""
    assert words(5) == "5"
    assert words("a\tb\nc\x7f\u2028d\ud800é") == "abcdé"
    assert len(words("x" * 1000)) == LONGEST_WORDS


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["code", "message", "errors", "args", "error", "requirements", "capability", "threshold"])
            | st.text(max_size=5),
            inner | st.sampled_from(["sufficient_funds", "password_reset_restriction", "invalid_token"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values, st.integers(300, 599))
def test_whatever_is_refused_is_told_in_a_short_plain_sentence(body: Any, status: int) -> None:
    answer = Answer(status, {}, body)
    error = refusal(answer)
    assert isinstance(error, Rejected | MarketUnavailable)
    assert str(error).isprintable()
    assert 20 < len(str(error)) < 900
    assert all(one.code.isprintable() and one.message.isprintable() for one in complaints(body))
    if is_definite(answer):
        assert status in (400, 401, 403)
        assert isinstance(error, Rejected)
