"""What the rules file says of where alerts go, and who is not told."""

from collections.abc import Mapping

import msgspec

from bridge.muting import Mutes
from bridge.route import Route
from bridge.standins import Target


class Routing(msgspec.Struct, frozen=True):
    """Where alerts go."""

    route: Route
    targets: Mapping[str, tuple[Target, ...]]
    """By receiver."""
    give_up_after: int
    fallbacks: Mapping[str, str] = {}
    """Receiver → the one that is told what it cannot be told."""
    external_url: str = ""
    mutes: Mutes = Mutes()
