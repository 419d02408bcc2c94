"""Who is let in, and what for: a request's step, its bearer token and the scopes that it needs."""

import re

from local.answers import Answer, Request
from local.refusals import invalid_token, missing_scope
from local.rules import Rules
from local.trouble import Step

_SCOPES = {
    ("GET", Step.CARDS): "cards:read",
    ("POST", Step.CARDS): "cards:write",
    ("POST", Step.QUOTE): "transactions:transfer:self",
    ("POST", Step.COMMIT): "transactions:transfer:self",
    ("GET", Step.READ): "transactions:read",
    ("GET", Step.ME): "user:read",
}
_ROUTES = (
    ("GET", re.compile("v0/ticker(/[^/]*)?"), Step.TICKER),
    ("GET", re.compile("v0/assets"), Step.ASSETS),
    ("GET", re.compile("v0/me"), Step.ME),
    ("GET", re.compile("v0/me/cards(/[^/]*)?"), Step.CARDS),
    ("POST", re.compile("v0/me/cards"), Step.CARDS),
    ("POST", re.compile("v0/me/cards/[^/]*/transactions"), Step.QUOTE),
    ("POST", re.compile("v0/me/cards/[^/]*/transactions/[^/]*/commit"), Step.COMMIT),
    ("GET", re.compile("v0/me/(cards/[^/]*/)?transactions"), Step.READ),
    ("GET", re.compile("v0/me/transactions/[^/]*"), Step.READ),
)


def step_of(request: Request) -> Step | None:
    """What a request is for, a quote that is to be committed at once being a commit; none where there is no route."""
    path = request.path.strip("/")
    steps = [step for method, route, step in _ROUTES if method == request.method and route.fullmatch(path)]
    if Step.QUOTE in steps and request.query.get("commit") == "true":
        return Step.COMMIT
    return steps[0] if steps else None


def refused_entry(request: Request, rules: Rules) -> Answer | None:
    """Why the account is closed to this request, or none where it may come in."""
    step = step_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return invalid_token("Send any token: Authorization: Bearer TOKEN")
    if rules.token is not None and token.strip() != rules.token:
        return invalid_token()
    scope = None if step is None else _SCOPES.get((request.method, step))
    if scope is not None and rules.scopes is not None and scope not in rules.scopes:
        return missing_scope(scope)
    return None
