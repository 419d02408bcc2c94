"""The simulated account: commits, what becomes of them, lists by the page, cards, and who is let in."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from threading import Barrier, Thread

import pytest

from local.account import Fate, card_id
from local.answers import Answer
from local.books import Status
from local.rules import Rules
from tests.exchanges import NOW, Trader, body_of, list_of, trader

ANY_ID = "00000000-0000-4000-8000-000000000000"
NOT_FOUND = {"code": "not_found", "message": "Not Found"}


def converted(somebody: Trader, times: int) -> list[str]:
    """Ids of so many conversions, a second apart, oldest first."""
    ids = []
    for _ in range(times):
        somebody.now += 1
        quote = somebody.offered("USD", "BTC", "1")
        assert somebody.commit(quote).status == 200
        ids.append(str(quote["id"]))
    return ids


# --- commit ---


def test_a_commit_moves_the_money_once_and_says_completed() -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "100", reference="hb-1")
    somebody.now += 5
    answer = somebody.commit(quote)
    committed = body_of(answer)
    assert (answer.status, committed["status"], committed["params"]["progress"]) == (200, "completed", "1")
    assert somebody.held("USD") == ("900.00", "900.00")
    assert somebody.held("BTC") == (quote["destination"]["amount"],) * 2
    (conversion,) = somebody.exchange.conversions
    assert (conversion.id, conversion.reference, conversion.status) == (quote["id"], "hb-1", Status.COMPLETED)
    assert (conversion.origin_currency, conversion.origin_amount) == ("USD", Decimal("100.00"))
    assert conversion.destination_amount == Decimal(quote["destination"]["amount"])
    assert (conversion.commission, conversion.commission_currency) == (Decimal("0.00002100"), "BTC")
    assert (conversion.committed_at, conversion.landed_at) == (NOW + 5, NOW + 5)


def test_the_exchange_reads_its_own_commit_back_word_for_word() -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "100", reference="hb-1")
    committed = somebody.commit(quote)
    assert somebody.read(quote).body == committed.body


def test_what_is_not_committed_reads_as_not_found() -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "100")
    assert (somebody.read(quote).status, somebody.read(quote).body) == (404, NOT_FOUND)
    assert list_of(somebody.get("/v0/me/transactions")) == []


@pytest.mark.parametrize(("late", "status"), [(17.999, 200), (18.0, 404), (60.0, 404)])
def test_a_quote_can_be_committed_until_its_time_is_over(late: float, status: int) -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "100")
    somebody.now += late
    assert somebody.commit(quote).status == status
    assert len(somebody.exchange.conversions) == (status == 200)


def test_a_second_commit_is_not_found_and_moves_nothing_more() -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "100")
    somebody.commit(quote)
    again = somebody.commit(quote)
    assert (again.status, again.body) == (404, NOT_FOUND)
    assert somebody.held("USD") == ("900.00", "900.00")


def test_a_quote_is_committed_on_its_own_card_only() -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "100")
    path = f"/v0/me/cards/{card_id('BTC')}/transactions/{quote['id']}/commit"
    assert somebody.post(path, {}).status == 404
    assert somebody.commit(quote).status == 200


def test_of_two_quotes_for_the_same_money_the_second_commit_is_refused_and_can_be_repeated() -> None:
    somebody = trader()
    first, second = somebody.offered("USD", "BTC", "600"), somebody.offered("USD", "ETH", "600")
    assert somebody.commit(first).status == 200
    refused = somebody.commit(second)
    assert refused.status == 400
    assert body_of(refused)["errors"]["denomination"]["errors"]["amount"][0]["code"] == "sufficient_funds"
    back = somebody.offered("BTC", "USD", str(Decimal(first["destination"]["amount"])))
    assert somebody.commit(back).status == 200
    assert somebody.commit(second).status == 200


def test_an_empty_body_commits_and_a_form_does_not() -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "100")
    path = f"/v0/me/cards/{card_id('USD')}/transactions/{quote['id']}/commit"
    form = somebody.ask("POST", path, headers={"content-type": "application/x-www-form-urlencoded"})
    assert body_of(form)["errors"] == {"object": [{"code": "required", "message": "This value is required"}]}
    assert somebody.ask("POST", path).status == 200


def test_commit_true_quotes_and_commits_in_one_step() -> None:
    somebody = trader()
    answer = somebody.quote("USD", "BTC", "100", query={"commit": "true"})
    assert (answer.status, body_of(answer)["status"]) == (200, "completed")
    assert somebody.held("USD") == ("900.00", "900.00")


def test_a_commit_under_way_reserves_what_is_available_until_it_lands() -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "400")
    account = somebody.exchange.account
    account.commit(card_id("USD"), quote["id"], NOW, Fate(Status.PROCESSING, seconds=10))
    assert somebody.held("USD") == ("1000.00", "600.00")
    assert somebody.held("BTC") == ("0.00000000", "0.00000000")
    assert somebody.quote("USD", "ETH", "600.01").status == 400
    somebody.now += 10
    assert somebody.held("USD") == ("600.00", "600.00")
    assert somebody.held("BTC") == (quote["destination"]["amount"],) * 2


def test_one_quote_committed_by_many_at_once_is_carried_out_once() -> None:
    somebody = trader()
    quote = somebody.offered("USD", "BTC", "100")
    together, statuses = Barrier(8), []

    def commit() -> None:
        together.wait()
        statuses.append(somebody.commit(quote).status)

    threads = [Thread(target=commit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [404] * 7
    assert somebody.held("USD") == ("900.00", "900.00")
    assert somebody.exchange.settle(NOW).conserved()


# --- lists ---


def test_transactions_are_listed_newest_first_and_by_the_page() -> None:
    somebody = trader()
    ids = converted(somebody, 60)
    first = somebody.get("/v0/me/transactions")
    assert (first.status, first.headers["Content-Range"]) == (206, "items 0-49/60")
    assert [each["id"] for each in list_of(first)] == ids[:9:-1]
    rest = somebody.ask("GET", "/v0/me/transactions", headers={"range": "items=50-99"})
    assert (rest.status, rest.headers["Content-Range"]) == (206, "items 50-59/60")
    assert [each["id"] for each in list_of(rest)] == ids[9::-1]


def test_a_page_has_at_most_fifty_items() -> None:
    somebody = trader()
    converted(somebody, 60)
    answer = somebody.ask("GET", "/v0/me/transactions", headers={"range": "items=0-59"})
    assert answer.headers["Content-Range"] == "items 0-49/60"


def test_a_page_of_an_empty_list_cannot_be_given() -> None:
    answer = trader().ask("GET", "/v0/me/transactions", headers={"range": "items=0-49"})
    assert answer.status == 416


def test_a_card_lists_what_left_it_and_what_came() -> None:
    somebody = trader()
    (bought,) = converted(somebody, 1)
    somebody.commit(somebody.offered("USD", "ETH", "100"))
    listed = {
        code: len(list_of(somebody.get(f"/v0/me/cards/{card_id(code)}/transactions"))) for code in ("USD", "BTC", "EUR")
    }
    assert listed == {"USD": 2, "BTC": 1, "EUR": 0}
    assert list_of(somebody.get(f"/v0/me/cards/{card_id('BTC')}/transactions"))[0]["id"] == bought
    assert somebody.get(f"/v0/me/cards/{ANY_ID}/transactions").status == 404


# --- cards and the user ---


def test_a_card_remembers_its_last_transaction() -> None:
    somebody = trader()
    path = f"/v0/me/cards/{card_id('BTC')}"
    assert body_of(somebody.get(path))["lastTransactionAt"] is None
    somebody.commit(somebody.offered("USD", "BTC", "100"))
    assert body_of(somebody.get(path))["lastTransactionAt"] == "2027-01-15T08:00:00.000Z"


def test_a_card_can_be_opened_beside_another_of_its_currency() -> None:
    somebody = trader()
    opened = body_of(somebody.post("/v0/me/cards", {"label": "Savings", "currency": "BTC"}))
    assert (opened["label"], opened["balance"]) == ("Savings", "0.00000000")
    both = list_of(somebody.get("/v0/me/cards", q="currency:BTC"))
    assert [card["id"] for card in both] == [card_id("BTC"), opened["id"]]
    assert [card["id"] for card in list_of(somebody.get("/v0/me/cards", q=f"id:{opened['id']}"))] == [opened["id"]]
    assert somebody.exchange.settle(NOW).conserved()


@pytest.mark.parametrize("wish", [{}, {"label": "x"}, {"currency": "BTC"}, {"label": "x", "currency": "XYZ"}, []])
def test_a_card_without_a_label_or_a_known_currency_is_refused(wish: object) -> None:
    somebody = trader()
    answer = somebody.post("/v0/me/cards", wish)
    assert (answer.status, body_of(answer)["code"]) == (400, "validation_failed")


def test_the_user_shows_whether_a_transfer_needs_a_one_time_password() -> None:
    for wanted in (False, True):
        user = body_of(trader(rules=Rules(otp_on_transfers=wanted)).get("/v0/me"))
        assert user["settings"]["otp"]["transactions"]["transfer"] == {"enabled": wanted}


def test_where_one_is_needed_a_commit_without_a_one_time_password_says_so_in_a_header() -> None:
    somebody = trader(rules=Rules(otp_on_transfers=True))
    quote = somebody.offered("USD", "BTC", "100")
    refused = somebody.commit(quote)
    assert (refused.status, refused.headers["OTP-Token"]) == (401, "required")
    assert somebody.quote("USD", "BTC", "100", query={"validate": "true"}).status == 401
    assert somebody.quote("USD", "BTC", "100", query={"commit": "true"}).status == 401
    assert somebody.exchange.conversions == ()
    assert somebody.commit(quote, **{"otp-token": "123456"}).status == 200


def test_a_validated_quote_is_a_quote() -> None:
    somebody = trader()
    assert somebody.quote("USD", "BTC", "100", query={"validate": "true"}).status == 202
    assert somebody.exchange.conversions == ()


# --- who is let in ---


def test_any_token_opens_the_account_unless_it_has_its_own() -> None:
    for token, status in (("mine", 200), ("other", 401)):
        somebody = trader(rules=Rules(token="mine"))
        somebody.token = token
        answers = [somebody.get("/v0/me/cards"), somebody.get("/v0/me"), somebody.get("/v0/me/transactions")]
        assert {answer.status for answer in answers} == {status}
    body = body_of(somebody.get("/v0/me/cards"))
    assert body["error"] == "invalid_token"
    assert body["error_description"]
    assert somebody.get("/v0/ticker").status == 200


def test_each_scope_opens_its_own_door() -> None:
    doors: dict[str, Callable[[Trader], Answer]] = {
        "cards:read": lambda somebody: somebody.get("/v0/me/cards"),
        "cards:write": lambda somebody: somebody.post("/v0/me/cards", {"label": "x", "currency": "BTC"}),
        "transactions:read": lambda somebody: somebody.get("/v0/me/transactions"),
        "transactions:transfer:self": lambda somebody: somebody.quote("USD", "BTC", "1"),
        "user:read": lambda somebody: somebody.get("/v0/me"),
    }
    for scope in doors:
        somebody = trader(rules=Rules(scopes={scope}))
        for needed, knock in doors.items():
            answer = knock(somebody)
            assert (answer.status < 300) == (needed == scope)
            if needed != scope:
                assert (answer.status, body_of(answer)["code"]) == (403, "forbidden")
                assert needed in body_of(answer)["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v0/me/nothing"), ("POST", "/v0/me"), ("DELETE", "/v0/me/cards"), ("PUT", "/v0/me/transactions")],
)
def test_there_is_nothing_else_under_the_account(method: str, path: str) -> None:
    assert trader().ask(method, path).status == 404


# --- the truth ---


def test_the_truth_is_told_with_what_each_currency_opened_with_and_holds() -> None:
    somebody = trader({"USD": "1000", "EUR": "5"})
    quote = somebody.offered("USD", "BTC", "100", reference="hb-1")
    somebody.commit(quote)
    truth = body_of(somebody.get("/local/conversions"))
    (conversion,) = truth["conversions"]
    assert conversion == {
        "id": quote["id"],
        "reference": "hb-1",
        "origin_card": card_id("USD"),
        "origin_currency": "USD",
        "origin_amount": "100.00",
        "destination_card": card_id("BTC"),
        "destination_currency": "BTC",
        "destination_amount": quote["destination"]["amount"],
        "commission": quote["destination"]["commission"],
        "commission_currency": "BTC",
        "committed_at": NOW,
        "landed_at": NOW,
        "status": "completed",
    }
    assert (truth["opening"]["USD"], truth["balances"]["USD"], truth["moved"]["USD"]) == (
        "1000.00",
        "900.00",
        "-100.00",
    )
    assert truth["balances"]["BTC"] == truth["moved"]["BTC"] == quote["destination"]["amount"]
    assert truth["commissions"] == {"BTC": quote["destination"]["commission"]}
    assert truth["available"][card_id("USD")] == "900.00"
    assert truth["conserved"] is True


def test_a_balance_that_nobody_moved_is_a_discrepancy() -> None:
    books = trader().exchange.settle(NOW)
    others = tuple(card for card in books.cards if card.currency != "EUR")
    (euros,) = set(books.cards) - set(others)
    spoilt = replace(books, cards=(*others, replace(euros, balance=euros.balance + Decimal("0.01"))))
    assert books.conserved()
    assert spoilt.discrepancies() == {"EUR": Decimal("0.01")}
    assert not spoilt.conserved()


def test_more_reserved_than_there_is_is_not_conserved() -> None:
    books = trader().exchange.settle(NOW)
    overspent = tuple(replace(card, reserved=card.balance + Decimal("0.01")) for card in books.cards)
    assert not replace(books, cards=overspent).conserved()
