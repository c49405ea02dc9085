"""The engine in this process, with the same rules and payloads: for what cannot be seen of the program from outside."""

import gc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.payloads import Storm, storm
from benchmarks.rules import Rule, Wanted, write
from bridge.config import load
from bridge.configuration import setup
from bridge.engine import Engine
from bridge.inputs import Message, Sight
from bridge.values import SECOND

START = 1_800_000_000 * SECOND
STEP = 10
"""Microseconds between two events: a hundred thousand a second."""

BATCH = 64
"""Events that the program gives the engine at once."""

COMMIT = 25_000
"""Events between two commits: a quarter of a second."""


def engine(rules: list[Rule]) -> Engine:
    """One that has sight and has loaded these rules from a file, as the program does."""
    with TemporaryDirectory() as home:
        made = Engine(setup(load(write(Path(home), Wanted(rules)), {})), START)
    made.begin()
    made.process([Sight(START)])
    gc.collect()
    gc.freeze()
    return made


def batches(wanted: Storm) -> Iterator[list[Message]]:
    """The storm as the program would take it from its inbox."""
    batch = []
    for number, (subject, data) in enumerate(storm(wanted, "last"), wanted.first):
        batch.append(Message(subject, data, START + number * STEP))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def play(subject: Engine, given: Iterator[list[Message]]) -> None:
    """All of it, with a commit from time to time, which goes nowhere."""
    count = 0
    for batch in given:
        subject.process(batch)
        count += len(batch)
        if count >= COMMIT:
            subject.drain()
            count = 0
    subject.drain()
