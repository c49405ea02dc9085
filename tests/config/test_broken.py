"""Each file in broken/ has exactly the problems that stand beside it: every word and every place can be reviewed."""

from pathlib import Path

import pytest

from bridge.config import check, load
from bridge.errors import ConfigError

DIRECTORY = Path(__file__).parent / "broken"
FILES = sorted(DIRECTORY.glob("*.yaml"))
ENVIRON = {"TOKEN": "hunter2-is-a-token", "URL": "https://chat.corp/hunter2/path", "DIRECTORY": "/nowhere"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_problems_of_a_file_are_told_in_one_pass(file: Path) -> None:
    expected = file.with_suffix(".txt").read_text().splitlines()
    assert [str(problem).removeprefix(f"{DIRECTORY}/") for problem in check([file], ENVIRON)] == expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_problem_says_what_to_do_and_shows_no_secret(file: Path) -> None:
    for problem in check([file], ENVIRON):
        assert ";" in problem.what
        assert "hunter2" not in str(problem)
        assert "\n" not in str(problem)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_with_an_error_is_not_loaded(file: Path) -> None:
    errors = [str(problem) for problem in check([file], ENVIRON) if problem.severity == "error"]
    if not errors:
        assert load(file, ENVIRON).warnings
        return
    with pytest.raises(ConfigError) as raised:
        load(file, ENVIRON)
    assert [str(problem) for problem in raised.value.problems] == errors
