"""Whatever makes a client of NATS deaf, the bridge hears again without a restart, and people are told."""

from pathlib import Path

import pytest

from bridge.source.settings import Limits
from tests.causes.trial import try_causes

QUICK = Limits(connect=3, answer=1, probe=0.5, retry=1, roll_call=2, quiet=0.3, grace=1)
"""The ways are the same, the waits are shorter. `make causes` tries it with those of the service."""


@pytest.mark.parametrize("nats_binary", ["newest", pytest.param("distribution", marks=pytest.mark.long)], indirect=True)
async def test_all_causes_end_in_a_connection_and_are_told(nats_binary: Path) -> None:
    times = await try_causes(nats_binary, QUICK, dwell=0)
    late = [each for each in times if not each.good]
    assert not late, "\n".join(f"{each.cause.name}: {each.told} {each.recovered} {each.trouble}" for each in late)
    assert [each.cause.number for each in times] == list(range(1, 14))
