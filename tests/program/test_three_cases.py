"""What the product exists for, through the whole program: each trouble is told once and resolved once, in good days,
with a receiver that is busy, and with a kill between decision and delivery."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bridge.demo.nats_server import NatsServer
from tests.program.messages import Line, id_of, lines, states
from tests.program.program import Program
from tests.program.rules import BURST, RISING, SLOW, rules_file
from tests.program.trouble import SMALL, fail_login, report, slow_consumers, throw_out
from tests.sink import Answer, Received, Sink, answer, hang
from tests.waiting import eventually

RULES = (BURST + SLOW + RISING).replace("2s", "5s").replace("3s", "5s")
"""So slow that an alert outlives the kill and the start after it."""

ISSUE = BURST.replace("2s", "1m")

ROUTE = """\
receiver: ops
group_by: ['...']
group_wait: 2s
group_interval: 1s
"""

FIRING = 4
"""Messages: the burst, two names of slow consumers, the counter."""
ALL = 2 * FIRING

STORIES = ["calm", "busy", "killed while waiting", "killed while sending"]


class Story(msgspec.Struct):
    """A program, its receiver, and what came of them."""

    program: Program
    sink: Sink
    rise: int = 0
    """What the server counted itself."""
    refused: list[Received] = []
    taken: list[Received] = []

    def keep(self, refused: int) -> None:
        """Write down what came; so many of the requests were not taken."""
        requests = list(self.sink.requests)
        self.refused, self.taken = requests[:refused], requests[refused:]

    def lines(self, name: str) -> list[Line]:
        return lines(self.taken, name)


def busy(sink: Sink) -> Answer:
    """To each message about something that fires: 503, 503, 429, and only then yes."""
    tries: Counter[str] = Counter()
    answers = [answer(503), answer(503), answer(429, Retry_After="2")]

    async def respond(writer: asyncio.StreamWriter) -> None:
        # The sink has just written this request down.
        request = sink.requests[-1]
        tries[id_of(request)] += 1
        refused = request.json["status"] == "firing" and tries[id_of(request)] <= len(answers)
        await (answers[tries[id_of(request)] - 1] if refused else answer())(writer)

    return respond


@pytest.fixture(scope="module")
def stories(nats_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Story]]:
    """Four programs that hear of the same troubles."""
    told: dict[str, Story] = {}
    with NatsServer(nats_binary, SMALL, name="n1") as server:
        for name in [*STORIES, "as in the issue"]:
            sink = Sink().__enter__()
            rules = rules_file(server.url, sink.url, RULES if name in STORIES else ISSUE, route=ROUTE)
            told[name] = Story(Program(tmp_path_factory.mktemp("bridge"), rules), sink)
        try:
            asyncio.run(live(server, told))
            yield told
        finally:
            for story in told.values():
                story.program.__exit__(None, None, None)
                story.sink.__exit__()


async def live(server: NatsServer, told: dict[str, Story]) -> None:
    told["busy"].sink.then = busy(told["busy"].sink)
    told["killed while sending"].sink.then = hang()
    for story in told.values():
        story.program.start()
    for story in told.values():
        await story.program.hears()
    before = slow_consumers(server)
    make_trouble(server)
    for story in told.values():
        story.rise = slow_consumers(server) - before
    await asyncio.gather(
        end_in_peace(told["as in the issue"], 1, 0),
        end_in_peace(told["calm"], ALL, 0),
        end_in_peace(told["busy"], ALL + 3 * FIRING, 3 * FIRING),
        kill_while_waiting(told["killed while waiting"]),
        kill_while_sending(told["killed while sending"]),
    )


def make_trouble(server: NatsServer) -> None:
    fail_login(server, times=25)
    throw_out(server, "orders", "billing")
    report(server)
    throw_out(server, "orders")
    report(server)


async def end_in_peace(story: Story, requests: int, refused: int) -> None:
    await eventually(lambda: len(story.sink.requests) >= requests, within=25)
    assert await asyncio.to_thread(story.program.stop) == 0
    if refused:
        done = {id_of(request): request for request in story.sink.requests}
        story.taken = list(done.values())
        story.refused = [request for request in story.sink.requests if request not in story.taken]
    else:
        story.keep(refused=0)


async def kill_while_waiting(story: Story) -> None:
    """The alerts fire; no message has been made of them."""
    await eventually(lambda: len(story.program.said("alert firing")) == FIRING)
    await asyncio.sleep(0.3)  # waits for nothing: so old must an event be at the kill to be on disk
    story.program.kill()
    assert not story.sink.requests
    story.program.start()
    await end_in_peace(story, ALL, 0)


async def kill_while_sending(story: Story) -> None:
    """The messages are out, and no answer has come."""
    await eventually(lambda: len(story.sink.requests) == FIRING)
    story.program.kill()
    story.sink.then = answer()
    story.program.start()
    await eventually(lambda: len(story.sink.requests) >= FIRING + ALL, within=25)
    assert await asyncio.to_thread(story.program.stop) == 0
    story.keep(refused=FIRING)


@pytest.fixture(params=STORIES)
def story(request: pytest.FixtureRequest, stories: dict[str, Story]) -> Story:
    return stories[request.param]


def test_a_burst_of_failed_logins_is_one_alert_that_ends_once(story: Story) -> None:
    firing, resolved = story.lines("AuthErrorBurst")
    assert (firing.state, resolved.state) == ("firing", "resolved")
    assert firing.alert == resolved.alert
    assert firing.labels["client_host"] == "127.0.0.1"
    assert firing.value == resolved.count == 25


def test_each_name_of_slow_consumers_is_one_alert_that_ends_once(story: Story) -> None:
    told = story.lines("SlowConsumer")
    for name, count in (("orders", 2), ("billing", 1)):
        firing, resolved = (line for line in told if line.labels["client_name"] == name)
        assert (firing.state, resolved.state) == ("firing", "resolved")
        assert firing.alert == resolved.alert
        assert firing.summary.startswith(f"{name}: Slow Consumer (")
        assert resolved.count == count
    assert len(told) == 4


def test_a_rise_of_the_counter_is_one_alert_with_the_servers_own_number(story: Story) -> None:
    firing, resolved = story.lines("SlowConsumersRising")
    assert (firing.state, resolved.state) == ("firing", "resolved")
    assert firing.alert == resolved.alert
    assert firing.labels["server_name"] == "n1"
    assert firing.value == story.rise >= 3
    assert resolved.peak == str(story.rise)


def test_every_message_is_taken_once(story: Story) -> None:
    ids = Counter(id_of(request) for request in story.taken)
    assert len(ids) == ALL
    assert set(ids.values()) == {1}


def test_every_try_of_a_message_is_the_same_message(story: Story) -> None:
    taken = {id_of(request): request.body for request in story.taken}
    assert all(taken[id_of(request)] == request.body for request in story.refused)


def test_a_busy_receiver_is_tried_until_it_takes_the_message(stories: dict[str, Story]) -> None:
    story = stories["busy"]
    tries = Counter(id_of(request) for request in story.refused)
    assert list(tries.values()) == [3] * FIRING
    for id in tries:
        *_, third, fourth = (request.at for request in story.sink.requests if id_of(request) == id)
        assert fourth - third >= 2.0


def test_a_message_that_was_out_at_the_kill_is_sent_again(stories: dict[str, Story]) -> None:
    story = stories["killed while sending"]
    assert {id_of(request) for request in story.refused} == {line.message for line in firing(story)}


def firing(story: Story) -> list[Line]:
    return [line for line in lines(story.taken) if line.state == "firing"]


def test_more_logins_than_the_rule_counts_are_one_message(stories: dict[str, Story]) -> None:
    assert states(stories["as in the issue"].taken) == ["firing"]
