"""Values as people read them."""

import pytest

from bridge.shown import ITEMS_MAX, TEXT_MAX, Fields, Moment, Number, Ranking, Span, show


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (20.0, "number", "20"),
        (1e20, "number", "1e+20"),
        (9.33333, "number", "9.33"),
        (12345.678, "number", "12345.7"),
        (0.00123456, "number", "0.00123"),
        (0.9999, "number", "1"),
        (-0.0, "number", "0"),
        (float("nan"), "number", "nan"),
        (float("inf"), "bytes", "inf"),
        (93.1234, "percent", "93.1%"),
        (90.0, "percent", "90%"),
        (512.0, "bytes", "512 B"),
        (8.8e9, "bytes", "8.2 GiB"),
        (2.0**33, "bytes", "8 GiB"),
        (1048575.0, "bytes", "1 MiB"),
        (-2048.0, "bytes", "-2 KiB"),
        (2.0**60, "bytes", "1048576 TiB"),
        (90.0, "seconds", "1m30s"),
        (0.0, "seconds", "0s"),
        (0.0003, "seconds", "300us"),
        (30 * 86400.0, "time", "30d"),
        (3.0, "any", "3"),
    ],
)
def test_a_number_is_shown_in_the_unit_of_its_kind(value: float, kind: str, text: str) -> None:
    assert str(Number(value, kind)) == text


def test_an_approximate_number_says_so() -> None:
    assert str(Number(93.12, "percent", approximate=True)) == "≈93.1%"


def test_spans_moments_and_rankings_are_readable() -> None:
    assert str(Span(750)) == "12m30s"
    assert str(Moment(1795448665.9)) == "2026-11-23 15:44:25 UTC"
    assert str(Ranking([("alice", 12), ("", 3)])) == "alice (12), (none) (3)"
    assert list(Ranking([("alice", 12)])) == [("alice", 12)]


@pytest.mark.parametrize("seconds", [1e300, -1e15, float("nan"), float("inf")])
def test_a_moment_that_no_calendar_has_is_a_value_error(seconds: float) -> None:
    with pytest.raises(ValueError, match="outside of every calendar"):
        str(Moment(seconds))


NESTED = Fields({"client": {"name": "web", "tags": ["a", "b"]}, "count": 0})
FLAT = Fields({"client.name": "web", "client.tags": ["a", "b"], "count": 0})


@pytest.mark.parametrize("fields", [NESTED, FLAT])
def test_fields_are_found_by_path_in_nested_and_in_flat_mappings(fields: Fields) -> None:
    client = fields.get("client")
    assert isinstance(client, Fields)
    assert client.get("name") == fields.get("client.name") == "web"
    assert fields.get("count") == 0


def test_what_is_absent_is_empty_text_and_so_is_all_below_it() -> None:
    absent = NESTED.get("server")
    assert isinstance(absent, Fields)
    for nothing in (absent, absent.get("name.first")):
        assert str(nothing) == ""
        assert nothing == ""
        assert not nothing
        assert hash(nothing) == hash("")
    assert list(absent) == []


def test_a_part_of_the_event_is_shown_as_json() -> None:
    assert str(NESTED.get("client")) == '{"name":"web","tags":["a","b"]}'
    assert NESTED.get("client") == Fields({"name": "web", "tags": ["a", "b"]})
    assert NESTED.get("client") != ""


def test_fields_tell_what_they_hold() -> None:
    assert "client.name" in FLAT
    assert "client.user" not in FLAT
    assert 5 not in FLAT
    assert list(NESTED) == ["client", "count"]
    assert len(NESTED) == 2


def test_a_long_list_is_cut_before_a_template_sees_it() -> None:
    items = Fields({"all": list(range(10 * ITEMS_MAX))}).get("all")
    assert isinstance(items, list)
    assert len(items) == ITEMS_MAX


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (3, "3"),
        (3.0, "3"),
        ("text", "text"),
        ([1, None, "a"], "1, , a"),
        ({"a": Span(1)}, '{"a":"1s"}'),
        (Ellipsis, "Ellipsis"),
    ],
)
def test_any_value_has_a_text(value: object, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize("value", ["x" * 50_000, ["x" * 300] * 1000, {"a": "x" * 50_000}, Fields({"a": "x" * 50_000})])
def test_a_long_text_is_cut(value: object) -> None:
    text = show(value)
    assert len(text) == TEXT_MAX
    assert text.endswith("…")
