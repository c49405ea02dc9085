"""A receiver."""

from collections.abc import Iterator

import pytest

from tests.sink import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink
