"""Several servers: the connection moves, and all of them answer."""

import time
from pathlib import Path

from msgspec.structs import replace

from bridge.demo.nats_cluster import run_cluster
from tests.source.heard import ACCOUNTS, QUICK, client, run, settings_for
from tests.waiting import eventually


async def test_all_servers_answer_before_sight(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 2, ACCOUNTS) as servers:
        async with run(settings_for(servers[0]), limits=replace(QUICK, quiet=3, roll_call=5)) as it:
            await eventually(lambda: it.heard.sees, within=5)
            assert len({subject for subject, _ in it.heard.heard_on("$SYS.SERVER.")}) == 2


async def test_another_server_takes_over_even_if_only_one_is_configured(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 2, ACCOUNTS) as servers:
        async with run(settings_for(servers[0])) as it:
            await eventually(lambda: it.heard.sees)
            servers[0].kill()
            killed = time.monotonic()
            await eventually(lambda: [call[0] for call in it.heard.calls].count("sight") == 2, within=3)
            assert time.monotonic() - killed < 2.5
            async with client(servers[1]) as other:
                await other.publish("ev.a")
                await eventually(lambda: it.heard.heard_on("ev.a"))


async def test_a_server_that_leaves_the_cluster_is_forgotten_and_one_that_comes_is_learned(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 3, ACCOUNTS) as servers:
        async with run(settings_for(servers[0])) as it:
            await eventually(lambda: it.heard.sees)

            def known() -> set[int | None]:
                connection = it.source._connection
                return {url.port for url in connection.siblings} - {servers[0].port} if connection else set()

            await eventually(lambda: known() == {servers[1].port, servers[2].port})
            servers[2].kill()
            await eventually(lambda: known() == {servers[1].port})
            servers[2].start()
            await eventually(lambda: known() == {servers[1].port, servers[2].port})


async def test_the_bridge_moves_before_a_lame_duck_dies(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 2, f'{ACCOUNTS}\nlame_duck_grace_period: "9s"\nlame_duck_duration: "30s"') as servers:
        async with run(settings_for(*servers)) as it:
            await eventually(lambda: it.heard.sees)
            first = it.heard.server_id
            at = next(server for server in servers if first in server.log)
            at.lame_duck()
            # Before the grace of 9 s is over, when the server begins to close connections.
            await eventually(
                lambda: [call for call in it.heard.calls if call[0] == "own" and call[1] != first], within=8
            )
            await eventually(lambda: it.heard.sees)


async def test_the_bridge_stays_with_a_lame_duck_that_is_alone(nats_binary: Path) -> None:
    with run_cluster(
        nats_binary, 1, f'{ACCOUNTS}\nlame_duck_grace_period: "0.5s"\nlame_duck_duration: "30s"'
    ) as servers:
        async with run(settings_for(*servers), ["$SYS.SERVER.*.LAMEDUCK"]) as it:
            await eventually(lambda: it.heard.sees)
            said = len(servers[0].log)
            servers[0].lame_duck()
            await eventually(lambda: "Entering lame duck mode" in servers[0].log[said:])
            assert it.heard.sees
            await eventually(lambda: not it.heard.sees, within=4)
