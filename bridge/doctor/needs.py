"""What the loaded rules need of NATS, and which rule needs what."""

from collections.abc import Iterable

from bridge.config import Loaded
from bridge.configuration import setup
from bridge.engine import Engine
from bridge.rule import Rule
from bridge.setup import PlacedRule
from bridge.source.gather import PING_SUBJECT
from bridge.subject import covers, needed

SINCE = {"client.rejected": (2, 12, 0), "server.lameduck": (2, 9, 22)}
"""The first version of a server that tells of this."""


class Needs:
    """Of one configuration. `subjects` is what the bridge subscribes to, `requests` what it asks on."""

    def __init__(self, loaded: Loaded) -> None:
        self._setup = setup(loaded)
        self.subjects = sorted(needed(self._subjects(self._setup.rules)))
        self.requests = [PING_SUBJECT]
        self.inbox = f"{loaded.config.nats.inbox_prefix}.>"

    @property
    def rules(self) -> list[Rule]:
        """Those that are awake."""
        return [placed.rule for placed in self._setup.rules if placed.rule.enabled]

    def who_needs(self, subject: str) -> list[str]:
        """The alerts whose rules would not hear all that they should without it."""
        needing = (
            placed.rule.alert
            for placed in self._setup.rules
            if any(covers(subject, mine) for mine in self._subjects([placed]))
        )
        return list(dict.fromkeys(needing))

    def _subjects(self, rules: Iterable[PlacedRule]) -> frozenset[str]:
        """As the engine itself would have them."""
        part = type(self._setup)(rules=tuple(rules), routing=self._setup.routing, names=self._setup.names)
        return Engine(part, 0).subjects


def too_old(rule: Rule, version: tuple[int, ...]) -> list[str]:
    """The events of the rule that a server of this version does not tell of."""
    return [name for name in rule.events if version < SINCE.get(name, (0,))]


def parse_version(text: str) -> tuple[int, ...]:
    """`2.15.1-beta.1` → (2, 15, 1); what is no version is older than all."""
    numbers = text.partition("-")[0].split(".")
    return tuple(int(number) for number in numbers if number.isdecimal())
