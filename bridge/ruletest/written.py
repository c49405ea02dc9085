"""What a test writes for a field of an event: one value, or one after the other for its repetitions."""

import re
from collections.abc import Sequence

from bridge.event import Field, parse_time
from bridge.events.checking import NUMERIC
from bridge.matcher import check_unit
from bridge.ruletest.model import COUNT_MAX
from bridge.values import parse_quantity

Written = str | float | None
"""Text, a number in the unit that rules see, or None: servers leave the field out."""

_STEPS = re.compile(r"(?P<first>\S+?)\s*(?P<sign>[+-])\s*(?P<step>[0-9]\S*?)\s*x\s*(?P<times>[0-9]{1,9})")
_SAME = re.compile(r"(?P<first>\S+?)\s*x\s*(?P<times>[0-9]{1,9})")


def spread(path: str, field: Field | None, written: object) -> Sequence[Written]:
    """The values of a field, one for each repetition: an item of a list, or a step of promtool's `0+5x11`.

    `field` None: a part of the subject. Raises ValueError with what to write instead.
    """
    if isinstance(written, list):
        if not written:
            raise ValueError("the list is empty; write one value, or one for each repetition")
        return [_read(path, field, item) for item in written]
    if field and field.kind in NUMERIC and isinstance(written, str):
        if steps := _STEPS.fullmatch(written):
            first, step = _number(field, steps["first"]), _number(field, steps["step"])
            signed = -step if steps["sign"] == "-" else step
            return [first + signed * n for n in range(_times(steps["times"]) + 1)]
        if same := _SAME.fullmatch(written):
            return [_number(field, same["first"])] * (_times(same["times"]) + 1)
    return [_read(path, field, written)]


def _read(path: str, field: Field | None, written: object) -> Written:
    if written is None:
        return None
    if isinstance(written, dict | list):
        what = "a mapping" if isinstance(written, dict) else "a list in a list"
        raise ValueError(f"{path!r} has one value, not {what}; name the field below it with dots")  # noqa: TRY004 - as all that is written wrongly
    if field and field.kind == "time" and isinstance(written, str) and parse_time(written) is not None:
        return written
    if field and field.kind in NUMERIC:
        return _number(field, written)
    if not isinstance(written, str):
        text = str(written).lower() if isinstance(written, bool) else str(written)
        raise ValueError(f"{path!r} is text; write '{text}'")  # noqa: TRY004 - as all that is written wrongly
    return written


def _number(field: Field, written: object) -> float:
    return check_unit(parse_quantity(written), field.kind)


def _times(text: str) -> int:
    if int(text) >= COUNT_MAX:
        raise ValueError(f"{text} repetitions are too many; write less than {COUNT_MAX}")
    return int(text)
