"""What a person types when asked, or a program sends on stdin."""

import sys

import typer


def hear(question: str, hidden: bool = False) -> str:
    """One line without spaces around it: asked for at a terminal, hidden where told, elsewhere the next of stdin."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return str(typer.prompt(question, default="", show_default=False, hide_input=hidden, err=True)).strip()
