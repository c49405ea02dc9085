"""`send-test`: a message that is marked as a test, by the way of real ones, and what came of it in a line."""

import asyncio
import json
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from bridge.cli.program import program
from bridge.doctor.receivers import examine_receivers
from bridge.endpoint import Tls
from bridge.receiver import Destination
from bridge.receivers.alertmanager import Alertmanager
from bridge.receivers.webhook import Webhook
from bridge.values import Secret
from tests.delivery.test_http import serving
from tests.sink import Sink, answer, cut
from tests.slack import TOKEN, FakeSlack

CANARY = "CANARY-s3cr3t"

FILE = """\
nats: {{user: u, password: p}}
labels: {{cluster: prod-eu}}
receivers:
  - name: ops
{destinations}
  - name: empty
route: {{receiver: ops}}
rules: [{{alert: A, events: client.connect}}]
"""


def send(folder: Path, *destinations: str, receiver: str = "ops", state: str = "firing") -> Result:
    lines = "\n".join(f"    {line}" for line in destinations)
    (folder / "rules.yaml").write_text(FILE.format(destinations=lines))
    arguments = ["send-test", receiver, "--config", str(folder / "rules.yaml"), "--state", state]
    return CliRunner().invoke(program, arguments)


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("firing", "🔵 TEST · TestMessage (prod-eu)"),
        ("resolved", "✅ RESOLVED after 1m · TestMessage (prod-eu)"),
        ("event", "🔵 EVENT · TestMessage (prod-eu)"),
    ],
)
def test_the_message_is_marked_as_a_test(tmp_path: Path, state: str, title: str) -> None:
    with Sink() as sink:
        result = send(tmp_path, f"webhook_configs: [{{url: '{sink.url}'}}]", state=state)
        (received,) = sink.requests
    assert result.exit_code == 0
    assert result.stdout.startswith("ops/webhook/0  told      HTTP 200 in ")
    assert received.json["title"] == title
    assert "This is a test" in received.json["alerts"][0]["annotations"]["summary"]


def test_each_destination_has_a_line_and_one_that_fails_fails_all(tmp_path: Path) -> None:
    authority = trustme.CA()
    with (
        Sink() as good,
        Sink(then=answer(404)) as gone,
        Sink(then=answer(400)) as picky,
        Sink(then=cut()) as broken,
        Sink(tls=serving(authority, "localhost")) as unknown,
        FakeSlack("not_in_channel") as slack,
    ):
        result = send(
            tmp_path,
            f"slack_configs: [{{bot_token: {TOKEN}, channel: '#nats-ops', mode: thread, base_url: '{slack.url}'}}]",
            "webhook_configs:",
            f"  - url: {good.url}/{CANARY}",
            f"  - url: {gone.url}/{CANARY}",
            f"  - url: {picky.url}/{CANARY}",
            f"  - url: {broken.url}/{CANARY}",
            f"  - url: {unknown.url.replace('127.0.0.1', 'localhost')}/{CANARY}",
            f"alertmanager_configs: [{{urls: ['{good.url}', '{broken.url}']}}]",
        )
    lines = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    for name, words in {
        "ops/slack/0": "refused   HTTP 200: not_in_channel in ",
        "ops/webhook/0": "told      HTTP 200 in ",
        "ops/webhook/1": "refused   HTTP 404 in ",
        "ops/webhook/2": "rejected  HTTP 400 in ",
        "ops/webhook/3": "failed    the answer is no HTTP, or was cut off in ",
        "ops/webhook/4": "refused   the certificate is not trusted: ",
        "ops/alertmanager/0 peer 1": "told      HTTP 200 in ",
        "ops/alertmanager/0 peer 2": "failed    the answer is no HTTP, or was cut off in ",
    }.items():
        assert words in lines[name], result.stdout
    assert lines["ops/slack/0"].endswith("; invite the app into the channel")
    assert lines["ops/webhook/1"].endswith("; mend that first: look at its URL, its credentials and its tls")
    assert "look at its keys" in lines["ops/webhook/2"]
    assert "tried for 3d" in lines["ops/webhook/3"]
    assert result.exit_code == 1
    assert CANARY not in result.output


def test_what_is_taken_in_plain_form_only_is_still_a_fault(tmp_path: Path) -> None:
    with Sink(answer(413)) as sink:
        result = send(tmp_path, f"webhook_configs: [{{url: '{sink.url}'}}]")
    assert result.exit_code == 1
    assert "rejected  HTTP 413 in " in result.stdout
    assert result.stdout.endswith("; taken as plain text\n")


def test_the_whole_conversation_is_held(tmp_path: Path) -> None:
    with FakeSlack() as slack:
        keys = f"{{bot_token: {TOKEN}, channel: '#nats-ops', mode: thread, base_url: '{slack.url}'}}"
        assert send(tmp_path, f"slack_configs: [{keys}]").exit_code == 0
        (said,) = slack.said
    assert said.text == "🔵 TEST · TestMessage (prod-eu)"
    text = json.dumps(said.message)
    assert text.count("<!") == text.count("<!date^"), "it mentions nobody"


@pytest.mark.parametrize(
    ("receiver", "words"),
    [("nobody", "no receiver is named 'nobody'; there are ops, empty"), ("empty", "has no destinations; add")],
)
def test_a_receiver_that_is_none_is_said(tmp_path: Path, receiver: str, words: str) -> None:
    result = send(tmp_path, "webhook_configs: [{url: 'http://x.example'}]", receiver=receiver)
    assert result.exit_code == 1
    assert words in str(result.exception)


def test_the_doctor_goes_the_same_way_without_a_message(tmp_path: Path) -> None:
    """Own authorities, a proxy, each peer."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with Sink(tls=serving(authority, "localhost")) as sink, Sink() as proxy:
        url = f"https://localhost:{sink.port}"
        found = asyncio.run(
            _examined(
                Webhook(url=Secret(url), tls=Tls(ca_file=tmp_path / "ca.pem")),
                Webhook(
                    url=Secret("https://nobody.invalid"), proxy_url=Secret(f"http://a:{CANARY}@localhost:{proxy.port}")
                ),
                Alertmanager(urls=[Secret(proxy.url), Secret("http://127.0.0.1:1")]),
            )
        )
        assert not sink.requests
        assert not proxy.requests
    assert [line.split(" ")[0] for line in found] == ["ok", "ok", "ok", "FAILED", "ok"]
    assert "the proxy localhost:" in found[1]
    assert CANARY not in str(found)


async def _examined(*destinations: Destination) -> list[str]:
    named = {f"d{n}": each for n, each in enumerate(destinations)}
    return [str(finding) async for finding in examine_receivers(named)]
