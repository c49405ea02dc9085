"""The same story, the same messages: this engine in simulated time beside the real Alertmanager, live."""

import random
from pathlib import Path

import pytest

from tests import alertmanager as real
from tests.core.timeline import Messages, Story, Told, configure, ours, perform, theirs, write
from tests.sink import Sink

TOLERANCE = 0.5
"""Seconds between a message of the one and that of the other."""


def compare(alertmanager: Path, tmp_path: Path, stories: list[Story], length: float) -> None:
    with Sink() as sink:
        config = configure(tmp_path / "alertmanager.yml", sink.url)
        # Groups that are over go at once, as here; by default it looks for them every 30 s.
        with real.running(alertmanager, config, "--dispatch.maintenance-interval=100ms") as url:
            began, late = perform(url, stories, length)
        told = theirs(sink.requests, began, length - 1)
    mine = ours(stories, length)
    names = {story.name for story in stories} - late
    assert len(names) > len(stories) / 2, "this machine is too busy to tell stories in time"
    differences = [
        line
        for key in sorted(mine.keys() | told.keys())
        if key[0] in names
        for line in different(key, mine, told, length)
    ]
    assert differences == []


def different(key: tuple[str, str], mine: Messages, told: Messages, length: float) -> list[str]:
    here = [each for each in mine.get(key, []) if each.at < length - 2]
    there = [each for each in told.get(key, []) if each.at < length - 2 + TOLERANCE]
    lines = []
    for place in range(max(len(here), len(there))):
        one = here[place] if place < len(here) else None
        other = there[place] if place < len(there) else None
        if not alike(one, other):
            lines.append(f"{key} message {place}: here {one}, there {other}")
    return lines


def alike(one: Told | None, other: Told | None) -> bool:
    if one is None or other is None:
        return False
    return one[1:] == other[1:] and abs(one.at - other.at) < TOLERANCE


def stories(count: int, length: float, seed: int) -> list[Story]:
    written = [write(f"s{number}", random.Random(seed + number), length) for number in range(count)]
    assert sum(len(story.alerts) for story in written) > count * 4
    assert sum(len(story.silences) for story in written) > count
    return written


def test_many_stories_of_twenty_seconds(alertmanager: Path, tmp_path: Path) -> None:
    compare(alertmanager, tmp_path, stories(20, 22.0, seed=1), 22.0)


@pytest.mark.long
@pytest.mark.timeout(200)
@pytest.mark.parametrize("seed", [1000, 2000])
def test_many_stories_of_a_minute(seed: int, alertmanager: Path, tmp_path: Path) -> None:
    compare(alertmanager, tmp_path, stories(40, 60.0, seed), 60.0)
