"""A bridge as an operator runs it, on a rules file made for one situation, and what its receiver was told."""

import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.program.messages import Line, lines
from tests.program.program import Program
from tests.program.rules import PASSWORD
from tests.sink import Sink
from tests.waiting import eventually

RULES = Path(__file__).parent / "rules"

LOGIN = f"user: sys, password: {PASSWORD}"

PATIENCE = 20.0
"""Seconds that a server, the bridge and a message may take together on a slow machine."""

QUIET = 1.3
"""Longer than any group waits, in seconds."""


def main_file(server: str, sink: str, rules: str, nats: str = LOGIN) -> str:
    """The file that names the file with the rules; `nats` is how it connects."""
    return f"""\
nats: {{servers: ['{server}'], {nats}}}
storage: {{path: state.db}}
http: null
log: {{level: debug, format: text}}
receivers:
  - name: ops
    webhook_configs: [{{url: '{sink}'}}]
route: {{receiver: ops, group_by: ['...'], group_wait: 100ms, group_interval: 1s}}
rule_files: ['{RULES / rules}']
"""


class Watch:
    """What a bridge has told so far, in the words of alerts. A context manager; the program runs inside it."""

    def __init__(self, directory: Path, server: str, rules: str, nats: str = LOGIN) -> None:
        self.sink = Sink()
        self._directory, self._server, self._rules, self._nats = directory, server, rules, nats

    @contextlib.contextmanager
    def run(self) -> Iterator["Watch"]:
        with self.sink:
            file = main_file(self._server, self.sink.url, self._rules, self._nats)
            with Program(self._directory, file) as self.program:
                yield self

    @property
    def files(self) -> dict[str, bytes]:
        """All that it has written, its own rules file apart."""
        wrote = [path for path in self._directory.iterdir() if path != self.program.rules_path]
        return {path.name: path.read_bytes() for path in wrote if path.stat().st_size}

    async def sees(self, times: int = 1) -> None:
        """Once it has connected to NATS so many times."""
        await eventually(lambda: len(self.program.said(" connected to ")) >= times, PATIENCE)
        assert self.program.said("BridgeConfigInvalid") == []

    def told(self, alert: str, **labels: str) -> list[Line]:
        """The lines about one alert, or all alerts of a rule that have these labels, in order."""
        found = lines(self.sink.requests, alert)
        return [line for line in found if labels.items() <= line.labels.items()]

    def by(self, alert: str, *labels: str) -> dict[str, list[str]]:
        """The states that each alert of a rule went through, by the values of these labels."""
        states = defaultdict[str, list[str]](list)
        for line in self.told(alert):
            states[_values(line, labels)].append(line.state)
        return dict(states)

    def counted(self, alert: str, *labels: str) -> dict[str, int]:
        """How many events a rule without an end has told, by the values of these labels."""
        counts = Counter[str]()
        for line in self.told(alert):
            counts[_values(line, labels)] += line.count
        return dict(counts)

    async def counts(self, events: int, alert: str, within: float = PATIENCE, **labels: str) -> None:
        """Once it has told so many."""
        await eventually(lambda: sum(line.count for line in self.told(alert, **labels)) >= events, within)

    async def fires(self, alert: str, within: float = PATIENCE, **labels: str) -> Line:
        """The line about its begin, once it has come."""
        return await self._becomes("firing", alert, within, labels)

    async def resolves(self, alert: str, within: float = PATIENCE, **labels: str) -> Line:
        """The line about its end, once it has come."""
        return await self._becomes("resolved", alert, within, labels)

    async def fires_again(self, alert: str, within: float = PATIENCE) -> None:
        """Once its second begin has come."""
        await eventually(lambda: [line.state for line in self.told(alert)].count("firing") > 1, within)

    async def _becomes(self, state: str, alert: str, within: float, labels: dict[str, str]) -> Line:
        def found() -> list[Line]:
            return [line for line in self.told(alert, **labels) if line.state == state]

        return (await eventually(found, within))[0]

    async def ends_well(self, *own: str) -> None:
        """It has no more to tell, stops as it should, had no trouble itself but for this, and told nothing twice."""
        await eventually(lambda: time.monotonic() - self.sink.requests[-1].at > QUIET, PATIENCE)
        assert self.program.stop() == 0
        told = lines(self.sink.requests)
        assert [line.alert for line in told if line.name.startswith("Bridge") and line.name not in own] == []
        assert self.program.said("Traceback") == []
        turns = Counter((line.alert, line.state) for line in told if line.state != "event")
        assert [turn for turn, times in turns.items() if times > 1] == []


def _values(line: Line, labels: Sequence[str]) -> str:
    return " ".join(line.labels[label] for label in labels)
