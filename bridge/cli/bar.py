"""How far a long reading has come, on a terminal's standard error; standard output gets nothing but its own lines."""

import os
import stat
import sys
import time
from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINES = 2000
"""Between two looks at the clock."""
PATIENCE = 1.0
"""Seconds after which a reading is a long one."""
PAUSE = 0.1
"""Seconds between two drawings."""


class Bar:
    """A progress bar over the bytes of a file; none where nobody looks. A context manager."""

    def __init__(self, file: IO[bytes]) -> None:
        console = Console(stderr=True)
        size = _size(file)
        columns: list[ProgressColumn] = [TextColumn("{task.fields[lines]:,} lines")]
        if size:
            columns += [BarColumn(), TaskProgressColumn(), TimeRemainingColumn()]
        self._progress = Progress(*columns, console=console, auto_refresh=False, transient=True)
        self._task = self._progress.add_task("", total=size, lines=0)
        self._wanted = console.is_terminal
        self._out = sys.stdout.buffer
        self._shares_terminal = self._out.isatty()
        self._shown = False
        self.lines = 0
        """Followed so far."""
        self._next = time.monotonic() + PATIENCE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hide()

    def follow(self, file: IO[bytes]) -> Iterator[bytes]:
        """The lines of a file."""
        done, whole = 0, True
        while whole:
            before = self.lines
            for line in islice(file, LINES):
                self.lines += 1
                done += len(line)
                yield line
            whole = self.lines - before == LINES
            if self._wanted:
                self._draw(done)

    def print(self, line: str) -> None:
        """One line to standard output, at once: whoever reads a pipe sees what was decided."""
        if self._shares_terminal:
            self._hide()
        self._out.write(line.encode() + b"\n")
        self._out.flush()

    def _draw(self, done: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PAUSE
        if not self._shown:
            self._progress.start()
            self._shown = True
        self._progress.update(self._task, completed=done, lines=self.lines, refresh=True)

    def _hide(self) -> None:
        if self._shown:
            self._progress.stop()
            self._shown = False


def _size(file: IO[bytes]) -> int | None:
    """Bytes of a regular file; None for a pipe."""
    try:
        about = os.fstat(file.fileno())
    except OSError:  # No real file.
        return None
    return about.st_size if stat.S_ISREG(about.st_mode) else None
