"""What an address may carry after its question mark."""

from reading import Query, Text

from heisenbug.domain.assets import PAIR_PATTERN
from heisenbug.domain.registered import NAME_PATTERN
from heisenbug.domain.rules import Integer
from heisenbug.filtering import ASSET, ENDED

FROM_TIME = {"type": "string", "examples": ["2025-05-10"]}
TO_TIME = {"type": "string", "examples": ["2025-05-11"]}
LIMIT = Query("limit", Integer(1, 100), 20, "How many at most.")
CONVERSIONS = Query("limit", Integer(1, 1000), 20, "How many at most.")
POINTS = Query("limit", Integer(1, 1000), 200, "How many of the newest samples at most.")
SAMPLES = Query("limit", Integer(1, 500), 120, "How many of the newest samples at most.")
CURSOR = Query("cursor", Integer(1, 2**40), None, "Go on from the cursor of the answer before.")
YEAR = Query("year", Integer(2000, 9999), None, "The calendar year (UTC); else the one that it is.")
MOMENT = Query("cursor", Integer(2, 2**40), None, "Go on from the cursor of the answer before.")
PAIR = Text(
    "pair", {"type": "string", "pattern": PAIR_PATTERN, "examples": ["BTC-USD"]}, "One pair alone, such as BTC-USD."
)
BOT = Text("bot", {"type": "string", "pattern": f"^{NAME_PATTERN}$"}, "Of this bot; else of the deployment's own.")
TRADES = (
    Text("asset", ASSET.schema(), "Only trades that give or take this asset."),
    Text("state", ENDED.schema(), "Only trades that ended so."),
    Text("from", FROM_TIME, "Only trades that were decided at this time or later; a day is its beginning (UTC)."),
    Text("to", TO_TIME, "Only trades that were decided before this time; a day is its beginning (UTC)."),
)
