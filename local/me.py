"""The account's routes: cards, quotes, commits, and what became of them."""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import count
from uuid import NAMESPACE_URL, uuid5

from heisenbug.markets.market import Quotes
from local import refusals
from local.account import AT_ONCE, Account, CommittedBefore, Fate, NotEnough, Unknown
from local.answers import Answer, Json, Request, error, filtered, not_found, page
from local.books import Conversion, Offer, Status
from local.offering import Moment, make_offer
from local.quoting import read_object, read_wish
from local.refusals import Refused
from local.rules import Rules
from local.shapes import card_body, committed_body, user_body
from local.trouble import UNDER_WAY, Mishap, Trouble

LATE_SECONDS = 30.0
READS_UNDER_WAY = 2
_FORM = "application/x-www-form-urlencoded"


class Me:
    """What a user may do with the account, under the rules."""

    def __init__(self, account: Account, rules: Rules, currencies: tuple[str, ...]) -> None:
        self.account = account
        self.rules = rules
        self._currencies = currencies
        self._numbers = count()

    def answer(self, path: list[str], moment: Moment) -> Answer:
        """The answer to a request for `path` under /v0/me."""
        try:
            match moment.request.method:
                case "GET":
                    return self._shown(path, moment)
                case "POST":
                    return self._done(path, moment)
        except Refused as refused:
            return refused.answer
        except Unknown:
            return not_found()
        except NotEnough:
            return refusals.sufficient_funds()
        except CommittedBefore:
            return refusals.exists_already() if moment.has(Mishap.RECOMMIT_EXISTS) else not_found()
        return not_found()

    def _shown(self, path: list[str], moment: Moment) -> Answer:
        match path:
            case []:
                return Answer(user_body(self._currencies, self.rules.otp_on_transfers))
            case ["cards"]:
                return self._cards(moment)
            case ["cards", card_id]:
                return Answer(self._card_body(card_id, moment.quotes))
            case ["cards", card_id, "transactions"]:
                return self._of_card(card_id, moment.request)
            case ["transactions"]:
                return _listed(self.account.books().conversions, moment.request)
            case ["transactions", transaction_id]:
                return Answer(committed_body(self.account.look(transaction_id, moment.now)))
        return not_found()

    def _done(self, path: list[str], moment: Moment) -> Answer:
        match path:
            case ["cards"]:
                return self._open_card(moment)
            case ["cards", card_id, "transactions"]:
                return self._transact(card_id, moment)
            case ["cards", card_id, "transactions", offer_id, "commit"]:
                _refuse_form(moment.request)
                return self._commit(card_id, offer_id, moment)
        return not_found()

    def _cards(self, moment: Moment) -> Answer:
        currencies, ids = (filtered(moment.request.query, name) for name in ("currency", "id"))
        bodies = [card_body(card, place, moment.quotes) for place, card in enumerate(self.account.cards())]
        wanted = [body for body in bodies if not currencies or body["currency"] in currencies]
        return page([body for body in wanted if not ids or body["id"] in ids], moment.request)

    def _card_body(self, card_id: str, quotes: Quotes) -> Json:
        for position, card in enumerate(self.account.cards()):
            if card.id == card_id:
                return card_body(card, position, quotes)
        raise Unknown

    def _open_card(self, moment: Moment) -> Answer:
        wanted = read_object(moment.request.body)
        for field in ("label", "currency"):
            if not wanted.get(field):
                return refusals.required(field)
        if wanted["currency"] not in self._currencies:
            return refusals.invalid_value("currency")
        card = self.account.open_card(str(wanted["currency"]), str(wanted["label"]))
        return Answer(self._card_body(card.id, moment.quotes))

    def _of_card(self, card_id: str, request: Request) -> Answer:
        self.account.card(card_id)
        conversions = self.account.books().conversions
        return _listed([each for each in conversions if card_id in (each.origin_card, each.destination_card)], request)

    def _transact(self, card_id: str, moment: Moment) -> Answer:
        """A quote; carried out at once with ?commit=true, and with ?validate=true checked as its commit would be."""
        query = moment.request.query
        if query.get("validate") == "true":
            self._need_otp(moment.request)
        offer = self._offer(card_id, moment)
        if query.get("commit") == "true":
            return self._commit(card_id, offer.id, moment)
        return Answer(offer.body, HTTPStatus.ACCEPTED)

    def _offer(self, card_id: str, moment: Moment) -> Offer:
        cards = {card.id: card for card in self.account.cards()}
        wish = read_wish(moment.request.body, self.account.card(card_id), cards)
        number = f"simulated-exchange/transactions/{moment.now!r}/{next(self._numbers)}"
        offer = make_offer(str(uuid5(NAMESPACE_URL, number)), wish, self.rules, moment)
        self.account.offer(offer)
        return offer

    def _commit(self, card_id: str, offer_id: str, moment: Moment) -> Answer:
        self._need_otp(moment.request)
        trouble = moment.trouble
        if trouble is not None and trouble.kind == Mishap.LANDS_LATE:
            seconds = LATE_SECONDS if trouble.seconds is None else trouble.seconds
            self.account.commit_late(card_id, offer_id, moment.now, seconds)
            return error(HTTPStatus.GATEWAY_TIMEOUT, "gateway_timeout", "Gateway Timeout")
        return Answer(committed_body(self.account.commit(card_id, offer_id, moment.now, _fate(trouble))))

    def _need_otp(self, request: Request) -> None:
        if self.rules.otp_on_transfers and not request.headers.get("otp-token"):
            raise Refused(refusals.otp_required())


def _fate(trouble: Trouble | None) -> Fate:
    """How a commit goes on under this trouble: without a measure, it is under way for two looks."""
    if trouble is None or trouble.kind not in UNDER_WAY:
        return AT_ONCE
    status = Status.ON_HOLD if trouble.kind == Mishap.UNKNOWN_STATUS else Status.PROCESSING
    ends = Status.FAILED if trouble.kind == Mishap.PROCESSING_THEN_FAILED else Status.COMPLETED
    measured = trouble.reads is not None or trouble.seconds is not None
    return Fate(status, trouble.reads if measured else READS_UNDER_WAY, trouble.seconds, ends)


def _listed(conversions: Iterable[Conversion], request: Request) -> Answer:
    """The conversions of a list, newest first, by the page."""
    newest_first = sorted(conversions, key=lambda each: each.created_at, reverse=True)
    return page([committed_body(each) for each in newest_first], request)


def _refuse_form(request: Request) -> None:
    """A body that says it is a form is not taken for JSON, not even an empty one."""
    if request.headers.get("content-type", "").startswith(_FORM):
        raise Refused(refusals.required("object"))
