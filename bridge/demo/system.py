"""The NATS system of the demo: two servers, an account for applications, and the system account with its one user."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer

APPLICATION = ("app", "app-password")
BRIDGE = ("bridge", "bridge-password")

# The least that rules.example.yaml needs: the same lines as in the README.
BRIDGE_USER = """\
{
  user: bridge
  password: "%s"
  permissions {
    publish: [
      "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.SERVER.PING.HEALTHZ"
      "$SYS.REQ.SERVER.*.STATSZ", "$SYS.REQ.SERVER.*.HEALTHZ", "$SYS.REQ.ACCOUNT.*.INFO"
    ]
    subscribe: [
      "$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT", "$SYS.ACCOUNT.*.LEAFNODE.CONNECT"
      "$SYS.SERVER.*.CLIENT.AUTH.ERR", "$SYS.SERVER.*.STATSZ"
      "$SYS.SERVER.*.SHUTDOWN", "$SYS.SERVER.*.LAMEDUCK"
      "$JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.*", "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.*"
      "$SYS.ACCOUNT.*.JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.*"
      "$SYS.ACCOUNT.*.JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.*"
      "_INBOX.>"
    ]
  }
}
"""

# Small bounds, so that a client that reads nothing is thrown out at once; servers have 64 MB and 10s.
_CONFIG = f"""
max_pending: 4MB
write_deadline: "1s"
system_account: SYS
accounts {{
  APP {{ users: [ {{ user: "{APPLICATION[0]}", password: "{APPLICATION[1]}" }} ] }}
  SYS {{ users: [ {BRIDGE_USER % BRIDGE[1]} ] }}
}}
"""


@contextmanager
def run_system(binary: Path) -> Iterator[tuple[NatsServer, NatsServer]]:
    """Two servers that know each other. Raises BridgeError if they do not start."""
    with run_cluster(binary, 2, _CONFIG, prefix="nats-") as (first, second):
        yield first, second
