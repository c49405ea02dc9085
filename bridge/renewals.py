"""Messages that were fixed but that their destinations surely do not have: before the next try they may tell more."""

from collections.abc import Mapping

from bridge.cursor import Before


class Renewals:
    """Rows that this process has fixed, until a destination may have them. What another process tried nobody knows."""

    def __init__(self) -> None:
        self._before: dict[str, Mapping[str, Before]] = {}

    def fixed(self, row: str, before: Mapping[str, Before]) -> None:
        """`before`: what the cursors of the groups that it tells of were like; by the ids of these."""
        self._before[row] = before

    def of(self, row: str) -> Mapping[str, Before]:
        """Empty: it must stay as it is."""
        return self._before.get(row, {})

    def keep(self, row: str) -> None:
        """Its destination may have it, and knows it by its id; or it has ended."""
        self._before.pop(row, None)


def next_id(id: str) -> str:
    """Of a message that tells more than the one with this id, and that its destination may have to tell apart."""
    row, _, number = id.partition("-")
    return f"{row}-{int(number or 1) + 1}"


def row_of(id: str) -> str:
    """The row that tells a message."""
    return id.partition("-")[0]
