"""The files in the folders beside this one, run as people run them: every word of every failure can be reviewed."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli.program import program

HERE = Path(__file__).parent


def files(folder: str) -> list[Path]:
    found = sorted((HERE / folder).glob("*.yaml"))
    assert found
    return found


def run(*names: str) -> Result:
    return CliRunner().invoke(program, ["test", *names], catch_exceptions=False)


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a laptop: what the rules file names in the environment is not there."""
    for name in ("NATS_URL", "CREDENTIALS_DIRECTORY", "SLACK", "HOOK", "NOT_SET_ANYWHERE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("file", files("passing"), ids=lambda file: file.stem)
def test_what_should_pass_passes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    result = run(file.name)
    count = file.read_text().count("\n  - name:")
    assert (result.output, result.exit_code) == (f"{file.name}: {count} passed\n", 0)


@pytest.mark.parametrize(
    "file", [*files("failing"), *files("broken")], ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_what_is_wrong_is_said_in_full(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    result = run(file.name)
    assert (result.output, result.exit_code) == (file.with_suffix(".txt").read_text(), 1)


@pytest.mark.parametrize("file", files("broken"), ids=lambda file: file.stem)
def test_every_problem_says_what_to_do(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    lines = run(file.name).stderr.splitlines()
    assert lines
    assert all("; " in line for line in lines)


def test_one_bad_file_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    result = run("passing/blind.yaml", "broken/nothing.yaml", "passing/events.yaml")
    assert result.exit_code == 1
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [
        "passing/blind.yaml",
        "passing/events.yaml",
    ]
    assert result.stderr.startswith("broken/nothing.yaml:1:1: error:")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.yaml", tmp_path):
        result = run(str(path))
        assert result.exit_code == 1
        assert result.stderr.startswith(f"{path}: error: the file cannot be read")


def test_no_file_is_wrong_usage() -> None:
    assert run().exit_code == 2


def test_no_text_of_the_environment_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2-is-a-token")
    event = "{at: 0s, event: client.auth_error, fields: {client.rtt: '${TOKEN}', client.id: ['${TOKEN}']}}"
    expect = "{at: 0s, firing: ['${TOKEN}', {alert: '${TOKEN}'}], messages: {a: 1}}"
    text = f"rules: {HERE}/rules.yaml\ntests: [{{name: '${{TOKEN}}', events: [{event}], expect: [{expect}]}}]\n"
    (tmp_path / "test.yaml").write_text(text)
    result = run(str(tmp_path / "test.yaml"))
    assert "hunter2" not in result.output
    assert result.output.count("the text from ${TOKEN} does not fit here") == 4
