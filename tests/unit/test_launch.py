"""What the emulator is taught before it starts."""

from local.launch import match_any_letter


def only_one_line(route_path: str, request_path: str) -> dict[str, str] | None:
    start = route_path.removesuffix("{name}")
    return {"name": request_path.removeprefix(start)} if "\n" not in request_path else None


def test_a_line_feed_in_a_path_is_a_letter_of_what_it_names() -> None:
    assert match_any_letter(only_one_line)("/trades/{name}", "/trades/\nx") == {"name": "\nx"}


def test_what_does_not_match_still_does_not() -> None:
    assert match_any_letter(lambda route, asked: None)("/trades/{name}", "/other") is None


def test_a_path_that_names_nothing_still_matches() -> None:
    assert match_any_letter(lambda route, asked: {})("/trades", "/trades") == {}
