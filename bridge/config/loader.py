"""The rules file and the files it names become values, or all that is wrong with them at once."""

import glob
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from pydantic import ValidationError, create_model

from bridge.builtin import builtin_rules
from bridge.config.advice import advise
from bridge.config.composer import SIZE_MAX, parse_document
from bridge.config.document import Plain, clip
from bridge.config.file import read_bytes, read_secret
from bridge.config.problems import keys_of, translate
from bridge.config.references import Identities, check_main, check_rules, mapping, sequence
from bridge.config.schema import Config, RuleDefaults, RuleFile, config_model
from bridge.config.sketch import mended
from bridge.config.strangers import strangers
from bridge.config.substitution import Substituted
from bridge.config.vocabulary import nearest, suggestion
from bridge.errors import ConfigError, Problem
from bridge.options import Options
from bridge.receiver import Destination
from bridge.receivers import DESTINATIONS
from bridge.rule import Rule
from bridge.rules import RULE_TYPES

Model = TypeVar("Model", bound=Options)

_MERGED = ("labels", "annotations")


class LoadedRule(NamedTuple):
    """A rule and where it stands; `line` counts from 1."""

    rule: Rule
    file: str
    line: int


class Loaded(NamedTuple):
    """A configuration that can run."""

    config: Config
    rules: list[LoadedRule]
    """Those of the main file, then those of each sound rule file, in the order of the files' names."""
    broken: dict[Path, list[Problem]]
    """Rule files that cannot be used."""
    warnings: list[Problem]


def load(
    path: Path,
    environ: Mapping[str, str],
    destinations: Sequence[type[Destination]] = DESTINATIONS,
    rule_types: Mapping[str, type[Rule]] = RULE_TYPES,
    trim: Callable[[Plain], Plain] | None = None,
) -> Loaded:
    """Read a main file and its rule files. Raises ConfigError if the main file is broken; rule files may be.

    `trim` takes out of the main file's value what is not wanted.
    """
    reading = _Reading(environ, destinations, rule_types, trim)
    main = reading.main(path)
    if main.config is None or _errors(main.problems):
        raise ConfigError(_errors(main.problems))
    files = {each: reading.rule_file(each) for each in main.rule_files}
    sound = [main, *(file for file in files.values() if not _errors(file.problems))]
    return Loaded(
        config=main.config,
        rules=[rule for file in sound for rule in file.rules],
        broken={each: _errors(file.problems) for each, file in files.items() if _errors(file.problems)},
        warnings=[
            *(problem for file in sound for problem in file.problems if problem.severity == "warning"),
            *reading.with_strangers([], files.values()),
        ],
    )


def check(
    paths: Iterable[Path],
    environ: Mapping[str, str],
    destinations: Sequence[type[Destination]] = DESTINATIONS,
    rule_types: Mapping[str, type[Rule]] = RULE_TYPES,
) -> list[Problem]:
    """All that is wrong with these files and with the rule files that they name, warnings too; empty if nothing is.

    A file that holds nothing but rules and rule_defaults is taken for a rule file.
    """
    problems: dict[str, Problem] = {}
    for path in paths:
        reading = _Reading(environ, destinations, rule_types)
        main = reading.main(path, alone=True)
        files = [reading.rule_file(each) for each in main.rule_files]
        found = [reading.with_strangers(main.problems, files), *(file.problems for file in files)]
        problems |= {str(problem): problem for each in found for problem in each}
    return list(problems.values())


class _Untyped(Rule):
    """A rule of which no type is known."""

    summary: ClassVar[str] = ""


@cache
def _untyped_model(rule_types: tuple[type[Rule], ...]) -> type[_Untyped]:
    """Checks the keys that all rules have, and takes those of every type as they are."""
    own = {key for model in rule_types for key in keys_of(model)}
    anything: dict[str, Any] = dict.fromkeys(own - keys_of(Rule), (object, None))
    return create_model("Untyped", __base__=_Untyped, **anything)


class _File(NamedTuple):
    """What became of one file."""

    problems: list[Problem]
    config: Config | None = None
    rules: Sequence[LoadedRule] = ()
    rule_files: Sequence[Path] = ()


class _Reading:
    """One configuration on its way in: what its files share."""

    def __init__(
        self,
        environ: Mapping[str, str],
        destinations: Sequence[type[Destination]],
        rule_types: Mapping[str, type[Rule]],
        trim: Callable[[Plain], Plain] | None = None,
    ) -> None:
        self._environ, self._rule_types, self._trim = environ, rule_types, trim
        self._model = config_model(tuple(destinations))
        self._identities: Identities = {}
        self._labels: dict[str, Plain] = {}
        self._imports: str | None = None
        self._main: Substituted | None = None

    def main(self, path: Path, alone: bool = False) -> _File:
        """Read a main file; with `alone`, also a rule file that no main file names."""
        try:
            given = self._read(path)
        except ConfigError as error:
            return _File(error.problems)
        top = mapping(given.value)
        if alone and top and top.keys() <= {"rules", "rule_defaults"}:
            return self._rule_file(path, given)
        if self._trim:
            given.value = self._trim(given.value)
        self._main, self._labels = given, mapping(top.get("labels"))
        imports = mapping(top.get("nats")).get("imports", "")
        self._imports = imports if isinstance(imports, str) else None
        config, faults = self._validate(self._model, given.value, given, path)
        rules, rule_faults = self._rules(path, given)
        rule_files, warnings = _find_rule_files(path, given)
        problems = _in_order(given, [*faults, *check_main(given), *rule_faults, *warnings])
        return _File(problems, config, rules, rule_files)

    def with_strangers(self, problems: list[Problem], files: Iterable[_File]) -> list[Problem]:
        """The main file's, and what its matchers ask for and no rule makes, once all rule files are read. What a broken
        one would make is not known."""
        if self._main is None or any(_errors(file.problems) for file in files):
            return problems
        alerts = {*self._identities, *(rule.alert for rule in builtin_rules(()))}
        return _in_order(self._main, [*problems, *strangers(self._main, alerts)])

    def rule_file(self, path: Path) -> _File:
        """Read a file that the main file named."""
        try:
            return self._rule_file(path, self._read(path))
        except ConfigError as error:
            return _File(error.problems)

    def _rule_file(self, path: Path, given: Substituted) -> _File:
        _, faults = self._validate(RuleFile, given.value, given, path)
        rules, rule_faults = self._rules(path, given)
        return _File(_in_order(given, [*faults, *rule_faults]), rules=rules)

    def _read(self, path: Path) -> Substituted:
        try:
            raw = read_bytes(path, SIZE_MAX)
        except OSError as error:
            what = f"the file cannot be read ({error.strerror}); check the path and its permissions"
            raise ConfigError([Problem(str(path), 0, 0, what)]) from error
        except ValueError as error:  # a NUL in the name
            what = "the file's name cannot be one; check the path"
            raise ConfigError([Problem(clip(str(path), 200), 0, 0, what)]) from error
        document = parse_document(str(path), raw)
        if document.value is None and not document.problems:
            raise ConfigError([Problem(str(path), 1, 1, "the file is empty; write rules into it")])
        return Substituted(document, self._environ)

    def _rules(self, path: Path, given: Substituted) -> tuple[list[LoadedRule], list[Problem]]:
        top = mapping(given.value)
        defaults, _ = self._validate(RuleDefaults, top.get("rule_defaults", {}), given, path, ("rule_defaults",))
        usable = mapping(top.get("rule_defaults")) if defaults else {}  # what is wrong with them is told once
        rules: list[LoadedRule] = []
        problems = check_rules(given, self._labels, self._identities)
        for index, raw in enumerate(sequence(top.get("rules"))):
            rule, faults = self._rule(raw, usable, given, path, index)
            problems += faults
            problems += advise(given, ("rules", index), mapping(raw), self._imports)
            if rule is not None:
                rules.append(LoadedRule(rule, str(path), given.document.place(("rules", index)).line))
        return rules, problems

    def _rule(
        self, raw: Plain, defaults: dict[str, Plain], given: Substituted, path: Path, index: int
    ) -> tuple[Rule | None, list[Problem]]:
        at = ("rules", index)
        kind = raw.get("type", "any") if isinstance(raw, dict) else "any"
        if not isinstance(kind, str) or kind not in self._rule_types:
            return None, self._untyped(mapping(raw), defaults, given, path, at)
        model = self._rule_types[kind]
        merged = _with_defaults(raw, defaults, model.instant) if isinstance(raw, dict) else raw
        return self._validated(model, merged, given, path, at)

    def _validated(
        self, model: type[Rule], merged: Plain, given: Substituted, path: Path, at: tuple[str | int, ...]
    ) -> tuple[Rule | None, list[Problem]]:
        """With misspelt events what else the rule says is judged as if they were written as they are meant."""
        rule, faults = self._validate(model, merged, given, path, at)
        if rule is None and isinstance(merged, dict) and (meant := mended(merged)) != merged:
            faults += self._validate(model, meant, given, path, at)[1]
        return rule, faults

    def _untyped(
        self,
        raw: dict[str, Plain],
        defaults: dict[str, Plain],
        given: Substituted,
        path: Path,
        at: tuple[str | int, ...],
    ) -> list[Problem]:
        """What is wrong with a rule whose type is: its keys are checked as those of the type meant, or of any."""
        written = given.document.at((*at, "type"))
        problem = given.document.problem((*at, "type"), _unknown_type(written, self._rule_types))
        near = nearest(written, self._rule_types) if isinstance(written, str) else None
        model = self._rule_types[near] if near else _untyped_model(tuple(self._rule_types.values()))
        merged = _with_defaults({**raw, "type": near or "any"}, defaults, model.instant)
        return [problem, *self._validated(model, merged, given, path, at)[1]]

    def _validate(
        self, model: type[Model], value: Plain, given: Substituted, path: Path, at: tuple[str | int, ...] = ()
    ) -> tuple[Model | None, list[Problem]]:
        context = {"directory": path.parent, "environ": self._environ, "read": read_secret}
        try:
            return model.model_validate(value, context=context), []
        except ValidationError as error:
            return None, translate(error, given, at, model)


def _with_defaults(rule: dict[str, Plain], defaults: dict[str, Plain], instant: bool) -> dict[str, Plain]:
    """The rule's own keys win; labels and annotations are joined. `for` is no default for rules that cannot have it."""
    single = {key: value for key, value in defaults.items() if key not in _MERGED and not (instant and key == "for")}
    merged = {**single, **rule}
    for key in _MERGED:
        if isinstance(own := rule.get(key, {}), dict) and key in defaults:
            merged[key] = {**mapping(defaults[key]), **own}
    return merged


def _unknown_type(written: Plain, known: Mapping[str, type[Rule]]) -> str:
    if not isinstance(written, str):
        return f"the type is not text; write one of {', '.join(known)}"
    return f"unknown type {clip(written)!r}; {suggestion(written, list(known), 'the types are')}"


def _find_rule_files(path: Path, given: Substituted) -> tuple[list[Path], list[Problem]]:
    """The files that the patterns match, each once and never the main file itself; a warning for each idle pattern."""
    found: dict[Path, None] = {}
    warnings = []
    for index, pattern in enumerate(sequence(mapping(given.value).get("rule_files"))):
        if not isinstance(pattern, str):
            continue
        # not Path.glob, which refuses absolute patterns and fails on some odd ones
        absolute = str(Path(glob.escape(str(path.parent))) / pattern)
        matches = sorted(glob.glob(absolute, recursive=True))  # noqa: PTH207
        found |= {Path(match): None for match in matches if Path(match).resolve() != path.resolve()}
        if not matches:
            what = "no file matches this; mend the path, which is relative to this file, or remove it"
            warnings.append(given.document.problem(("rule_files", index), what, "warning"))
    return list(found), warnings


def _in_order(given: Substituted, problems: list[Problem]) -> list[Problem]:
    """By line. Where the text itself or its variables are at fault, what follows from that is left out."""
    causes = [*given.document.problems, *given.problems]
    places = {(problem.line, problem.column) for problem in causes}
    all_problems = causes + [problem for problem in problems if (problem.line, problem.column) not in places]
    unique = {str(problem): problem for problem in all_problems}
    return sorted(unique.values(), key=lambda problem: (problem.line, problem.column))


def _errors(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "error"]
