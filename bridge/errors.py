"""Every error of ours. A message says what failed, on what, and what the operator can do; it never holds a secret."""


class BridgeError(Exception):
    """The root: what the command line prints as one line, without a traceback."""


class Problem(BridgeError):
    """One thing wrong with a file that an operator wrote, with its place.

    `line` and `column` count from 1, as editors do; 0 means the file as a whole.
    """

    def __init__(self, file: str, line: int, column: int, what: str, severity: str = "error") -> None:
        self.place = f"{file}:{line}:{column}" if line else file
        super().__init__(f"{self.place}: {severity}: {what}")
        self.file, self.line, self.column, self.what, self.severity = file, line, column, what, severity


class ConfigError(BridgeError):
    """A file cannot be used; `problems` lists all that is wrong with it, in the order of its lines."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class TemplateError(BridgeError, ValueError):
    """A template cannot be used, or gave up while it was rendered. A ValueError, so that pydantic collects it."""


class StoreError(BridgeError):
    """The database cannot be opened, read or written."""


class StoreBusy(StoreError):
    """Another process holds the database."""


class StoreDamaged(StoreError):
    """The database's file does not hold what was written to it."""


class Refusal(BridgeError):
    """A command cannot be done as things are."""


class Unknown(BridgeError):
    """What is asked for is not there."""


class RecordingError(BridgeError):
    """A recording cannot be read. `line` counts from 1; 0 means the file as a whole."""

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")
        self.file, self.line, self.what = file, line, what


IN_DOUBT = frozenset({303, 502, 504, *range(520, 530)})
"""Statuses of those who may have done their work all the same, or stand before somebody who may have."""


class Trouble(BridgeError):
    """A delivery attempt that did not succeed. `status` is the HTTP status, or None if no answer came."""

    unsent = False
    """Nothing of the request went out."""

    def __init__(self, what: str, status: int | None = None) -> None:
        super().__init__(what)
        self.status = status

    @property
    def is_untaken(self) -> bool:
        """The other side surely does not have the message: it said that it did not take it, or has seen none of it."""
        return self.unsent or (self.status is not None and self.status not in IN_DOUBT)


class Transient(Trouble):
    """Again later. `retry_after` is in seconds, as the other side asked, or None."""

    def __init__(self, what: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(what, status)
        self.retry_after = retry_after


class Rejected(Trouble):
    """This message is not taken, whoever sends it: once more as plain text, then dead."""


class Refused(Trouble):
    """This destination takes nothing from us at all: its rows stay, and it is probed now and then."""


class SourceError(BridgeError):
    """NATS cannot be heard through one server. `server` is its address without secrets, `reason` what went wrong."""

    def __init__(self, what: str, server: str, reason: str) -> None:
        super().__init__(what)
        self.server, self.reason = server, reason


class Unreachable(SourceError):
    """There is no server, or none that the bridge can talk to."""


class LoginFailed(SourceError):
    """The server refuses the login, or there is nothing to log in with."""


class WrongAccount(SourceError):
    """The login is fine, but in an account that never hears of the system's events."""
