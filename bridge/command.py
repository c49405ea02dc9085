"""What people tell the running bridge to do. `execution` does it."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from bridge.commit import OutboxRow
from bridge.silence import Silence


class Retry(msgspec.Struct, frozen=True):
    """Try these messages now."""

    rows: list[str]
    """Ids of those that wait."""
    dead: list[OutboxRow] = []
    """Those that had ended, as the history has them: they get the whole time again, and keep their id."""


class Drop(msgspec.Struct, frozen=True):
    """Do not try these messages any more."""

    rows: list[str]
    by: str = ""
    """Who wants it."""


class Forget(msgspec.Struct, frozen=True):
    """What an alert watches will not come back."""

    alert: str
    labels: dict[str, str]


class AddSilence(msgspec.Struct, frozen=True):
    """A new silence. See `silence.new_id`."""

    silence: Silence
    at: int


class EditSilence(msgspec.Struct, frozen=True):
    """A silence that says something else from now on; what is not set stays."""

    id: str
    at: int
    matchers: tuple[str, ...] | UnsetType = UNSET
    ends_at: int | UnsetType | None = UNSET
    time_intervals: tuple[str, ...] | UnsetType = UNSET
    comment: str | UnsetType = UNSET
    created_by: str | UnsetType = UNSET
    expire_on_resolve: bool | UnsetType = UNSET

    @property
    def said(self) -> dict[str, Any]:
        """What is set."""
        fields = msgspec.structs.asdict(self)
        return {name: text for name, text in fields.items() if name not in ("id", "at") and text is not UNSET}


class ExpireSilence(msgspec.Struct, frozen=True):
    """A silence ends now. `why` is shown in its list."""

    id: str
    at: int
    why: str = "expired by hand"


Command = Retry | Drop | Forget | AddSilence | EditSilence | ExpireSilence
