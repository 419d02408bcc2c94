"""What the API sends and takes, as JSON schema, by the names that the routes use; only its document is made of it."""

import shapes_bot
import shapes_settings
import shapes_tests
import shapes_trades
from shape_bits import FIELD_ERROR, MOMENT, TEXT, WHOLE, Shape, all_of, list_of, or_none, ref

CODES = (
    *("invalid", "not_json", "not_an_object", "bad_version", "no_token", "unauthorized", "forbidden"),
    *("not_found", "method_not_allowed", "stale_version", "too_large", "busy", "too_many_guesses", "not_sent"),
)
ERROR = {
    **all_of(
        {
            "error": all_of(
                {"code": {"type": "string", "enum": [*CODES]}, "message": TEXT, "fields": list_of(FIELD_ERROR)}
            ),
            "config": ref("Config"),
        }
    ),
    "required": ["error"],
}
SESSION = all_of(
    {
        "role": {"type": "string", "enum": ["admin", "reader", ""]},
        "by": {"type": "string", "enum": ["token", "session", "public", ""]},
        "expires_at": or_none(MOMENT),
    }
)


def shapes() -> dict[str, Shape]:
    """Every shape by its name."""
    return {
        "Error": ERROR,
        "Gateway": {**all_of({"message": TEXT}), "description": "What API Gateway itself says, without the bot."},
        "Pong": all_of({"status": {"const": "pong"}, "at": MOMENT}),
        "Session": SESSION,
        "Ticket": all_of({"ticket": TEXT, "expires_in": WHOLE, "websocket_url": TEXT}),
        **shapes_bot.SHAPES,
        **shapes_settings.SHAPES,
        **shapes_trades.SHAPES,
        **shapes_tests.SHAPES,
    }
