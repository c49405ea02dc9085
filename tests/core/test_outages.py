"""Whatever becomes of destinations: everybody who is to know of an alert does, once, and hears of its end."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.alert import identity
from bridge.command import AddSilence
from bridge.commit import Attempt, OutboxRow, Settled
from bridge.inputs import Renewing, Tried
from bridge.notification import AlertView
from bridge.setup import Setup
from bridge.silence import Silence
from bridge.standins import Target
from tests.core.disk import restarted
from tests.core.stage import Stage, at, connected, disconnected, login_failed, rule, setup

Mode = Literal["well", "slow", "refuses", "busy", "silent", "rejects", "rejects digests"]

CHAT, HOOK = Target("ops/slack/0", digest=True), Target("ops/webhook/0")
MAIL, PHONE = Target("mail/slack/0", digest=True), Target("phone/webhook/0")
ALL = (CHAT, HOOK, MAIL, PHONE)
CHAINS = {CHAT.key: (CHAT, MAIL, PHONE), HOOK.key: (HOOK, MAIL, PHONE)}
"""Who is told in the end if those before take nothing."""
LOST = rule(alert="Lost", events="client.disconnect", resolve_on={"events": "client.connect"}, by=["client.name"])
TRIED = rule(alert="Tried", events="client.auth_error", by=["client.host"])
NAMES = [f"n{number}" for number in range(4)]
MOODS = {"well": "", "refuses": "refused", "busy": "transient", "silent": "transient", "rejects": "rejected"}
"""What becomes of a try; from one that is silent nobody knows whether it has the message."""


def routed(apart: bool) -> Setup:
    route = {
        "group_by": ["..."] if apart else ["alertname"],
        "group_wait": "10s",
        "group_interval": "1m",
        "repeat_interval": "30d",
    }
    return setup(LOST, TRIED, route=route, targets=(CHAT, HOOK), fallbacks=((MAIL,), (PHONE,)))


class Ledger(msgspec.Struct):
    """What each destination was told, and what it never took."""

    told: dict[str, list[list[AlertView]]] = {}
    dead: dict[str, list[AlertView]] = {}
    episodes: dict[str, list[str]] = {}
    """Identity → ids of its episodes."""
    one_offs: int = 0


class World(Stage):
    """Two destinations with two fallbacks, one behind the other, each with moods of its own."""

    def __init__(self, apart: bool) -> None:
        self.modes: dict[str, Mode] = {target.key: "well" for target in ALL}
        self.ledger = Ledger()
        self.now = 1.0
        self.number = 0
        self.edited = False
        self.vain: set[str] = set()
        """Rows that were tried in vain since the start."""
        super().__init__(setup_=routed(apart))

    def act(self, action: tuple[Any, ...]) -> "World":
        match action:
            case "wait", seconds:
                return self.pass_time(seconds)
            case "goes", name:
                self.play(disconnected(self.now, name, number=self._next(), client_id=self.number))
            case "comes", name:
                self.play(connected(self.now, name, client_id=self._next(), number=self.number))
            case "knocks", host:
                self.play(login_failed(self.now, host, number=self._next()))
                self.ledger.one_offs += 1
            case "crowd", count:
                for number in range(count):
                    name = f"c{number}"
                    self.play(disconnected(self.now, name, number=self._next(), client_id=self.number))
            case "mood", key, mode:
                self.modes[key] = mode
            case "hush", name, seconds:
                silence = Silence(
                    id=f"{self._next()}",
                    matchers=(f"client_name = {name}",),
                    starts_at=at(self.now),
                    ends_at=at(self.now + seconds),
                )
                self.play(AddSilence(silence, at(self.now)))
            case ("restart",):
                world = restarted(self)
                world.serve()
                return world
            case "route", apart:
                self.edited = True
                self.reload(setup_=routed(apart))
        self.serve()
        return self

    def pass_time(self, seconds: float) -> "World":
        self.now += seconds
        while (due := self.engine.next_due) < at(self.now):
            self.engine.advance(due + 1)
            self.collect()
            self.serve()
        self.wait(self.now)
        self.serve()
        return self

    def serve(self) -> None:
        """Each destination does what it is in the mood for, with all that waits for it; each row once if in vain."""
        vain: set[str] = set()
        while rows := [row for row in self.engine.outbox.rows.values() if row.id not in vain]:
            for row in rows:
                vain.add(row.id)
                self._try(row)
            check_rows(self)

    def _try(self, row: OutboxRow) -> None:
        mode, now = self.modes[row.destination], self.engine.watch.t
        if mode == "rejects digests":
            mode = "rejects" if row.notification.covers else "well"
        if mode == "slow" or row.id not in self.engine.outbox.rows:
            return
        if row.id in self.vain:
            self.play(Renewing(row.id, self._next(), now))
            row = self.engine.outbox.rows[row.id]
            assert row.asked == self.number
        trouble = MOODS[mode]
        said = Attempt(row.id, row.destination, now, 0.1, None, trouble, "said so", trouble != "" and mode != "silent")
        self.play(Tried(said, now))
        alerts = list(row.notification.alerts)
        if mode == "well":
            self.ledger.told.setdefault(row.destination, []).append(alerts)
            self.play(Settled(row.id, "delivered", now))
        elif mode == "rejects":
            self.ledger.dead.setdefault(row.destination, []).extend(alerts)
            self.play(Settled(row.id, "dead", now, "rejected: HTTP 400"))
        else:
            self.vain.add(row.id)

    def collect(self) -> "World":
        super().collect()
        for _, change in sorted(self.changes.items()):
            known = self.ledger.episodes.setdefault(change.identity, [])
            if change.state == "firing" and change.alert not in known:
                known.append(change.alert)
        return self

    def _next(self) -> int:
        self.number += 1
        return self.number


def check_rows(world: World) -> None:
    """At most one message for each group and destination is under way, and one digest for each destination.

    A message of before an edit of the routes is not counted: its group may be made anew by another edit.
    """
    outbox = world.engine.outbox
    rows = list(outbox.rows.values())
    under_way = Counter((row.group, row.destination) for row in rows if row.group)
    assert world.edited or max(under_way.values(), default=0) <= 1
    assert max(Counter(row.destination for row in rows if row.notification.covers).values(), default=0) <= 1
    for group in outbox.groups.values():
        for key, cursor in group.cursors.items():
            row = outbox.rows.get(cursor.row)
            assert not cursor.row or (row and row.destination == key)


def settle_down(world: World) -> World:
    """All is well again, and what fires ends."""
    for target in ALL:
        world.modes[target.key] = "well"
    world.pass_time(3600)
    for name in [*NAMES, *(f"c{number}" for number in range(30))]:
        world = world.act(("comes", name))
    return world.pass_time(3600)


def told(world: World, key: str) -> list[AlertView]:
    return [alert for alerts in world.ledger.told.get(key, []) for alert in alerts]


def check_all_told(world: World) -> None:
    """Of each alert somebody was told for each destination, unless all of them rejected that."""
    for chain in CHAINS.values():
        heard = {alert.id for target in chain for alert in told(world, target.key)}
        rejected = [{alert.id for alert in world.ledger.dead.get(target.key, [])} for target in chain]
        for episodes in world.ledger.episodes.values():
            for nth, alert in enumerate(episodes):
                everybody_rejected = all(alert in each for each in rejected)
                assert everybody_rejected or heard.intersection(episodes[nth:]), (chain[0].key, alert)


def check_ends(world: World) -> None:
    """Who was told that something fires was told that it ended; nobody was told so twice, unless routes were edited."""
    for target in ALL:
        last: dict[str, str] = {}
        ended: Counter[str] = Counter()
        for alert in told(world, target.key):
            last[identity(alert.labels)] = alert.state
            ended[alert.id] += alert.state == "resolved"
        rejected = {identity(alert.labels) for alert in world.ledger.dead.get(target.key, [])}
        left = {name for name, state in last.items() if state == "firing"} - rejected
        assert not left, (target.key, left)
        assert world.edited or max(ended.values(), default=0) <= 1, (target.key, ended)


def check_news(world: World) -> None:
    """Each message said something that its destination had not heard."""
    for target in ALL:
        heard: set[tuple[str, str]] = set()
        for alerts in world.ledger.told.get(target.key, []):
            said = {(alert.id, alert.state) for alert in alerts}
            assert said - heard, (target.key, said)
            heard |= said


def check_one_offs(world: World) -> None:
    """Who rejected nothing and was never out heard of each of them once."""
    for target in (CHAT, HOOK):
        if target.key not in world.ledger.dead:
            heard = [alert for alert in told(world, target.key) if alert.state == "event"]
            assert sum(alert.count for alert in heard) == world.ledger.one_offs


def moods() -> st.SearchStrategy[tuple[Any, ...]]:
    modes: list[Mode] = ["well", "slow", "refuses", "busy", "silent", "rejects", "rejects digests"]
    return st.tuples(st.just("mood"), st.sampled_from([target.key for target in ALL]), st.sampled_from(modes))


def actions(*more: st.SearchStrategy[tuple[Any, ...]]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    names = st.sampled_from(NAMES)
    return st.lists(
        st.one_of(
            st.tuples(st.just("wait"), st.sampled_from([1, 11, 30, 61, 200, 700])),
            st.tuples(st.just("goes"), names),
            st.tuples(st.just("comes"), names),
            st.tuples(st.just("knocks"), names),
            moods(),
            st.just(("restart",)),
            *more,
        ),
        min_size=3,
        max_size=50,
    )


def run(apart: bool, script: Iterable[tuple[Any, ...]]) -> World:
    world = World(apart)
    for action in script:
        world = world.act(action)
        world.now += 0.001
    return settle_down(world)


few = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(apart=st.booleans(), script=actions(st.tuples(st.just("crowd"), st.just(25))))
def test_all_who_are_to_know_do_once_and_hear_of_the_end(apart: bool, script: list[tuple[Any, ...]]) -> None:
    world = run(apart, script)
    check_all_told(world)
    check_ends(world)
    check_news(world)
    check_one_offs(world)
    assert not world.engine.outbox.groups
    assert not world.engine.outbox.rows


@few
@given(
    apart=st.booleans(),
    script=actions(
        st.tuples(st.just("crowd"), st.just(25)),
        st.tuples(st.just("hush"), st.sampled_from(NAMES), st.sampled_from([30, 300, 1000])),
    ),
)
def test_silences_leave_nobody_with_an_alert_that_ended(apart: bool, script: list[tuple[Any, ...]]) -> None:
    world = run(apart, script)
    check_ends(world)
    assert not world.engine.outbox.groups
    assert not world.engine.outbox.rows


@few
@given(apart=st.booleans(), script=actions(st.tuples(st.just("route"), st.booleans())))
def test_nor_do_other_routes(apart: bool, script: list[tuple[Any, ...]]) -> None:
    world = run(apart, script)
    check_all_told(world)
    check_ends(world)
    assert not world.engine.outbox.groups
    assert not world.engine.outbox.rows
