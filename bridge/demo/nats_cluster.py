"""Several real nats-servers that know each other."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bridge.demo.nats_server import START_SECONDS, NatsServer, free_port, wait_until
from bridge.errors import BridgeError


@contextmanager
def run_cluster(binary: Path, size: int = 3, config: str = "", *, prefix: str = "s") -> Iterator[list[NatsServer]]:
    """Start `size` servers, named s1, s2 … or after `prefix`, and wait until all have found each other."""
    ports = [free_port() for _ in range(size)]
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports)
    with ExitStack() as stack:
        servers = []
        for number, port in enumerate(ports, start=1):
            cluster = f'cluster {{ name: "test", listen: "127.0.0.1:{port}", routes: [{routes}] }}'
            servers.append(stack.enter_context(NatsServer(binary, f"{config}\n{cluster}\n", name=f"{prefix}{number}")))
        if not wait_until(lambda: all(_count_peers(server) == size - 1 for server in servers), START_SECONDS):
            raise BridgeError("\n".join([f"the cluster did not form in {START_SECONDS} s", *(s.log for s in servers)]))
        yield servers


def _count_peers(server: NatsServer) -> int:
    reply = httpx.get(f"{server.monitor_url}/routez", timeout=5, trust_env=False)
    return len({route["remote_id"] for route in reply.json()["routes"] or []})
