"""The bots of the deployment over HTTP: listed, created, removed."""

from answering import Plain
from reading import Request
from routing import Access, Office, Routes

routes = Routes()


@routes.add("GET", "/api/bots", "Bots")
def bots(office: Office, request: Request) -> Plain:
    """Every bot with how it is, the deployment's own first, and the names of those that were removed."""
    return office.fleet.all()


@routes.add("POST", "/api/bots", "Bot", access=Access.ADMIN, sends="BotWish")
def create_bot(office: Office, request: Request) -> Plain:
    """Create a bot, stopped and on paper, at a venue, with the settings and pairs of another where it is a clone."""
    return office.fleet.create(request.sent_of("name", "venue", "clone"), "api")


@routes.add("DELETE", "/api/bots/{id}", "BotRemoved", access=Access.ADMIN)
def remove_bot(office: Office, request: Request) -> Plain:
    """Remove a bot for good; what it did is kept under its name. Not the own one, nor while a trade is open."""
    return office.fleet.remove(request.named["id"], "api")
