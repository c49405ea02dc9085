"""Text on its way out."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.text import MARKS_MAX, cut, encodable, lines, one_line

texts = st.text(st.characters(codec=None))


@given(texts)
def test_any_text_can_be_encoded(text: str) -> None:
    encodable(text).encode()


@given(texts)
def test_one_line_is_one_line_of_printable_characters(text: str) -> None:
    assert all(char.isprintable() or char == "\u00a0" for char in one_line(text))


@given(texts)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    assert lines(lines(text)) == lines(text)


def test_lines_stay_lines_and_one_line_shows_where_they_ended() -> None:
    assert lines("one\r\ntwo\rthree\n") == "one\ntwo\nthree"
    assert one_line("one\r\ntwo") == "one⏎two"


def test_other_scripts_and_accents_are_kept() -> None:
    text = "naïve e\u0301 名前 имя שָׁלוֹם हिन्दी"
    assert lines(text) == text


def test_escape_sequences_directions_and_towers_are_taken_apart() -> None:
    assert one_line("\x1b[31mred\x1b[0m") == "[31mred[0m"
    assert one_line("\u202eevil\u2066") == "evil"
    assert one_line("z" + "\u0300" * 50) == "z" + "\u0300" * MARKS_MAX


@given(texts, st.integers(1, 20))
def test_a_cut_text_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit
