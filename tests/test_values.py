"""Durations, quantities and secrets: what is read is what was meant, and what is printed can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from bridge.values import (
    DAY,
    HOUR,
    MILLISECOND,
    MINUTE,
    SECOND,
    WEEK,
    Duration,
    Quantity,
    Secret,
    format_duration,
    format_number,
    parse_duration,
    parse_quantity,
    write_duration,
)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("500ms", 500 * MILLISECOND),
        ("30s", 30 * SECOND),
        ("1m30s", 90 * SECOND),
        ("2h", 2 * HOUR),
        ("7d", 7 * DAY),
        ("1w", WEEK),
        ("1.5h", 90 * MINUTE),
        ("10us", 10),
        ("10µs", 10),
        ("0s", 0),
        ("0", 0),
        (0, 0),
    ],
)
def test_a_duration_is_read_in_microseconds(text: object, micros: int) -> None:
    assert parse_duration(text) == micros


@pytest.mark.parametrize(
    "text", [True, False, None, "", "s", "1", "-1s", "1s ", "1 s", "1y", "\u0661s", "1e3s", "1..5s", []]
)
def test_what_is_no_duration_is_refused_with_a_way_to_write_it(text: object) -> None:
    with pytest.raises(ValueError, match="; write "):
        parse_duration(text)


@pytest.mark.parametrize("bare", [30, "30", 1.5])
def test_a_bare_number_is_refused_with_the_fix(bare: object) -> None:
    with pytest.raises(ValueError, match=f"write {bare}s or {bare}m"):
        parse_duration(bare)


@pytest.mark.parametrize("text", ["101w" * 60, "9" * 400 + "s", "40000d"])
def test_a_duration_longer_than_a_century_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than 100 years"):
        parse_duration(text)


@given(st.integers(0, 100 * 365 * DAY))
def test_a_written_duration_reads_back_exactly(micros: int) -> None:
    assert parse_duration(write_duration(micros)) == micros


def test_a_serialised_duration_is_exact() -> None:
    assert TypeAdapter(Duration).dump_python(DAY + 2 * HOUR + 3 * MINUTE) == "1d2h3m"


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0s"),
        (300, "300us"),
        (1500, "2ms"),
        (999_499, "999ms"),
        (999_999, "1s"),
        (1_500_000, "1.5s"),
        (9_990_000, "10s"),
        (90 * SECOND, "1m30s"),
        (59_600_000, "1m"),
        (86_399_700_000, "1d"),
        (DAY + 5 * MINUTE, "1d"),
        (DAY + 2 * HOUR + 3 * MINUTE, "1d2h"),
        (10 * DAY, "10d"),
        (-90 * SECOND, "-1m30s"),
    ],
)
def test_people_read_the_two_largest_parts(micros: int, text: str) -> None:
    assert format_duration(micros) == text


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        (3, 3.0, "number"),
        (0.5, 0.5, "number"),
        (1e22, 1e22, "number"),
        (1e-7, 1e-7, "number"),
        ("-2.5", -2.5, "number"),
        ("1e6", 1e6, "number"),
        (" 90% ", 90.0, "percent"),
        ("90 %", 90.0, "percent"),
        ("8GiB", 8 * 2**30, "bytes"),
        ("8 GB", 8e9, "bytes"),
        ("512B", 512.0, "bytes"),
        ("500ms", 0.5, "seconds"),
        ("30d", 30 * 86400.0, "seconds"),
        ("-30s", -30.0, "seconds"),
    ],
)
def test_a_quantity_has_a_value_in_the_unit_of_its_kind(text: object, value: float, kind: str) -> None:
    quantity = parse_quantity(text)
    assert (quantity.value, quantity.kind) == (value, kind)


@pytest.mark.parametrize(
    "text", [True, None, "", "%", "8G", "eight", "1 000", "\u0663", float("nan"), float("inf"), "--1", []]
)
def test_what_is_no_quantity_is_refused_with_a_way_to_write_it(text: object) -> None:
    with pytest.raises(ValueError, match="; write "):
        parse_quantity(text)


@pytest.mark.parametrize("text", [10**400, "1e999", "9" * 400 + "GiB"])
def test_a_quantity_beyond_all_numbers_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="too large"):
        parse_quantity(text)


def test_errors_quote_only_the_beginning_of_a_long_text() -> None:
    with pytest.raises(ValueError, match="…") as raised:
        parse_quantity("x" * 10_000)
    assert len(str(raised.value)) < 200


def test_a_quantity_survives_serialisation() -> None:
    adapter = TypeAdapter(Quantity)
    assert adapter.validate_json(adapter.dump_json(parse_quantity("8GiB"))) == parse_quantity("8GiB")


@pytest.mark.parametrize(
    ("number", "text"), [(9.0, "9"), (1.5, "1.5"), (-0.0, "0"), (1e14, "1" + "0" * 14), (1e300, "1e+300")]
)
def test_the_plain_form_of_a_number_has_no_needless_decimals(number: float, text: str) -> None:
    assert format_number(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_plain_form_of_a_number_is_exact(number: float) -> None:
    assert float(format_number(number)) == number


class _Login(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True)
    password: Secret


def test_a_secret_is_shown_nowhere() -> None:
    login = _Login.model_validate({"password": "hunter2"})
    shown = f"{login} {login!r} {login.model_dump()} {login.model_dump_json()} {login.password} {[login.password]}"
    assert "hunter2" not in shown
    assert login.password.reveal() == "hunter2"


def test_a_secret_loses_the_line_end_of_its_file() -> None:
    assert _Login.model_validate({"password": " hunter2\n"}).password == Secret("hunter2")


@pytest.mark.parametrize("empty", ["", "  ", None, 5])
def test_an_empty_secret_is_refused(empty: object) -> None:
    with pytest.raises(ValidationError, match="a secret is text and not empty"):
        _Login.model_validate({"password": empty})
