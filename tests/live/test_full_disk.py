"""A full disk under JetStream, of a single server and of one in a cluster."""

from contextlib import suppress
from pathlib import Path

import nats.errors
from nats.js import JetStreamContext

from bridge.demo.nats_binary import version_of
from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer
from tests.live.conftest import StartWatch
from tests.live.disk import small_disk
from tests.live.reports import frequent_reports
from tests.live.test_jetstream import BOTH, IMPORTS, TENANTS, jetstream
from tests.waiting import eventually

POLLS = f"{IMPORTS}, poll: {{interval: 1s, timeout: 500ms}}"

STORE = "jetstream { max_file: 4MB }"
"""More than the disk has, so that it is the disk that is full."""


async def fill(js: JetStreamContext, megabytes: int) -> int:
    """How many of so many messages of 100 kB the stream took, before the first that it did not."""
    for number in range(10 * megabytes):
        try:
            await js.publish("full", bytes(100_000), timeout=1)
        except (TimeoutError, nats.errors.Error):
            return number
    return 10 * megabytes


async def test_a_disk_that_fills_up_is_told_once_until_it_has_room(
    nats_binary: Path, start_watch: StartWatch, tmp_path: Path
) -> None:
    """Of a stream without replicas. Servers before 2.10 do not notice, so one must look at what is used."""
    server = NatsServer(nats_binary, f"{TENANTS}\n{STORE}", name="n1")
    notices = [int(part) for part in version_of(nats_binary).split(".")] >= [2, 10]
    with small_disk(server, tmp_path / "disk", "3m") as disk, server:
        watch = await start_watch(server.url, "full_disk.yaml", POLLS)
        async with frequent_reports([server]):
            async with jetstream(server) as js:
                await js.add_stream(name="FULL", subjects=["full"])
                assert 20 <= await fill(js, 4) < 40
            high = await watch.fires("JetStreamStorageHigh")
            assert high.summary.startswith("JetStream of n1 uses ")
            if notices:
                ill = await watch.fires("ServerUnhealthy")
                assert "no space left on device" in ill.summary
            disk.grow()
            server.kill()  # 2.9.10 does not stop as long as it cannot write
            server.start()
            async with jetstream(server) as js:
                await js.purge_stream("FULL")
                assert await fill(js, 1) == 10
            await watch.resolves("JetStreamStorageHigh")
            if notices:
                await watch.resolves("ServerUnhealthy")
        await watch.ends_well()
    assert watch.by("JetStreamStorageHigh", "server_name") == {"n1": BOTH}
    assert watch.by("ServerUnhealthy", "server_name") == ({"n1": BOTH} if notices else {})


async def test_a_full_disk_under_a_replicated_stream_is_told_once_until_the_server_works_again(
    nats_binary: Path, start_watch: StartWatch, tmp_path: Path
) -> None:
    """The stream has a majority elsewhere. Servers before 2.10 hang and do not answer, some do
    not report either; others are not healthy, and some of them shut
    their JetStream down and say so: it depends on which of their files finds the disk full."""
    notices = [int(part) for part in version_of(nats_binary).split(".")] >= [2, 10]
    with run_cluster(nats_binary, 3, f"{TENANTS}\njetstream {{ max_file: 1GB }}") as servers:
        well, _, ill = servers
        ill.kill()
        with small_disk(ill, tmp_path / "disk", "3m") as disk:
            ill.start()
            async with jetstream(well) as js:
                await eventually(lambda: has_stream(js), within=40)
            watch = await start_watch(well.url, "full_disk.yaml", POLLS)
            alerts = ["ServerUnhealthy"] if notices else ["BridgeServerNoAnswer"]
            async with frequent_reports(servers[:2]):
                await watch.fires("Heard", server_name="s3")
                async with jetstream(well) as js:
                    await fill(js, 4)
                for alert in alerts:
                    await watch.fires(alert, within=40, server_name="s3")
                disk.grow()
                ill.kill()
                ill.start()
                for alert in alerts:
                    await watch.resolves(alert, within=40, server_name="s3")
            await watch.ends_well("BridgeServerNoAnswer")
    for alert in alerts:
        assert watch.by(alert, "server_name")["s3"] == BOTH
    for alert in ("JetStreamDiskFull", "ServerSilent"):
        assert watch.by(alert, "server_name") in ({}, {"s3": BOTH})
    assert watch.counted("OutOfSpace", "server_name", "stream") in ({}, {"s3 FULL": 1})


async def has_stream(js: JetStreamContext) -> bool:
    with suppress(nats.errors.Error):
        return bool(await js.add_stream(name="FULL", subjects=["full"], num_replicas=3))
    return False
