"""A cluster of three: one is killed, one goes as a lame duck, one is restarted."""

from pathlib import Path

from bridge.demo.nats_binary import version_of
from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer
from tests.live.conftest import StartWatch
from tests.live.reports import frequent_reports
from tests.live.watch import Watch
from tests.program.trouble import SERVER, fail_login


async def test_who_is_killed_is_missed_and_who_says_goodbye_is_not(nats_binary: Path, start_watch: StartWatch) -> None:
    """The bridge is connected to the one that is restarted."""
    with run_cluster(nats_binary, 3, SERVER + 'lame_duck_grace_period: "500ms"') as servers:
        restarted, duck, killed = servers
        watch = await start_watch(restarted.url, "cluster.yaml")
        async with frequent_reports(servers):
            fail_login(duck, "elsewhere", times=3)
            await go(watch, duck, killed)
            duck.kill()  # it has ended
            killed.start()
            duck.start()
            gone = await watch.resolves("ServerSilent", server_name=killed.name)
            assert gone.summary.startswith(f"{killed.name} is heard again after")
            await watch.counts(1, "ServerRestarted", server_name=duck.name)
            for server in (restarted, killed):
                await watch.resolves("RoutesMissing", server_name=server.name)
            restarted.restart()
            await watch.counts(1, "ServerRestarted", server_name=restarted.name)
            fail_login(killed, "later")
            await watch.counts(1, "LoginFailed", client_name="later")
        await watch.ends_well()
    assert watch.by("ServerSilent", "server_name") == {killed.name: ["firing", "resolved"]}
    assert watch.by("RoutesMissing", "server_name") == {
        restarted.name: ["firing", "resolved"],
        killed.name: ["firing", "resolved"],  # The duck had gone before it was killed.
    }
    goodbye = "lameduck" if says_lame_duck(nats_binary) else "shutdown"
    told = [line.summary for line in watch.told("ServerStops")]
    assert told == [f"{duck.name} stops: server.{goodbye}", f"{restarted.name} stops: server.shutdown"]
    assert watch.counted("ServerStops", "server_name") == {duck.name: 1, restarted.name: 1}
    assert watch.counted("ServerRestarted", "server_name") == {duck.name: 1, killed.name: 1, restarted.name: 1}
    assert watch.counted("LoginFailed", "client_name", "server_name") == {"elsewhere s2": 3, "later s3": 1}


async def go(watch: Watch, duck: NatsServer, killed: NatsServer) -> None:
    duck.lame_duck()
    await watch.counts(1, "ServerStops", server_name=duck.name)
    await watch.fires("RoutesMissing", server_name=killed.name)
    killed.kill()
    gone = await watch.fires("ServerSilent", server_name=killed.name)
    assert gone.summary.startswith(f"No sign of life from {killed.name} for ")


def says_lame_duck(binary: Path) -> bool:
    """Servers from 2.9.22 on do, and after that nothing more."""
    return [int(part) for part in version_of(binary).split(".")] >= [2, 9, 22]
