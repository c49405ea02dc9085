"""What the tests share: real nats-servers, of two versions, the real Alertmanager, and how property tests choose
their cases."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings

from bridge.demo.nats_binary import Version, find
from bridge.demo.nats_server import NatsServer
from tests import alertmanager as real_alertmanager

# A change passes or fails by what it changed, not by the luck of its run: `make search` looks for new cases.
# How long a case takes to make up is no subject of these tests, and on a busy machine that can be long.
settings.register_profile("repeatable", derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


class StartServer(Protocol):
    """Starts a nats-server that ends with the test."""

    def __call__(self, config: str = "", *, name: str = "nats") -> NatsServer: ...


@pytest.fixture(scope="session", params=["distribution", "newest"])
def nats_binary(request: pytest.FixtureRequest) -> Path:
    """Whoever uses it, directly or not, runs on both versions. Where one cannot be had, the test fails and says why."""
    version: Version = request.param
    return find(version)


@pytest.fixture
def start_server(nats_binary: Path) -> Iterator[StartServer]:
    with ExitStack() as stack:

        def start(config: str = "", *, name: str = "nats") -> NatsServer:
            return stack.enter_context(NatsServer(nats_binary, config, name=name))

        yield start


@pytest.fixture(scope="session")
def alertmanager() -> Path:
    """The directory with `prometheus-alertmanager` and `amtool`; see `tests.alertmanager.running`."""
    return real_alertmanager.find()
