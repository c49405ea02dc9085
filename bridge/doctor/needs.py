"""What the loaded rules need of NATS, and which rule needs what."""

from collections.abc import Iterable

from msgspec.structs import replace

from bridge.config import Loaded
from bridge.configuration import setup
from bridge.engine import Engine
from bridge.events import EVENT_TYPES
from bridge.events.introductions import ANY as INTRODUCTIONS
from bridge.rule import Rule
from bridge.setup import PlacedRule
from bridge.source.connection import STOPS
from bridge.source.gather import PING_SUBJECT, request
from bridge.source.hearing import wanted
from bridge.source.lookout import SUBJECT as LOOKOUT
from bridge.source.missed import SUBJECT as MISSED
from bridge.source.questions import questions
from bridge.subject import covers, needed
from bridge.watched import Watched


class Needs:
    """Of one configuration. `subjects` is what the bridge subscribes to, `requests` what it asks on."""

    def __init__(self, loaded: Loaded) -> None:
        self._setup = setup(loaded)
        engine = self._engine(self._setup.rules)
        endpoints = sorted({question.endpoint for question in questions(engine.polls)})
        self.subjects = sorted(needed([*engine.subjects, *(STOPS if endpoints else ())]))
        self.optional: dict[str, str] = {}
        """Requests that the bridge can do without, and what is so without them."""
        if engine.watches_disconnects and "CONNZ" not in endpoints:
            self.optional[MISSED] = "who disconnected while nothing was heard is not told"
        if engine.names_accounts:
            self.optional[INTRODUCTIONS] = "accounts of operator mode may be called by their ids"
        self.requests = [PING_SUBJECT, *map(request, endpoints), *self.optional]
        """To all servers."""
        self.requests_to_one = [request(endpoint, "*") for endpoint in ("", *endpoints)] if endpoints else []
        """To one whose answer is missing or has more pages; its id is in the place of `*`."""
        self.imports = wanted(engine.subjects, self._setup.names.imports)
        """What comes only if the system account imports it."""
        if self.imports.own and LOOKOUT not in self.requests_to_one:
            self.requests_to_one.append(LOOKOUT)
            self.optional[LOOKOUT] = "nobody is told when the system account imports events of an account no more"
        self.names = self._setup.names.accounts
        """Of accounts, by their ids, as far as the rules file says them."""
        self.inbox = f"{loaded.config.nats.inbox_prefix}.>"

    @property
    def rules(self) -> list[Rule]:
        """Those that are awake."""
        return [placed.rule for placed in self._setup.rules if placed.rule.enabled]

    @property
    def unimported(self) -> list[str]:
        """The events of the rules that the system account would have to import, where nothing is imported."""
        if self._setup.names.imports:
            return []
        named = (name for rule in self.rules for name in _named(rule))
        return [name for name in dict.fromkeys(named) if EVENT_TYPES[name].imported]

    @property
    def importing(self) -> list[str]:
        """The alerts whose rules name events that the system account has to import."""
        needing = (rule.alert for rule in self.rules if any(EVENT_TYPES[name].imported for name in _named(rule)))
        return list(dict.fromkeys(needing))

    def who_needs(self, subject: str) -> list[str]:
        """The alerts whose rules would not hear all that they should without it."""
        needing = (placed.rule.alert for placed in self._setup.rules if self._wants(placed, subject))
        return list(dict.fromkeys(needing))

    def _wants(self, placed: PlacedRule, subject: str) -> bool:
        engine = self._engine([placed])
        asked = {request(question.endpoint, to) for question in questions(engine.polls) for to in ("", "*")}
        return subject in asked or any(covers(subject, mine) for mine in engine.subjects)

    def _engine(self, rules: Iterable[PlacedRule]) -> Engine:
        """What it wants to hear is what the service's own would."""
        return Engine(replace(self._setup, rules=tuple(rules)), 0)


def too_old(rule: Rule, version: tuple[int, ...]) -> list[str]:
    """The events of the rule, and those that it listens to beside them, that a server of this version does not tell."""
    return [name for name in _named(rule) if version < parse_version(EVENT_TYPES[name].since)]


def _named(rule: Rule) -> list[str]:
    """Its events, and those that it listens to beside them."""
    return [*rule.events, *(name for _, value in rule if isinstance(value, Watched) for name in value.events)]


def parse_version(text: str) -> tuple[int, ...]:
    """`2.15.1-beta.1` → (2, 15, 1); what is no version is older than all."""
    numbers = text.partition("-")[0].split(".")
    return tuple(int(number) for number in numbers if number.isdecimal())
