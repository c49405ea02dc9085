"""What a YAML file holds: plain values, and where each part of them stands."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from bridge.config.scalar import Scalar
from bridge.errors import Problem

Plain = Scalar | list["Plain"] | dict[str, "Plain"]
KeyPath = Sequence[str | int]
"""Keys and indices from the top of a file to a value."""


class Place(NamedTuple):
    """Where something begins; both count from 1."""

    line: int
    column: int


class Node(msgspec.Struct):
    """A value as written. Aliases share it, so it is a tree in the file but not in memory."""

    content: "Scalar | list[Child] | dict[str, Child]"
    size: int
    """Characters, with all aliases expanded."""
    height: int = 1


class Child(NamedTuple):
    """A node in its parent. `key` is the place of its key, or of the item itself in a list."""

    key: Place
    value: Place
    node: Node


class Document:
    """One file: its plain value, where each part of it stands, and what is wrong that did not stop the reading."""

    def __init__(self, file: str, root: Node | None, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self._root = root
        self.value: Plain = plain(root) if root else None

    def at(self, path: KeyPath) -> Plain:
        """The value at a path of keys and indices. Raises LookupError."""
        found = self._child(path)
        return plain(found.node) if found else self.value

    def has(self, path: KeyPath) -> bool:
        """Whether the file holds anything at this path."""
        try:
            self._child(path)
        except LookupError:
            return False
        return True

    def key_place(self, path: KeyPath) -> Place:
        """Where the key (or list item) of a path stands; of its nearest parent, if the file does not have it."""
        child = self._nearest(path)
        return child.key if child else Place(1, 1)

    def place(self, path: KeyPath) -> Place:
        """Where to look for what is wrong with a value: at a scalar itself, else at the key that holds it."""
        child = self._nearest(path)
        if child is None:
            return Place(1, 1)
        return child.key if isinstance(child.node.content, list | dict) or not self.has(path) else child.value

    def problem(self, path: KeyPath, what: str, severity: str = "error") -> Problem:
        """Something wrong with the value at a path."""
        return Problem(self.file, *self.place(path), what, severity)

    def key_problem(self, path: KeyPath, what: str) -> Problem:
        """Something wrong with a key rather than its value."""
        return Problem(self.file, *self.key_place(path), what)

    def _nearest(self, path: KeyPath) -> Child | None:
        for length in range(len(path), 0, -1):
            if self.has(path[:length]):
                return self._child(path[:length])
        return None

    def _child(self, path: KeyPath) -> Child | None:
        child, node = None, self._root
        for step in path:
            child = _step(node, step)
            node = child.node
        return child


def plain(node: Node) -> Plain:
    """The value without places; aliases become copies. As deep as DEPTH_MAX at most, so recursion is safe."""
    if isinstance(node.content, dict):
        return {key: plain(child.node) for key, child in node.content.items()}
    if isinstance(node.content, list):
        return [plain(child.node) for child in node.content]
    return node.content


def _step(node: Node | None, step: str | int) -> Child:
    content = node.content if node else None
    if isinstance(content, dict) and isinstance(step, str):
        return content[step]
    if isinstance(content, list) and isinstance(step, int):
        return content[step]
    raise LookupError(step)


def clip(text: str, length: int = 60) -> str:
    """Text for a message: short, and on one line."""
    shown = "".join(character if character.isprintable() else "?" for character in text[: length + 1])
    return shown if len(shown) <= length else shown[:length] + "…"
