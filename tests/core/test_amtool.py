"""Routes and matchers mean what they mean to Alertmanager: the same answers as its own amtool, on random ones."""

import json
import random
import re
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bridge.label_matchers import LabelMatchers, select
from bridge.route import Route, Tree

Labels = dict[str, str]

NAMES = ("severity", "team", "cluster", "x")
VALUES = ("", "a", "b", "ab", "aab", "a b", "ä", "a\nb", 'q"q', "a\\b", "A")
PATTERNS = (
    "a.*",
    "a|b",
    ".+",
    ".*",
    "",
    "(a|b)+",
    "[^a]",
    "(?i)a",
    "ä",
    "\\w+",
    "a\\.b",
    "^a$",
    "a.b",
    "(?s)a.b",
    "x|",
)
TREES = 40
"""Of one file. Each alert is shown to all of them, so that one call gives as many answers."""


def ask(programs: Path, config: Path, labels: Labels) -> list[str]:
    """The receivers that amtool names."""
    words = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items()]
    command = [str(programs / "amtool"), "config", "routes", "test", f"--config.file={config}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split(",")  # what it warns of stands before


def ask_all(programs: Path, config: Path, alerts: Sequence[Labels]) -> list[list[str]]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda labels: ask(programs, config, labels), alerts))


def receivers(route: dict[str, Any], labels: Labels) -> list[str]:
    tree = Tree(Route.model_validate(route))
    return [node.receiver for node in tree.root.match(labels)]


def write(path: Path, route: dict[str, Any]) -> Path:
    """A file for amtool; JSON is YAML."""
    names: set[str] = {route["receiver"], *(each["receiver"] for each in _below(route))}
    path.write_text(json.dumps({"route": route, "receivers": [{"name": name} for name in sorted(names)]}))
    return path


def _below(route: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for each in route.get("routes", []):
        yield from ([each] if "receiver" in each else [])
        yield from _below(each)


def random_alert(dice: random.Random) -> Labels:
    return {name: dice.choice(VALUES[1:]) for name in NAMES if dice.random() < 0.7} or {"severity": "a"}


def random_matcher(dice: random.Random) -> str:
    op = dice.choice(("=", "!=", "=~", "!~"))
    value = dice.choice(PATTERNS if "~" in op else VALUES)
    quoted = json.dumps(value, ensure_ascii=False)
    name = dice.choice(NAMES)
    return dice.choice(
        (f"{name}{op}{quoted}", f" {name} {op} {quoted} ", f"{{{name}{op}{quoted}}}", f'"{name}"{op}{quoted}')
    )


def random_tree(dice: random.Random, name: str, depth: int = 0) -> dict[str, Any]:
    route: dict[str, Any] = {"receiver": name} if depth == 0 or dice.random() < 0.7 else {}
    route["matchers"] = [random_matcher(dice) for _ in range(dice.choice((0, 1, 1, 2)))]
    route["continue"] = dice.random() < 0.4
    if depth < 3:
        count = dice.choice((0, 1, 2, 3))
        route["routes"] = [random_tree(dice, f"{name}-{n}", depth + 1) for n in range(count)]
    return route


@pytest.mark.parametrize("seed", range(3))
def test_random_trees_give_the_same_receivers_in_the_same_order(seed: int, alertmanager: Path, tmp_path: Path) -> None:
    dice = random.Random(seed)
    trees = [{**random_tree(dice, f"t{n}"), "continue": True} for n in range(TREES)]
    route = {"receiver": "top", "routes": trees}
    alerts = [random_alert(dice) for _ in range(40)]
    config = write(tmp_path / "alertmanager.yml", route)

    theirs = ask_all(alertmanager, config, alerts)
    assert [receivers(route, labels) for labels in alerts] == theirs
    assert len({name for names in theirs for name in names}) > TREES  # the trees are no trivial ones


PIECES = (
    *(
        "a",
        "b",
        "severity",
        "foo_bar",
        "1",
        "ü",
        "a.b",
        "=",
        "!=",
        "=~",
        "!~",
        "==",
        "<",
        ",",
        "{",
        "}",
        " ",
        "\t",
        "\n",
    ),
    *('"', '"a"', '"a,b"', '"a\\"b"', '"\\n"', '"\\x41"', '"\\q"', '"\\u00e4"', '""', "\\", "'a'", "`a`", "~", "!"),
    *('"("', "(", '"a|b"', "a|b", ".*", '"{}"', "[ab]", '"=b"'),
)
SHAPED = (
    "{0}{1}{2}",
    "{{{0}{1}{2}}}",
    "{0}{1}{2},{3}{4}{5}",
    "{{ {0} {1} {2} , {3} {4} {5} , }}",
    "{0}{1}{2}{3}",
    "{0}",
    "",
)


def random_line(dice: random.Random) -> str:
    if dice.random() < 0.4:
        return "".join(dice.choices(PIECES, k=dice.randint(1, 6)))
    words, ops = PIECES[:7] + PIECES[20:32] + PIECES[34:], ("=", "!=", "=~", "!~")
    places = [dice.choice(ops if n % 3 == 1 else words) for n in range(6)]
    return dice.choice(SHAPED).format(*places)


def accepted(programs: Path, directory: Path, lines: Sequence[str]) -> list[bool]:
    """Whether Alertmanager takes each of these in a list of matchers; one call for all."""
    files = []
    for number, line in enumerate(lines):
        route = {"receiver": "top", "routes": [{"receiver": "one", "matchers": [line]}]}
        files.append(write(directory / f"{number}.yml", route))
    done = subprocess.run(
        [programs / "amtool", "check-config", *files], capture_output=True, text=True, check=False, timeout=100
    )
    # What it warns of stands between the two.
    verdicts = re.findall(r"^Checking '(.*?)'(?:  |.*?^  )(SUCCESS|FAILED)", done.stdout, re.MULTILINE | re.DOTALL)
    assert [path for path, _ in verdicts] == list(map(str, files)), done.stderr
    return [verdict == "SUCCESS" for _, verdict in verdicts]


def taken(line: str) -> bool:
    try:
        LabelMatchers.parse(line)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("seed", range(6))
def test_random_matchers_are_taken_or_refused_and_match_alike(seed: int, alertmanager: Path, tmp_path: Path) -> None:
    dice = random.Random(seed)
    lines = list(dict.fromkeys(random_line(dice) for _ in range(400)))
    theirs = dict(zip(lines, accepted(alertmanager, tmp_path, lines), strict=True))
    assert {line: taken(line) for line in lines} == theirs

    sound = [line for line in lines if theirs[line]]
    assert len(sound) > 50
    route = {
        "receiver": "top",
        "routes": [{"receiver": f"m{n}", "matchers": [line], "continue": True} for n, line in enumerate(sound)],
    }
    alerts = [
        {"severity": "a", "a": "b", "foo_bar": "a,b"},
        {"b": "a|b", "severity": "="},
        {"x": "y"},
        {"a": "A", "b": "(", "1": "a"},
    ]
    alerts += [
        {"severity": '"', "a": '"a"', "b": "a\nb"},
        {"a": "b", "b": "b"},
        {"a": "a", "b": "[ab]", "foo_bar": "=b"},
    ]
    selects = [select([LabelMatchers.parse(line)]) for line in sound]
    answers = ask_all(alertmanager, write(tmp_path / "all.yml", route), alerts)
    assert [[f"m{n}" for n, each in enumerate(selects) if each(labels)] for labels in alerts] == answers
