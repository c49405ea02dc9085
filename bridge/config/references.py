"""What must fit between the parts of a file, and between files: names that are unique, names that exist.

Looks at the values as written, so that it speaks in the same pass as the checks of single keys, and is silent where
those have something to say.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from bridge.alert import check_label
from bridge.config.document import KeyPath, Plain, clip
from bridge.config.names import check_label_name
from bridge.config.schema import destination_name
from bridge.config.substitution import Substituted
from bridge.config.vocabulary import suggestion
from bridge.errors import Problem
from bridge.label_matchers import LabelMatchers
from bridge.matcher import Matcher
from bridge.rule import label_of
from bridge.template import is_template

Mapping = dict[str, Plain]


class Labelled(NamedTuple):
    """The labels that a rule gives to its alerts, and where it stands."""

    fixed: dict[str, str]
    open: frozenset[str]
    """Labels whose text is known with the event only: of `by`, and templates."""
    file: str
    line: int

    def collides(self, other: "Labelled") -> bool:
        """Whether two alerts can have the same labels. An empty label is none."""
        settled = (self.fixed.keys() | other.fixed.keys()) - self.open - other.open
        return all(self.fixed.get(name, "") == other.fixed.get(name, "") for name in settled)


Identities = dict[str, list[Labelled]]
"""The rules so far, by the name of their alert."""


def check_main(given: Substituted) -> list[Problem]:
    """What is wrong between receivers, route, labels and rules of a main file."""
    main = mapping(given.value)
    problems = [*_receiver_problems(given, main), *_fallback_problems(given, main), *_route_problems(given, main)]
    if isinstance(given.value, dict) and "rules" not in main and "rule_files" not in main:
        problems.append(given.document.problem((), "there are no rules; add rules, or rule_files that hold them"))
    return problems


def check_rules(given: Substituted, file_labels: Mapping, identities: Identities) -> list[Problem]:
    """What is wrong between the rules of one file and all that came before; adds them to `identities`."""
    top = mapping(given.value)
    defaults = mapping(mapping(top.get("rule_defaults")).get("labels"))
    problems = [
        given.document.key_problem(("rule_defaults", "labels", name), _two_sources(name, "the file's labels"))
        for name in defaults
        if name in file_labels
    ]
    for index, rule in enumerate(sequence(top.get("rules"))):
        if isinstance(rule, dict):
            path = ("rules", index)
            problems += _label_problems(
                given, path, rule, {"the file's labels": file_labels, "rule_defaults": defaults}
            )
            problems += _identity_problems(given, path, rule, defaults, identities)
    return problems


def mapping(value: Plain) -> Mapping:
    """The value, or an empty mapping if it is none."""
    return value if isinstance(value, dict) else {}


def sequence(value: Plain) -> list[Plain]:
    """The value, or an empty list if it is none."""
    return value if isinstance(value, list) else []


def routes(path: KeyPath, route: Mapping) -> Iterator[tuple[KeyPath, Mapping]]:
    """A route and all below it, with their places."""
    yield path, route
    for index, below in enumerate(sequence(route.get("routes"))):
        yield from routes((*path, "routes", index), mapping(below))


def _receiver_problems(given: Substituted, main: Mapping) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    queues: set[str] = set()
    for index, receiver in enumerate(sequence(main.get("receivers"))):
        if not isinstance(receiver, dict) or not isinstance(name := receiver.get("name"), str):
            continue
        path = ("receivers", index)
        if name in seen:
            what = (
                f"the receiver {_written(given, (*path, 'name'))} stands twice, first in line {seen[name]}; rename one"
            )
            yield given.document.problem((*path, "name"), what)
            continue
        seen[name] = given.document.place((*path, "name")).line
        if all(key in ("name", "fallback") or entries == [] for key, entries in receiver.items()):
            what = f"the receiver {_written(given, (*path, 'name'))} tells no one; add slack_configs or webhook_configs"
            yield given.document.problem(path, what, "warning")
        yield from _queue_problems(given, path, receiver, queues)


def _fallback_problems(given: Substituted, main: Mapping) -> Iterator[Problem]:
    receivers = [mapping(receiver) for receiver in sequence(main.get("receivers"))]
    fallbacks = {str(each["name"]): each.get("fallback") for each in receivers if isinstance(each.get("name"), str)}
    for index, receiver in enumerate(receivers):
        wanted, path = receiver.get("fallback"), ("receivers", index, "fallback")
        if not isinstance(wanted, str):
            continue
        if wanted not in fallbacks:
            advice = suggestion(str(given.document.at(path)), _written_names(given), "the receivers are")
            what = f"there is no receiver {_written(given, path)}; {advice}"
            yield given.document.problem(path, what)
        elif (chain := _chain(str(receiver.get("name")), fallbacks))[-1] in chain[:-1]:
            what = f"the fallbacks go round in a circle: {' → '.join(map(clip, chain))}; remove one of them"
            yield given.document.problem(path, what)


def _chain(name: str, fallbacks: dict[str, Plain]) -> list[str]:
    """A receiver, its fallback, the fallback of that …; ends with a name that stands there already, if there is one."""
    chain = [name]
    while isinstance(following := fallbacks.get(chain[-1]), str):
        chain.append(following)
        if following in chain[:-1]:
            break
    return chain


def _queue_problems(given: Substituted, path: KeyPath, receiver: Mapping, queues: set[str]) -> Iterator[Problem]:
    for key, entries in receiver.items():
        for index, entry in enumerate(sequence(entries) if key.endswith("_configs") else []):
            own = mapping(entry).get("name")
            queue = destination_name(str(receiver["name"]), key, index, own if isinstance(own, str) else None)
            if queue in queues:
                what = "another destination has the same name, and so the same queue; give each entry its own name"
                yield given.document.problem((*path, key, index), what)
            queues.add(queue)


def _route_problems(given: Substituted, main: Mapping) -> Iterator[Problem]:
    names = [mapping(receiver).get("name") for receiver in sequence(main.get("receivers"))]
    intervals = {mapping(each).get("name") for each in sequence(main.get("time_intervals"))}
    for path, route in routes(("route",), mapping(main.get("route"))):
        wanted = route.get("receiver")
        if isinstance(wanted, str) and wanted not in names:
            written = str(given.document.at((*path, "receiver")))
            advice = suggestion(written, _written_names(given), "the receivers are")
            yield given.document.problem((*path, "receiver"), f"there is no receiver {clip(written)!r}; {advice}")
        yield from _matcher_problems(given, (*path, "matchers"), route.get("matchers"))
        for key in ("mute_time_intervals", "active_time_intervals"):
            yield from _interval_problems(given, (*path, key), route.get(key), intervals)
    for index, silence in enumerate(sequence(main.get("silences"))):
        yield from _matcher_problems(given, ("silences", index, "matchers"), mapping(silence).get("matchers"))
        named = mapping(silence).get("time_intervals")
        yield from _interval_problems(given, ("silences", index, "time_intervals"), named, intervals)
    for index, rule in enumerate(sequence(main.get("inhibit_rules"))):
        for key in ("source_matchers", "target_matchers"):
            yield from _matcher_problems(given, ("inhibit_rules", index, key), mapping(rule).get(key))
        yield from _equal_problems(given, ("inhibit_rules", index, "equal"), mapping(rule).get("equal"))
    yield from _doubled_intervals(given, main)


def _matcher_problems(given: Substituted, path: KeyPath, lines: Plain) -> Iterator[Problem]:
    """Matchers that Alertmanager takes, too, but that no alert ever has what they ask for."""
    for index, line in enumerate(sequence(lines)):
        try:
            matchers = LabelMatchers.parse(line).matchers if isinstance(line, str) else ()
        except ValueError:  # told where single keys are checked
            continue
        for matcher in matchers:
            if (what := _suspicion(matcher)) and not given.tells(what, (*path, index)):
                yield given.document.problem((*path, index), what, "warning")


def _suspicion(matcher: Matcher) -> str | None:
    if matcher.value.startswith("=") and matcher.op == "=":
        meant = clip(matcher.value.lstrip("= "))
        return f"this compares with the text {clip(matcher.value)!r}; write {matcher.field} = {meant}"
    if len(matcher.value) > 1 and matcher.value[0] == matcher.value[-1] == "'":
        return f'here \' is a part of the value; write {matcher.field} {matcher.op} "{clip(matcher.value[1:-1])}"'
    return _no_label(matcher.field)


def _equal_problems(given: Substituted, path: KeyPath, names: Plain) -> Iterator[Problem]:
    """Labels that are empty everywhere agree always, so that far more is muted than was meant."""
    for index, name in enumerate(sequence(names)):
        what = _no_label(name) if isinstance(name, str) else None
        if what and not given.tells(what, (*path, index)):
            yield given.document.problem((*path, index), f"{what}; as it is, this is equal for all alerts", "warning")


def _no_label(name: str) -> str | None:
    """Why no alert has it; None if one may."""
    try:
        check_label(name)
    except ValueError as error:
        return f"no alert has this label: {error}"
    return None


def _interval_problems(given: Substituted, path: KeyPath, named: Plain, known: Collection[Plain]) -> Iterator[Problem]:
    for index, name in enumerate(sequence(named)):
        if isinstance(name, str) and name not in known:
            written = str(given.document.at((*path, index)))
            names = [each for each in known if isinstance(each, str)]
            advice = suggestion(written, names, "the time_intervals of the file are")
            yield given.document.problem((*path, index), f"there is no time interval {clip(written)!r}; {advice}")


def _doubled_intervals(given: Substituted, main: Mapping) -> Iterator[Problem]:
    seen: set[Plain] = set()
    for index, each in enumerate(sequence(main.get("time_intervals"))):
        name = mapping(each).get("name")
        if isinstance(name, str) and name in seen:
            path = ("time_intervals", index, "name")
            yield given.document.problem(path, f"the time interval {_written(given, path)} stands twice; rename one")
        seen.add(name if isinstance(name, str) else None)


def _written_names(given: Substituted) -> list[str]:
    receivers = sequence(mapping(given.document.value).get("receivers"))
    return [name for receiver in receivers if isinstance(name := mapping(receiver).get("name"), str)]


def _label_problems(given: Substituted, path: KeyPath, rule: Mapping, others: dict[str, Mapping]) -> Iterator[Problem]:
    own = mapping(rule.get("labels"))
    for name in own:
        try:
            if name != "alertname":  # the rule itself refuses that
                check_label_name(name)
        except ValueError as error:
            yield given.document.key_problem((*path, "labels", name), str(error))
        if other := next((source for source, labels in others.items() if name in labels), None):
            yield given.document.key_problem((*path, "labels", name), _two_sources(name, other))
    taken = {name: source for source, labels in [*others.items(), ("the rule's labels", own)] for name in labels}
    for index, field in enumerate(sequence(rule.get("by"))):
        name = label_of(str(field))
        if name in taken:
            yield given.document.problem((*path, "by", index), _two_sources(name, taken[name]))
        elif any(str(before) != field and label_of(str(before)) == name for before in sequence(rule["by"])[:index]):
            yield given.document.problem((*path, "by", index), _two_sources(name, "another field of by"))


def _two_sources(name: str, other: str) -> str:
    return f"the label {clip(name)!r} already comes from {other}; remove one of the two"


def _identity_problems(
    given: Substituted, path: KeyPath, rule: Mapping, defaults: Mapping, identities: Identities
) -> Iterator[Problem]:
    alert = rule.get("alert")
    if not isinstance(alert, str):
        return
    labels = {**defaults, **mapping(rule.get("labels"))}
    texts = {name: text for name, text in labels.items() if isinstance(text, str)}
    fixed = {name: text for name, text in texts.items() if not is_template(text)}
    varying = [*(texts.keys() - fixed.keys()), *(label_of(str(field)) for field in sequence(rule.get("by")))]
    own = Labelled(fixed, frozenset(varying), given.document.file, given.document.place(path).line)
    others = identities.setdefault(alert, [])
    if other := next((other for other in others if own.collides(other)), None):
        where = f"line {other.line}" if other.file == own.file else f"{other.file}:{other.line}"
        what = f"the alert {_written(given, (*path, 'alert'))} {_alike(own, other, where)}"
        yield given.document.problem((*path, "alert"), what)
    others.append(own)


def _alike(own: Labelled, other: Labelled, where: str) -> str:
    if one_sided := sorted((own.open & other.fixed.keys()) | (other.open & own.fixed.keys())):
        why = f"because only one of them fixes the text of {clip(one_sided[0])!r}"
        what = f"can get the same labels as the one in {where}, {why}"
        return f"{what}; rename it or give it another label with a fixed text"
    return f"with the same labels is already in {where}; rename it or give it another label"


def _written(given: Substituted, path: KeyPath) -> str:
    """The text as the file has it, with nothing of the environment in it."""
    return repr(clip(str(given.document.at(path))))
