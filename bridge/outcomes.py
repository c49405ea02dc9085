"""What becomes of messages and silences, and what the bridge says of that: who takes nothing, what was given up."""

from collections.abc import Callable, Iterable
from functools import partial

from bridge.commit import Attempt, Settled
from bridge.cursor import Change
from bridge.evaluation import Evaluation
from bridge.outbox import Outbox
from bridge.values import NEVER, SECOND, format_duration
from bridge.watch import Watch

Due = tuple[int, Callable[[], None]]
"""When something is due, and what does it."""


class Outcomes:
    """`find`: the rule at work with an id. `tell` tells an event about the bridge, by its name and fields."""

    def __init__(
        self, outbox: Outbox, watch: Watch, find: Callable[[str], Evaluation | None], tell: Callable[..., None]
    ) -> None:
        self._outbox = outbox
        self._watch = watch
        self._find = find
        self._tell = tell

    def tried(self, attempt: Attempt) -> None:
        """A message was tried."""
        if self._outbox.tried(attempt):
            self._tell("receiver_recovered", destination=attempt.destination)

    def renew(self, row: str, number: int) -> None:
        """A message that was tried in vain is about to be tried again."""
        self._close(self._outbox.renew(row, number, self._watch.t))

    def settled(self, outcome: Settled) -> None:
        """A message was delivered, or is dead."""
        row, frozen = self._outbox.settled(outcome)
        self._close(frozen)
        if row is None or outcome.outcome == "delivered":
            return
        if not row.notification.about_bridge:
            reason = outcome.detail or "given up"
            self._tell("delivery_failed", destination=row.destination, notification=row.id, reason=reason)

    @property
    def next_due(self) -> int:
        """Nothing here is due before this instant; NEVER if nothing is."""
        outbox = self._outbox
        dues = outbox.muting.silences.next_notice(), outbox.health.next_out(), outbox.next_tick()
        return min((due[0] for due in dues if due), default=NEVER)

    def sooner(self, before: int, best: Due | None) -> Due | None:
        """What is due strictly before an instant and before `best`; else that. Of one instant: silences whose end
        comes near, then destinations that are out, then groups."""
        notice = self._outbox.muting.silences.next_notice()
        if notice is not None and notice[0] < before and (best is None or notice[0] < best[0]):
            best = notice[0], partial(self._notice, notice[1])
        lost = self._outbox.health.next_out()
        if lost is not None and lost[0] < before and (best is None or lost[0] < best[0]):
            best = lost[0], partial(self._lose, lost[1])
        tick = self._outbox.next_tick()
        if tick is not None and tick[0] < before and (best is None or tick[0] < best[0]):
            best = tick[0], partial(self._tick, tick[1], tick[0])
        return best

    def _tick(self, group: str, at: int) -> None:
        self._close(self._outbox.tick(group, at))

    def _lose(self, destination: str) -> None:
        """A destination is out. Of one that refuses its worker has told."""
        illness = self._outbox.health.ill[destination]
        waiting = [row for row in self._outbox.rows.values() if row.destination == destination]
        self._close(self._outbox.out(destination, self._watch.t))
        if not illness.refuses and any(not row.notification.about_bridge for row in waiting):
            span = format_duration(self._watch.t - illness.since)
            self._tell("receiver_dead", destination=destination, reason=f"nothing for {span}; lately {illness.reason}")

    def _notice(self, id: str) -> None:
        """A silence ends soon: whoever made it may want to know, if alerts fire that only it keeps quiet."""
        muting, now = self._outbox.muting, self._watch.t
        silence = muting.silences.notice(id)
        muted = len(muting.meant(id))
        if muted and silence.ends_at is not None and silence.state(now) == "active":
            self._tell(
                "silence_expiring",
                silence=id,
                alerts=muted,
                remaining=(silence.ends_at - now) / SECOND,
                comment=silence.comment,
                created_by=silence.created_by,
                matchers=", ".join(silence.matchers),
            )

    def _close(self, frozen: Iterable[Change]) -> None:
        """A message holds these one-offs: equal ones from now on are new lines."""
        for change in frozen:
            if evaluation := self._find(change.facts.rule):
                evaluation.open_events.pop(change.key, None)
        while self._outbox.shed:
            destination, count = self._outbox.shed.pop()
            reason = f"{count} changes of alerts are in the history only; the destination was not told for too long"
            self._tell("delivery_failed", destination=destination, notification="", reason=reason)
