"""The few keys of a rules file that lead to the running bridge and its database, for commands beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from bridge.config.document import Plain
from bridge.config.loader import load
from bridge.config.references import mapping
from bridge.config.rehearsal import Unset
from bridge.config.schema import Http
from bridge.errors import ConfigError


class Outline(NamedTuple):
    """Where the bridge of a rules file is."""

    database: Path
    http: Http | None
    trouble: str = ""
    """Why the token of `http.auth` cannot be read here; empty if it can, or if there is none."""


def outline(path: Path, environ: Mapping[str, str]) -> Outline:
    """Raises ConfigError if these keys are broken. Nothing else of the file is looked at, and no other secret is read.

    The token may be out of reach for whoever asks, and need not be known where the database can be read.
    """
    try:
        return _read(path, environ, _kept)
    except ConfigError as error:
        try:
            found = _read(path, environ, _tokenless)
        except ConfigError:
            raise error from None
        return found._replace(trouble=str(error.problems[0]))


def _read(path: Path, environ: Mapping[str, str], trim: Callable[[Plain], Plain]) -> Outline:
    config = load(path, Unset(environ), trim=trim).config
    return Outline(config.storage.path, config.http)


def _kept(value: Plain) -> Plain:
    if not isinstance(value, dict):
        return value
    kept: dict[str, Plain] = {key: value[key] for key in ("storage", "http") if key in value}
    nobody: dict[str, Plain] = {
        "nats": {"user": "nobody", "password": "none"},
        "receivers": [{"name": "nobody"}],
        "route": {"receiver": "nobody"},
        "rules": [],
    }
    return {**kept, **nobody}


def _tokenless(value: Plain) -> Plain:
    kept = _kept(value)
    if isinstance(kept, dict) and isinstance(kept.get("http"), dict):
        # Whatever the address is, it was guarded where the file was loaded.
        kept["http"] = {**mapping(kept["http"]), "auth": {"token": "unknown"}}
    return kept
