"""Every rule type, by its table of cases in `cases/`: one file for each type, named as the type."""

import importlib
from pathlib import Path

import pytest

from bridge.rule import Rule
from bridge.rules import RULE_TYPES
from tests.core.table import EDGES, Case, Reload, Table, compared, is_one_off

FOLDER = Path(__file__).parent / "cases"


def table_of(name: str) -> Table | None:
    if not (FOLDER / f"{name}.py").exists():
        return None
    table = importlib.import_module(f"tests.core.cases.{name}").TABLE
    assert isinstance(table, Table)
    return table


TABLES = {name: table_of(name) for name in RULE_TYPES}
CASES = [(name, table, case) for name, table in TABLES.items() if table for case in table.cases]
ALL = [pytest.param(table, case, id=f"{name}, {case}") for name, table, case in CASES]
LASTING = [
    pytest.param(table, case, id=f"{name}, {case}") for name, table, case in CASES if not is_one_off(table.rule(case))
]


@pytest.mark.parametrize(("table", "case"), ALL)
def test_case(table: Table, case: Case) -> None:
    assert compared(table.play(case), case.story) == list(case.story)


@pytest.mark.parametrize(("table", "case"), LASTING)
def test_case_with_a_death_before_every_step(table: Table, case: Case) -> None:
    """What is not on disk, or not taken up from there, is missing in the story. One-offs have none that could go on."""
    assert compared(table.play(case, dying=True), case.story) == list(case.story)


@pytest.mark.parametrize("name", RULE_TYPES)
def test_every_type_has_a_table_with_every_edge(name: str) -> None:
    table = TABLES[name]
    assert table, f"tests/core/cases has no {name}.py"
    missing = set(EDGES) - {case.edge for case in table.cases}

    assert not missing, f"tests/core/cases/{name}.py has no case for: {', '.join(sorted(missing))}"
    assert {table.rule(case).type for case in table.cases} == {name}


@pytest.mark.parametrize("name", RULE_TYPES)
def test_every_key_of_a_type_is_used_in_its_table(name: str) -> None:
    table = TABLES[name]
    assert table, f"tests/core/cases has no {name}.py"
    edited = [step.keys for case in table.cases for step in case.script if isinstance(step, Reload)]
    used = {key for keys in (table.keys, *(case.keys for case in table.cases), *edited) for key in keys}
    own = RULE_TYPES[name].model_fields.keys() - Rule.model_fields.keys()

    assert own <= used, f"tests/core/cases/{name}.py has no case with: {', '.join(sorted(own - used))}"
