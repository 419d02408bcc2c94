"""Errors of the command line: one sentence on stderr, exit code 1 (2 for what was typed wrong)."""


class CannotRun(Exception):
    """Something this command needs is missing or in the way; the text says what, why and what to do next."""


class Refused(Exception):
    """The bot refused; `fields` are its words about each bad field, `code` is its one word for what is wrong."""

    def __init__(self, message: str, fields: list[dict[str, str]], code: str = "") -> None:
        super().__init__(message)
        self.fields = fields
        self.code = code


class Mistyped(Exception):
    """What was typed cannot be used, or names a file that cannot; the text says why and what to give instead."""
