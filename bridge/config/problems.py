"""What pydantic found wrong, in our own words and with the place in the file: `what; what to do`."""

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.config.document import Document, Plain, clip
from bridge.config.substitution import Substituted
from bridge.config.vocabulary import suggestion, unknown_key
from bridge.errors import Problem
from bridge.options import Options, Unreadable, secret_keys

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_YAML_1_1 = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
"""Words that were true or false in older YAML."""
_FAULTS_MAX = 200
"""Of one model: looking for the nearest key takes a millisecond, and a file can hold ten thousand unknown ones."""
_HARMLESS = re.compile(r"[\w.*$>{}-]{1,40}")
"""Text that a hint may repeat: a name or a number; no URL, which may hold a password."""


class _Fault(NamedTuple):
    path: tuple[str | int, ...]
    details: ErrorDetails
    on_key: bool

    @property
    def unreadable(self) -> bool:
        return isinstance(self.details["input"], Unreadable)

    @property
    def expected(self) -> str | None:
        """The type that the value should have, if that is what is wrong."""
        return _TYPES.get(self.details["type"])


def translate(
    error: ValidationError, given: Substituted, path: tuple[str | int, ...], model: type[BaseModel]
) -> list[Problem]:
    """All that is wrong with the value at `path`, which was to become a `model`; shows no value of the environment."""
    faults = [_fault(details, given.document, path) for details in error.errors(include_url=False)[:_FAULTS_MAX]]
    told = [(group[0], _problem(group, given, path, model)) for group in _by_place(faults)]
    problems = [problem for fault, problem in told if not _explained(fault, told)]
    if (more := error.error_count() - len(faults)) > 0:
        problems.append(given.document.problem(path, f"{more} more problems below this; mend the others first"))
    return problems


def keys_of(model: type[BaseModel]) -> set[str]:
    """What may be written in a mapping that becomes this model."""
    named = {field.alias or name for name, field in model.model_fields.items()}
    return named | {f"{name}_file" for name in secret_keys(model)}


def _explained(missing: _Fault, told: list[tuple[_Fault, Problem]]) -> bool:
    """Whether the advice on an unknown key beside it already names the key that is missing."""
    if missing.details["type"] != "missing":
        return False
    name = repr(missing.details["loc"][-1])
    return any(
        other.details["type"] == "extra_forbidden" and other.path[:-1] == missing.path and name in problem.what
        for other, problem in told
    )


def _fault(details: ErrorDetails, document: Document, path: tuple[str | int, ...]) -> _Fault:
    """Drops what pydantic puts between the keys: names of a union's members. A secret may stand in its file."""
    for step in details["loc"]:
        if document.has((*path, step)):
            path = (*path, step)
        elif document.has((*path, f"{step}_file")):
            path = (*path, f"{step}_file")
    on_key = bool(details["loc"]) and details["loc"][-1] == "[key]"
    return _Fault(path, details, on_key)


def _by_place(faults: list[_Fault]) -> Iterator[list[_Fault]]:
    """One group for each problem. A union complains once for each member: what fits best speaks, or all together."""
    places: dict[tuple[object, ...], list[_Fault]] = {}
    for fault in faults:
        missing = fault.details["loc"][-1:] if fault.details["type"] == "missing" else ()
        places.setdefault((*fault.path, *missing), []).append(fault)
    for place, group in places.items():
        group.sort(key=lambda fault: not fault.unreadable)
        wrong_type = [fault for fault in group if fault.expected or fault.details["type"] == "none_required"]
        if len(wrong_type) < len(group):
            yield [next(fault for fault in group if fault not in wrong_type)]
        elif not any(len(other) > len(place) and other[: len(place)] == place for other in places):
            yield group


def _problem(group: list[_Fault], given: Substituted, top: tuple[str | int, ...], model: type[BaseModel]) -> Problem:
    document, fault = given.document, group[0]
    value = document.at(fault.path)
    kind, found = fault.details["type"], fault.details["input"]
    if kind == "missing":
        return document.key_problem(fault.path, f"the key {fault.details['loc'][-1]!r} is missing; add it")
    if isinstance(found, Unreadable):
        return document.problem(fault.path, f"{fault.path[-1]} {_shown(value)}{found.reason}")
    if kind == "extra_forbidden":
        holder = _model_at(model, fault.path[len(top) : -1]) or Options
        word = str(fault.path[-1])
        return document.key_problem(fault.path, unknown_key(word, value, keys_of(holder), holder.later))
    what = _type_words(group, value) if fault.expected else _words(fault.details, value)
    if given.tells(what, fault.path):
        names = ", ".join(f"${{{name}}}" for name in given.variables(fault.path)) or "the environment"
        what = f"the text from {names} does not fit here; check what it is set to (not shown, it may be a secret)"
    return document.key_problem(fault.path, what) if fault.on_key else document.problem(fault.path, what)


def _type_words(group: list[_Fault], value: Plain) -> str:
    expected = list(dict.fromkeys(fault.expected for fault in group if fault.expected))
    what = f"expected {' or '.join(expected)}, not {_noun(value)}"
    shown = _repeatable(value)
    if "text" in expected:
        return f"{what}; write '{shown}'" if shown else f"{what}; write one text, in quotes"
    if expected == ["a list"]:
        return f"{what}; write [{shown}]" if shown else f"{what}; write each item after a '- '"
    if "true or false" in expected:
        return f"{what}; write {_YAML_1_1.get(str(value).lower(), 'true or false')}"
    if "a mapping" in expected:
        return f"{what}; write 'key: value' lines below it"
    number = isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,6})?", value)
    return f"{what}; write {value} without quotes" if number else f"{what}; write digits without quotes"


def _words(details: ErrorDetails, value: Plain) -> str:
    context: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "value_error" | "assertion_error":
            return str(context["error"])
        case "literal_error" | "enum":
            return _choice(value, re.findall(r"'([^']*)'", str(context["expected"])))
        case "greater_than":
            return f"the number must be more than {context['gt']}; write a larger one"
        case "greater_than_equal":
            return f"the number must be at least {context['ge']}; write a larger one"
        case "less_than":
            return f"the number must be less than {context['lt']}; write a smaller one"
        case "less_than_equal":
            return f"the number must be at most {context['le']}; write a smaller one"
        case "too_short" | "string_too_short":
            least = context["min_length"]
            return "this cannot be empty; add to it" if least == 1 else f"this must have at least {least}; add to it"
        case "too_long" | "string_too_long":
            return f"this can have at most {context['max_length']}; shorten it"
        case "string_pattern_mismatch":
            return f"the text does not have the form {context['pattern']}; mend it"
    said = details["msg"]
    return f"{said[:1].lower()}{said[1:]}; mend the value"


def _choice(value: Plain, known: list[str]) -> str:
    if not isinstance(value, str):
        return f"expected one of {', '.join(known)}, not {_noun(value)}; write one of them"
    return f"{clip(value)!r} is none of the possible values; {suggestion(value, known, 'write one of')}"


def _noun(value: Plain) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
    return "a mapping"


def _repeatable(value: Plain) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, str | int | float) else ""
    return text if _HARMLESS.fullmatch(text) else ""


def _shown(value: Plain) -> str:
    return f"{clip(value, 200)!r} " if isinstance(value, str) else ""


def _model_at(annotation: Any, path: tuple[str | int, ...]) -> type[Options] | None:
    """The model whose keys stand at a path below an annotation."""
    for inner in _members(annotation):
        if isinstance(inner, type) and issubclass(inner, Options):
            if not path:
                return inner
            fields = {field.alias or name: field for name, field in inner.model_fields.items()}
            if isinstance(path[0], str) and path[0] in fields:
                return _model_at(fields[path[0]].annotation, path[1:])
        elif path and get_args(inner):
            return _model_at(get_args(inner)[-1], path[1:])
    return None


def _members(annotation: Any) -> tuple[Any, ...]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(inner for member in get_args(annotation) for inner in _members(member))
    return (annotation,)
