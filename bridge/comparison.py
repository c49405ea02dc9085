"""What two configurations make of one recording: only what differs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from bridge.inputs import Input
from bridge.replay import Playback, Sent, Transition

BATCH = 1000
"""Inputs that one engine is ahead of the other."""

Mark = Literal["-", "+"]
Happened = Transition | Sent


class Difference(NamedTuple):
    """`-`: only the first configuration leads to this; `+`: only the second does."""

    mark: Mark
    happened: Happened


def compare(inputs: Iterable[Input], one: Playback, other: Playback) -> Iterator[Difference]:
    """Play inputs to both. In the order of time; at one instant, what only the first leads to comes first."""
    mine: list[Happened] = []
    theirs: list[Happened] = []
    coming, until = iter(inputs), 0
    while batch := list(islice(coming, BATCH)):
        until = max(until, *(given.at for given in batch))
        mine += one.play(batch)
        theirs += other.play(batch)
        # More may happen at the latest instant itself.
        yield from _differences(_before(mine, until), _before(theirs, until))
    yield from _differences([*mine, *one.end()], [*theirs, *other.end()])


def _before(happened: list[Happened], until: int) -> list[Happened]:
    """Take out what lies before an instant."""
    taken = [each for each in happened if each.at < until]
    happened[:] = happened[len(taken) :]
    return taken


def _differences(mine: list[Happened], theirs: list[Happened]) -> list[Difference]:
    found = [Difference("-", each) for each in _without(mine, theirs)]
    found += [Difference("+", each) for each in _without(theirs, mine)]
    return sorted(found, key=lambda difference: difference.happened.at)


def _without(some: list[Happened], others: list[Happened]) -> list[Happened]:
    """Those that have no equal among the others, each of which is the equal of one."""
    left = Counter(map(_likeness, others))
    kept = []
    for each in some:
        likeness = _likeness(each)
        if left[likeness]:
            left[likeness] -= 1
        else:
            kept.append(each)
    return kept


def _likeness(happened: Happened) -> bytes:
    """The same for what people would see as the same."""
    return msgspec.json.encode(happened if isinstance(happened, Transition) else _plain(happened), order="sorted")


def _plain(sent: Sent) -> Sent:
    """A message without ids, which count the changes of all alerts, and without the places of rules."""
    told = sent.notification
    alerts = [msgspec.structs.replace(alert, id="", rule_place="") for alert in told.alerts]
    return Sent(sent.at, msgspec.structs.replace(told, id="", alerts=alerts))
