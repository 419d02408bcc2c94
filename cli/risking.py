"""`heisenbug live`: the last of the three acts that live money needs, typed by a person who was told what it risks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from getpass import getuser
from typing import Any

from cli import show
from cli.asking import Json
from cli.errors import CannotRun
from cli.hearing import hear
from cli.trader import ask_trader
from heisenbug.domain.venue import UPHOLD, VENUES, Venue

Look = Mapping[str, Any]
# What a look finds first: whether the deployment and the exchange let the bot in at all.
OPENING = ("deployment", "token", "key")
# What is found where the assets of the budget cannot be told.
HOLDING = ("cards", "balances")
LIMITS = (
    "It counts nothing else as its own: no other asset, no other card, and of these cards no more than this.",
    "It cannot protect you from prices that move against it, from what {title} charges (there and back between USD and "
    "BTC about {percent:g} %), from an exchange that fails, or from anybody else who uses {these}. "
    "max_drawdown stops it after a loss, not before; what it holds is sold at the exits that are set, or not at all.",
)


@dataclass(frozen=True, slots=True)
class Act:
    """One of the three acts, whether it is done, and what to do or what was found."""

    name: str
    done: bool
    says: str


def live(json: Json = False) -> None:
    """Give the bot live money: look at everything, say what is missing and what is risked, ask for it to be typed.

    A program may send the sentence on stdin; there is no option for it. --json looks and asks nothing.
    """
    look = ask_trader({"look": True})
    if json:
        show.as_json(look)
        return
    show_findings(look)
    three = acts(look)
    show_acts(three)
    refuse_before(three, look)
    tell_risk(look)
    give(str(look["to_type"]))


def show_findings(look: Look) -> None:
    """What the trader found, one row each."""
    rows = [{**found, "ok": "ok" if found["ok"] else "LOOK"} for found in look["findings"]]
    show.table(rows, {"ok": "", "name": "Looked at", "says": "Found"}, "")


def acts(look: Look) -> tuple[Act, Act, Act]:
    """The three acts that live money needs, as far as they are done."""
    found = {finding["name"]: finding for finding in look["findings"]}
    bar = next((found[name] for name in OPENING if name in found and not found[name]["ok"]), None)
    is_set, is_typed = look["mode"] == "live", not look["missing"]
    return (
        Act("1 LiveTrading=enabled and a credential", bar is None, "done" if bar is None else bar["says"]),
        Act("2 mode=live", is_set, "done" if is_set else f"it is {look['mode']}: heisenbug config set mode=live"),
        Act("3 typing what may be risked", is_typed, "done" if is_typed else _untyped(look, bar is None)),
    )


def _untyped(look: Look, is_deployed: bool) -> str:
    return str(look["missing"]) if is_deployed else "comes last"


def show_acts(three: tuple[Act, Act, Act]) -> None:
    """The three acts, one row each."""
    show.table(
        [{"done": "done" if act.done else "MISSING", "name": act.name, "says": act.says} for act in three],
        {"done": "", "name": "Act", "says": "Says"},
        "",
    )


def refuse_before(three: tuple[Act, Act, Act], look: Look) -> None:
    """Raise CannotRun while the sentence cannot be typed yet: it is the last act, and a bot on paper forgets it."""
    barring = [act.says for act in three[:2] if not act.done]
    barring += [
        finding["says"]
        for finding in look["findings"]
        if finding["name"] in ("cards", "balances") and not finding["ok"]
    ]
    if not look["to_type"]:
        barring.append(three[2].says)
    if barring:
        raise CannotRun(f"Nothing is asked yet. {' '.join(barring)} Then: heisenbug live.")


def tell_risk(look: Look) -> None:
    """What is risked, in plain words."""
    show.say("[bold]What the bot may risk, from the next tick on, without asking again:[/]")
    for line in risked(look):
        show.tell(f"  {line}")
    for limit in limits(VENUES[look.get("venue", UPHOLD.name)]):
        show.tell(limit)
    if not all(finding["ok"] for finding in look["findings"]):
        show.say("[bold]What says LOOK above is not well; with it the bot may stop at its first trade.[/]")


def limits(venue: Venue) -> Iterator[str]:
    """What the bot keeps to at a venue, and what it cannot do."""
    these = "this account or the key" if venue.has_books else "these cards or the token"
    percent = round(2 * 100 * venue.fee("USD", "BTC", None), 1)
    return (limit.format(title=venue.title, percent=percent, these=these) for limit in LIMITS)


def risked(look: Look) -> Iterator[str]:
    """Each amount of the sentence, with the card that it is on."""
    cards = {finding["name"]: finding["says"] for finding in look["findings"]}
    for part in look["to_type"].removeprefix("risk ").split(" and "):
        amount, asset = part.split()
        card = cards.get(f"card {asset}", "a card that was not found")
        yield f"at most {amount} {asset} at any time; there is {card}"


def give(sentence: str) -> None:
    """Ask for the sentence and give the money; raises CannotRun where anything else was typed."""
    typed = hear(f"To give it, type: {sentence}\n")
    if typed != sentence:
        raise CannotRun(f"Nothing was given: '{sentence}' was to be typed, exactly so. The bot goes on as before.")
    given = ask_trader({"typed": typed, "by": person()})["given"]
    show.tell(f"Given: {given}.")
    show.say("It trades this money from the next tick on, if it is started. Next: heisenbug watch.")
    show.say("Back to paper: heisenbug config set mode=paper. Stop at once: heisenbug kill.")


def person() -> str:
    """Who sits here, as this computer knows them."""
    try:
        return getuser()
    except (OSError, KeyError):
        return "a person"
