"""How Ctrl-C and SIGTERM end the demo: in good order, once, and with the exit code that shells expect."""

import signal
import sys
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def end_on_signals() -> None:
    """From now on either raises SystemExit in the main thread: 130 for Ctrl-C, 143 for SIGTERM."""
    for number in _SIGNALS:
        signal.signal(number, _end)


def ignore_signals() -> None:
    """The end has begun, and nothing disturbs it."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> None:
    ignore_signals()
    sys.exit(128 + number)
