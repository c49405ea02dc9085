"""A rules file where its rules are only tried: on a laptop or in CI, without the secrets and servers that it names."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

from bridge.config.document import Plain
from bridge.config.loader import Loaded, load
from bridge.config.references import mapping, sequence
from bridge.errors import ConfigError
from bridge.receiver import Destination
from bridge.receivers import DESTINATIONS
from bridge.rule import Rule
from bridge.rules import RULE_TYPES

_OUTSIDE = ("storage", "external_url", "log")
"""Keys that no decision depends on, and that may hold a variable."""
_HEARD = ("accounts", "imports", "token_auth", "inbox_prefix")
"""Keys of `nats` that change what rules see, or what permissions they need."""
_KNOWN = ("name", "send_resolved")
"""Keys of a destination that change what it is told."""


def rehearse(
    path: Path,
    environ: Mapping[str, str],
    destinations: Sequence[type[Destination]] = DESTINATIONS,
    rule_types: Mapping[str, type[Rule]] = RULE_TYPES,
) -> Loaded:
    """Read a main file and its rule files for the rules' sake. Raises ConfigError if any of them is broken.

    How to reach the servers and the receivers is not looked at, no secret is read, and an environment variable that is
    not set stands for itself.
    """
    mutes = tuple(_mute(each) for each in destinations)
    loaded = load(path, Unset(environ), mutes, rule_types, _inside)
    if loaded.broken:
        raise ConfigError([problem for problems in loaded.broken.values() for problem in problems])
    return loaded


class Unset(Mapping[str, str]):
    """Variables that are not set are their own text."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        return self._environ.get(name, f"${{{name}}}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


@cache
def _mute(destination: type[Destination]) -> type[Destination]:
    """A destination of the same type that nothing is ever sent to. Kept, as models are kept by their destinations."""

    class Mute(Destination):
        key: ClassVar[str] = destination.key
        digest: ClassVar[bool] = destination.digest

    return Mute


def _inside(value: Plain) -> Plain:
    """The main file without what leads out of the program."""
    if not isinstance(value, dict):
        return value
    kept = {key: item for key, item in value.items() if key not in _OUTSIDE}
    heard = {key: item for key, item in mapping(value.get("nats")).items() if key in _HEARD}
    kept["nats"] = {**heard, "user": "nobody", "password": "none"}
    if isinstance(value.get("receivers"), list):
        kept["receivers"] = [_receiver(each) for each in sequence(value["receivers"])]
    return kept


def _receiver(given: Plain) -> Plain:
    if not isinstance(given, dict):
        return given
    return {
        key: [_destination(each) for each in value] if key.endswith("_configs") and isinstance(value, list) else value
        for key, value in given.items()
    }


def _destination(given: Plain) -> Plain:
    return {key: value for key, value in given.items() if key in _KNOWN} if isinstance(given, dict) else given
