"""`${NAME}` in a text becomes the environment's value, after parsing: no value can add keys or change the shape.

What came from the environment may be a secret, so a Substituted value also knows what must never be shown.
"""

import re
from collections.abc import Mapping

from bridge.config.document import Document, KeyPath, Plain
from bridge.config.scalar import refuse_unusable
from bridge.errors import Problem

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://")
_FRAGMENT = 6
"""Characters in a row that a message may not share with a value from the environment."""


class Substituted:
    """A document's value with the environment in it."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._environ = environ
        self._hidden: dict[tuple[str | int, ...], list[str]] = {}
        self._long: set[str] = set()
        self._names: dict[tuple[str | int, ...], list[str]] = {}
        self.value: Plain = self._walk(document.value, ())

    def tells(self, message: str, path: KeyPath) -> bool:
        """Whether a message about this path shows a part of what came from the environment.

        Short values count below the path only: elsewhere, a variable set to `5` would silence every message with a 5.
        """
        path = tuple(path)
        below = {text for place, texts in self._hidden.items() if place[: len(path)] == path for text in texts}
        return any(_shows(message, text) for text in below | self._long)

    def variables(self, path: KeyPath) -> list[str]:
        """The names that stand below a path, in the order of the file."""
        path = tuple(path)
        return list(
            dict.fromkeys(n for place, names in self._names.items() if place[: len(path)] == path for n in names)
        )

    def _walk(self, value: Plain, path: tuple[str | int, ...]) -> Plain:
        if isinstance(value, dict):
            return {key: self._walk(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._walk(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return _VARIABLE.sub(lambda match: self._replace(match, path), value)
        return value

    def _replace(self, match: re.Match[str], path: tuple[str | int, ...]) -> str:
        name = match[1]
        if name is None:
            return "${"
        text = self._environ.get(name)
        if text is None:
            what = f"the environment variable {name} is not set; set it, or write $${{{name}}} for the text itself"
            self.problems.append(self.document.problem(path, what))
            return ""
        self._hidden.setdefault(path, []).append(text)
        self._names.setdefault(path, []).append(name)
        if len(text) > _FRAGMENT:
            self._long.add(text)
        try:
            refuse_unusable(text)
        except ValueError:
            what = f"the environment variable {name} is not UTF-8 text; set it to text"
            self.problems.append(self.document.problem(path, what))
        return text


def _shows(message: str, text: str) -> bool:
    """The scheme of a URL is no secret; without this, advice such as 'begins with https://' could not be given."""
    text = _SCHEME.sub("", text).strip()
    if len(text) <= _FRAGMENT:
        return bool(text) and text in message
    return any(text[start : start + _FRAGMENT] in message for start in range(len(text) - _FRAGMENT + 1))
