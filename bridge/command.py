"""What people tell the running bridge to do. `execution` does it."""

import msgspec

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
    """A new silence, or an edit of the one with the same id. See `silence.new_id`."""

    silence: Silence
    at: int


class ExpireSilence(msgspec.Struct, frozen=True):
    """A silence ends now. `why` is shown in its list."""

    id: str
    at: int
    why: str = "expired by hand"


Command = Retry | Drop | Forget | AddSilence | ExpireSilence
