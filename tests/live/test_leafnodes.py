"""Leafnodes: one that comes and goes, one whose server hangs, one whose link goes dead."""

import os
import signal

from bridge.demo.nats_server import free_port
from tests.conftest import StartServer
from tests.live.conftest import StartWatch
from tests.live.link import link_to
from tests.program.trouble import SERVER

IMPATIENT = 'ping_interval: "500ms"\n'
"""Two pings without an answer, and a connection is stale."""


def hub(port: int) -> str:
    """Leafnodes log in as users of accounts. Users of the block `leafnodes` itself would come without a CONNECT."""
    return f'{SERVER}\nleafnodes {{ listen: "127.0.0.1:{port}" }}\n'


def leaf(port: int) -> str:
    return f'leafnodes {{ remotes: [{{ url: "nats://app:p@127.0.0.1:{port}" }}] }}\n'


async def test_a_leafnode_that_goes_is_told_once_until_it_is_back(
    start_server: StartServer, start_watch: StartWatch
) -> None:
    port = free_port()
    watch = await start_watch(start_server(hub(port), name="hub").url, "leafnodes.yaml")
    edge = start_server(leaf(port), name="edge")
    await watch.counts(1, "LeafnodeComes")
    edge.stop()
    gone = await watch.fires("LeafnodeLost")
    assert gone.labels.items() >= {"client_name": "edge", "account_name": "APP"}.items()
    assert gone.summary.endswith("Client Closed")
    edge.start()
    back = await watch.resolves("LeafnodeLost")
    assert back.summary == "The leafnode edge is back"
    await watch.ends_well()
    assert watch.by("LeafnodeLost", "client_name") == {"edge": ["firing", "resolved"]}
    assert watch.counted("LeafnodeComes", "client_name", "account_name") == {"edge APP": 2}
    assert watch.counted("LeafnodeGoes", "client_name", "reason") == {"edge Client Closed": 1}


async def test_a_leafnode_that_hangs_is_told_once_until_it_is_back(
    start_server: StartServer, start_watch: StartWatch
) -> None:
    port = free_port()
    watch = await start_watch(start_server(hub(port) + IMPATIENT, name="hub").url, "leafnodes.yaml")
    edge = start_server(leaf(port), name="edge")
    await watch.counts(1, "LeafnodeComes")
    os.kill(edge.pid, signal.SIGSTOP)
    gone = await watch.fires("LeafnodeLost")
    assert gone.summary.endswith("Stale Connection")
    os.kill(edge.pid, signal.SIGCONT)
    await watch.resolves("LeafnodeLost")
    await watch.ends_well()
    assert watch.by("LeafnodeLost", "client_name") == {"edge": ["firing", "resolved"]}
    assert watch.counted("LeafnodeComes", "client_name") == {"edge": 2}
    assert watch.counted("LeafnodeGoes", "client_name", "reason") == {"edge Stale Connection": 1}


async def test_a_dead_link_that_was_replaced_before_its_end_is_no_loss(
    start_server: StartServer, start_watch: StartWatch
) -> None:
    """The leafnode notices first. Its new connection ends the old one at the hub, which had noticed nothing."""
    port = free_port()
    watch = await start_watch(start_server(hub(port), name="hub").url, "leafnodes.yaml")
    async with link_to(port) as link:
        edge = start_server(leaf(link.port) + IMPATIENT, name="edge")
        await watch.counts(1, "LeafnodeComes")
        link.go_dead()
        await watch.counts(2, "LeafnodeComes")
        await watch.counts(1, "LeafnodeGoes", reason="Duplicate Remote LeafNode Connection")
        edge.stop()
        await watch.fires("LeafnodeLost")
        await watch.ends_well()
    [gone] = watch.told("LeafnodeLost")
    assert gone.summary.endswith("Client Closed")
    assert watch.counted("LeafnodeComes", "client_name") == {"edge": 2}
    assert watch.counted("LeafnodeGoes", "reason") == {"Duplicate Remote LeafNode Connection": 1, "Client Closed": 1}
