"""What the API is told about silences, and what that means. Instants are RFC 3339 with a zone, or microseconds."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from bridge.command import AddSilence, EditSilence
from bridge.label_matchers import LabelMatchers
from bridge.silence import Silence, check, new_id
from bridge.values import SECOND

Instant = int | Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
Matchers = Annotated[list[Text], msgspec.Meta(max_length=100)]
Names = Annotated[list[Text], msgspec.Meta(max_length=100)]

LAST = 253_402_300_799 * SECOND
"""The end of the year 9999: no later instant can be shown."""


class NewSilence(msgspec.Struct, forbid_unknown_fields=True):
    """A silence that begins now or at `starts_at`."""

    matchers: Matchers
    ends_at: Instant | None = None
    starts_at: Instant | None = None
    time_intervals: Names = []
    comment: Text = ""
    created_by: Text = ""
    expire_on_resolve: bool = False

    def command(self, now: int) -> AddSilence:
        """Raises ValueError for what makes no sense."""
        silence = Silence(
            id="",
            matchers=tuple(self.matchers),
            starts_at=now if self.starts_at is None else _micros(self.starts_at),
            ends_at=None if self.ends_at is None else _micros(self.ends_at),
            time_intervals=tuple(self.time_intervals),
            comment=self.comment,
            created_by=self.created_by,
            created_at=now,
            expire_on_resolve=self.expire_on_resolve,
        )
        check(silence, now)
        return AddSilence(msgspec.structs.replace(silence, id=new_id(silence)), now)


class EditedSilence(msgspec.Struct, forbid_unknown_fields=True):
    """What a silence says from now on; what is left out stays as it is."""

    matchers: Matchers | UnsetType = UNSET
    ends_at: Instant | UnsetType | None = UNSET
    time_intervals: Names | UnsetType = UNSET
    comment: Text | UnsetType = UNSET
    created_by: Text | UnsetType = UNSET
    expire_on_resolve: bool | UnsetType = UNSET

    def command(self, id: str, now: int) -> EditSilence:
        """Raises ValueError for what makes no sense whatever the silence says so far."""
        ends = self.ends_at
        for text in () if self.matchers is UNSET else self.matchers:
            LabelMatchers.parse(text)
        return EditSilence(
            id=id,
            at=now,
            matchers=self.matchers if self.matchers is UNSET else tuple(self.matchers),
            ends_at=_micros(ends) if isinstance(ends, int | datetime) else ends,
            time_intervals=self.time_intervals if self.time_intervals is UNSET else tuple(self.time_intervals),
            comment=self.comment,
            created_by=self.created_by,
            expire_on_resolve=self.expire_on_resolve,
        )


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """Who ends a silence."""

    by: Text = ""


def _micros(instant: int | datetime) -> int:
    micros = instant if isinstance(instant, int) else round(instant.timestamp() * SECOND)
    if not 0 <= micros <= LAST:
        raise ValueError("an instant is RFC 3339, such as 2026-12-24T18:30:00Z, or microseconds since 1970")
    return micros
