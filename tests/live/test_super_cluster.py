"""A super-cluster of two: what happens in the other cluster, and its loss."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bridge.demo.nats_server import START_SECONDS, NatsServer, free_port, wait_until
from bridge.errors import BridgeError
from tests.conftest import StartServer
from tests.live.conftest import StartWatch
from tests.live.reports import frequent_reports
from tests.live.test_leafnodes import leaf
from tests.program.trouble import SERVER, Peer, fail_login


@contextmanager
def run_super_cluster(binary: Path, config: str) -> Iterator[dict[str, NatsServer]]:
    """A server for each of the clusters `east` and `west`, named n-east and n-west."""
    ports = {name: free_port() for name in ("east", "west")}
    gateways = ", ".join(f'{{ name: {name}, url: "nats://127.0.0.1:{port}" }}' for name, port in ports.items())
    with ExitStack() as stack:
        servers = {}
        for name, port in ports.items():
            gateway = f'gateway {{ name: {name}, listen: "127.0.0.1:{port}", gateways: [{gateways}] }}'
            leafnodes = f'leafnodes {{ listen: "127.0.0.1:{free_port()}" }}'
            server = NatsServer(binary, f"{config}\n{gateway}\n{leafnodes}", name=f"n-{name}")
            servers[name] = stack.enter_context(server)
        if not wait_until(lambda: all(_is_joined(server) for server in servers.values()), START_SECONDS):
            raise BridgeError("\n".join(["the clusters did not find each other", *(s.log for s in servers.values())]))
        yield servers


def _is_joined(server: NatsServer) -> bool:
    page = httpx.get(f"{server.monitor_url}/gatewayz", timeout=5, trust_env=False).json()
    return bool(page["outbound_gateways"] and page["inbound_gateways"])


def leaf_port(server: NatsServer) -> int:
    page = httpx.get(f"{server.monitor_url}/varz", timeout=5, trust_env=False).json()
    return int(page["leaf"]["port"])


async def test_the_other_cluster_is_heard_like_ones_own_and_missed_once(
    nats_binary: Path, start_server: StartServer, start_watch: StartWatch
) -> None:
    """The bridge is connected to east, and everything happens in west."""
    with run_super_cluster(nats_binary, SERVER) as servers:
        east, west = servers["east"], servers["west"]
        watch = await start_watch(east.url, "super_cluster.yaml")
        async with frequent_reports([east]):
            west.kill()
            await watch.fires("ServerSilent")
            await watch.fires("GatewayLost")
            west.start()
            await watch.resolves("ServerSilent")
            await watch.resolves("GatewayLost")
            edge = start_server(leaf(leaf_port(west)), name="edge")
            await watch.counts(1, "LeafnodeComes")
            fail_login(west, "elsewhere", times=3)
            with Peer(west, name="visitor"):
                pass
            await watch.counts(1, "ClientGoes", client_name="visitor")
            edge.stop()
            await watch.fires("LeafnodeLost")
            edge.start()
            await watch.resolves("LeafnodeLost")
            assert watch.by("GatewayLost", "server_name") == {"n-east": ["firing", "resolved"]}
            west.stop()
            await watch.counts(1, "ServerStops")
            await watch.fires_again("GatewayLost")
        await watch.ends_well()
    assert watch.by("LeafnodeLost", "client_name") == {"edge": ["firing", "resolved"]}
    assert watch.by("ServerSilent", "server_name", "server_cluster") == {"n-west west": ["firing", "resolved"]}
    assert watch.by("GatewayLost", "server_name") == {"n-east": ["firing", "resolved", "firing"]}
    assert watch.counted("LeafnodeComes", "client_name", "account_name", "server_cluster") == {"edge APP west": 2}
    assert watch.counted("LoginFailed", "client_name", "server_cluster") == {"elsewhere west": 3}
    assert watch.counted("ClientGoes", "client_name") == {"visitor": 1}
    assert watch.counted("ServerStops", "server_name", "server_cluster") == {"n-west west": 1}
