"""What a service lets through: a rate with short bursts, and the pauses that it asks for."""

from bridge.receiver import Destination, Quota, Request
from bridge.values import SECOND, Secret

BURST = 4
"""Requests that may go out at once after a quiet time, before the rate begins to hold them back."""


class Gate:
    """One for each account of a service; all destinations that post to it go through it. Times are microseconds."""

    def __init__(self, rate: float | None, others: "dict[Quota, Gate] | None" = None) -> None:
        """`others`: the gates of requests that count against something else."""
        self._others = {} if others is None else others
        self._interval = round(SECOND / rate) if rate else 0
        self._next = 0
        self._paused_until = 0

    def of(self, request: Request) -> "Gate":
        """The gate that a request of the destination has to pass."""
        if request.quota is None:
            return self
        return self._others.setdefault(request.quota, Gate(request.quota.rate))

    def reserve(self, now: int) -> int:
        """Take the next free place; returns when it is. Places that are not used are lost, which only slows down."""
        self._next = max(self._next, now) + self._interval
        return max(now, self._next - BURST * self._interval)

    def pause(self, until: int) -> None:
        """Nothing goes out before."""
        self._paused_until = max(self._paused_until, until)

    @property
    def paused_until(self) -> int:
        return self._paused_until


class Gates:
    """Finds the gate of a destination: equal accounts have the same."""

    def __init__(self) -> None:
        self._gates: dict[tuple[str, Secret], Gate] = {}
        self._others: dict[Quota, Gate] = {}

    def of(self, destination: Destination) -> Gate:
        account = destination.account()
        if account is None:
            return Gate(destination.rate, self._others)
        return self._gates.setdefault((destination.key, account), Gate(destination.rate, self._others))
