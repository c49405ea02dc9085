"""Credentials that systemd loaded for the life of the process: if they are refused for long, a new one must come."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import StartServer
from tests.program.messages import states
from tests.program.program import ROOT, Program, bare_environ
from tests.program.rules import BURST, rules_file
from tests.program.trouble import SERVER
from tests.sink import Sink
from tests.waiting import eventually

RUN = """
import asyncio, os, sys
from pathlib import Path
from bridge import log
from bridge.app import App
from bridge.config import load
from bridge.source.settings import Limits

log.configure("text", "info")
path = Path(sys.argv[1])
limits = Limits(refused=1.5)
sys.exit(asyncio.run(App(path, os.environ, load(path, os.environ), limits=limits).run()))
"""


def write(directory: Path, server: str, sink: str, password: str) -> Path:
    (directory / "credentials").mkdir(exist_ok=True)
    (directory / "credentials" / "nats-password").write_text(f"{password}\n")
    rules = rules_file(server, sink, BURST).replace("password: s3cret-pass", "password_file: credentials/nats-password")
    (directory / "rules.yaml").write_text(rules)
    return directory / "rules.yaml"


async def test_refused_for_long_it_tells_commits_and_ends_with_75(
    start_server: StartServer, tmp_path: Path, sink: Sink
) -> None:
    server = start_server(SERVER)
    path = write(tmp_path, server.url, sink.url, "0utdated-pass")
    environ = bare_environ() | {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            await eventually(lambda: process.poll() is not None, within=20)
        finally:
            process.kill()
        assert process.stderr
        said = process.stderr.read()
    assert process.returncode == 75, said
    assert "ending, so that systemd starts the bridge with the credentials of now" in said
    assert "stopped" in said.splitlines()[-1]
    assert states(sink.requests, "BridgeLoginFailed") == ["firing"]
    # What it decided is on disk: with the password of now the next process ends the alert.
    write(tmp_path, server.url, sink.url, "s3cret-pass")
    with Program(tmp_path, path.read_text()) as program:
        await program.hears()
        await eventually(lambda: states(sink.requests, "BridgeLoginFailed") == ["firing", "resolved"])


async def test_a_password_file_elsewhere_is_read_again_at_each_try(
    start_server: StartServer, tmp_path: Path, sink: Sink
) -> None:
    server = start_server(SERVER)
    path = write(tmp_path, server.url, sink.url, "0utdated-pass")
    with Program(tmp_path, path.read_text()) as program:
        await program.says("cannot log in")
        write(tmp_path, server.url, sink.url, "s3cret-pass")
        await program.hears()
        assert program.alive
