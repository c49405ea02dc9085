"""When the routes are edited: what groups had to tell, and what destinations knew, moves to the groups of now."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from bridge.alert import copied
from bridge.cursor import Change, Cursor, Told
from bridge.group import Group
from bridge.route import Place

Labels = Mapping[str, str]


class Ground(msgspec.Struct, frozen=True):
    """What a move needs of the outbox, whose routes are those of now."""

    places: Callable[[Labels, bool], Sequence[Place]]
    group: Callable[[Place], Group]
    """The group of now at a place; it is made if need be."""
    known: Callable[[str], Group | None]
    """The group of now with this id."""
    destinations: Callable[[Group], Sequence[str]]
    labels: Callable[[str], Labels | None]
    """Of an alert that fires, by its identity."""
    under_way: Callable[[str], Iterable[tuple[str, str]]]
    """The alerts that a row holds as firing: identity and id."""
    number: Callable[[], int]
    """For a change that comes to another group: no destination there is past it."""


class Moved(msgspec.Struct):
    """What the store does not have yet."""

    changes: list[tuple[str, Change]]
    """With the ids of their groups."""
    gone: list[int]
    """Changes that are no more where they were."""


def move(old: Mapping[str, Group], ground: Ground) -> Moved:
    """Fill the groups of now from those of before."""
    moved = Moved([], [])
    for group in old.values():
        if (same := ground.known(group.id)) and same is not group:
            same.changes = [each for each in group.changes if group.id in _ids(ground, group, each.facts.labels)]
            same.ticked, same.muted, same.standins = group.ticked, group.muted, group.standins
            same.cursors = {key: group.cursors[key] for key in ground.destinations(same) if key in group.cursors}
    for group in old.values():
        for change in group.changes:
            if group.id not in _ids(ground, group, change.facts.labels):
                _move_change(old, group, change, ground, moved)
    for group in old.values():
        for key, cursor in group.cursors.items():
            for name, told in _told(group, cursor, ground):
                labels = ground.labels(name) or _ended(group, name)
                for place in ground.places(labels, group.own) if labels else ():
                    _learn(group, cursor, ground.known(place.id), key, name, told, ground)
    return moved


def is_elsewhere(group: Group, ground: Ground) -> bool:
    """Something of it belongs to another group now, or something of another one to it."""
    heard = {name for cursor in group.cursors.values() for name in cursor.told}
    if any(name not in group.firing and ground.labels(name) is not None for name in heard):
        return True
    known = heard.union(group.muted, (each.identity for each in group.changes))
    if group.ticked and group.firing.keys() - known and ground.destinations(group):
        return True
    return any(group.id not in _ids(ground, group, each.facts.labels) for each in group.changes)


def _move_change(old: Mapping[str, Group], group: Group, change: Change, ground: Ground, moved: Moved) -> None:
    moved.gone.append(change.n)
    past = [key for key, each in group.cursors.items() if change.n <= each.covered and change.n not in each.held]
    past = [key for key in past if change.alert not in group.cursors[key].owed]
    heirs = [
        place
        for place in ground.places(change.facts.labels, group.own)
        if not (place.id in old and _holds(old[place.id], change.identity))
    ]
    nearest = [place for place in heirs if place.receiver == group.receiver] or heirs
    for nth, place in enumerate(nearest):
        heir = ground.group(place)
        if any((each.alert, each.state) == (change.alert, change.state) for each in heir.changes):
            continue
        copy = Change(
            ground.number(), change.identity, change.alert, change.state, change.at, copied(change.facts), change.key
        )
        copy.frozen, copy.copy, copy.past = True, change.copy or nth > 0, [*change.past, *past]
        _come_with(heir, group, ground)
        heir.changes.append(copy)
        moved.changes.append((heir.id, copy))
        for key in ground.destinations(heir):
            if key in group.cursors:
                _come(heir, key, group.cursors[key])


def _learn(group: Group, cursor: Cursor, heir: Group | None, key: str, name: str, told: Told, ground: Ground) -> None:
    """A destination of another group knows of an alert what it knew of it before."""
    if heir is None or heir.id == group.id:
        return
    _come_with(heir, group, ground)
    if key not in ground.destinations(heir):
        return
    _come(heir, key, cursor).told.setdefault(name, told)


def _come_with(heir: Group, group: Group, ground: Ground) -> None:
    """Who stood in for a destination of another group does so here."""
    for key, principal in group.standins.items():
        known = ground.destinations(heir)
        if principal in known and key not in known:
            heir.standins[key] = principal


def _come(heir: Group, key: str, cursor: Cursor) -> Cursor:
    """What a destination's cursor of another group is worth here."""
    mine = heir.cursors.get(key)
    if mine is None:
        mine = heir.cursors[key] = Cursor(cursor.upto, {}, cursor.last, cursor.reminders, memory=dict(cursor.memory))
    mine.owed |= cursor.owed
    mine.last = max(mine.last, cursor.last)
    return mine


def _told(group: Group, cursor: Cursor, ground: Ground) -> list[tuple[str, Told]]:
    """What is under way arrives in the name of a group of which nothing is left then."""
    told = dict(cursor.told)
    if cursor.row:
        told |= {name: Told(alert, arrived=True) for name, alert in ground.under_way(cursor.row)}
    return list(told.items())


def _ids(ground: Ground, group: Group, labels: Labels) -> set[str]:
    return {place.id for place in ground.places(labels, group.own)}


def _holds(group: Group, identity: str) -> bool:
    lived = bool(group.ticked or group.changes)
    return lived and (identity in group.firing or any(each.identity == identity for each in group.changes))


def _ended(group: Group, name: str) -> Labels | None:
    return next((each.facts.labels for each in group.changes if each.identity == name), None)
