"""What a template may say: a part of Jinja2 whose work is bounded, and the names of its context."""

import difflib
from collections.abc import Collection, Iterable

import msgspec
from jinja2 import nodes

from bridge.arithmetic import NUMBER_MAX
from bridge.errors import TemplateError
from bridge.sandbox import FILTERS_ALLOWED, TESTS_ALLOWED

DEPTH_MAX = 40
"""How deep expressions and tags may stand in each other."""

LOOPS_MAX = 2
"""How deep loops may."""

FUNCTIONS = {"top": ('top("client.user", 5)', 2), "account": ("account(labels.account_id)", 1)}
"""What can be called where the context has it: an example, and how many arguments it takes at most."""

_MAPPINGS = frozenset({"event", "labels", "group_labels", "common_labels", "common_annotations"})
"""Names that have parts."""

_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Assign: "{% set %}",
    nodes.AssignBlock: "{% set %}",
    nodes.With: "{% with %}",
    nodes.Macro: "{% macro %}",
    nodes.CallBlock: "{% call %}",
    nodes.FilterBlock: "{% filter %}",
    nodes.Include: "{% include %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% from %}",
    nodes.Extends: "{% extends %}",
    nodes.Block: "{% block %}",
    nodes.Scope: "{% autoescape %}",
    nodes.Pow: "**",
    nodes.Dict: "{key: value}",
}
"""Parts of Jinja that templates do not have, as an operator writes them."""

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Name, nodes.Const, nodes.List,
    nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Call, nodes.Filter, nodes.Keyword, nodes.Test,
    nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Concat, nodes.Neg, nodes.Pos,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod,
)  # fmt: skip


class Reads(msgspec.Struct):
    """What a template reads of its context."""

    event: set[str] = msgspec.field(default_factory=set)
    top: set[str] = msgspec.field(default_factory=set)
    labels: set[str] = msgspec.field(default_factory=set)
    calls: set[str] = msgspec.field(default_factory=set)
    """Functions."""


def check(tree: nodes.Template, names: Collection[str]) -> Reads:
    """Raises TemplateError for what a template with these names in its context may not say."""
    checker = _Checker(frozenset(names))
    checker.visit(tree, _Place())
    return checker.reads


class _Place(msgspec.Struct, frozen=True):
    """Where a node stands: the variables of the loops around it, how many loops, how many nodes."""

    variables: frozenset[str] = frozenset()
    loops: int = 0
    depth: int = 0

    def within(self) -> "_Place":
        return _Place(self.variables, self.loops, self.depth + 1)

    def loop(self, variables: Iterable[str]) -> "_Place":
        return _Place(self.variables.union(variables), self.loops + 1, self.depth + 1)


class _Checker:
    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.reads = Reads()

    def visit(self, node: nodes.Node, place: _Place) -> None:
        if place.depth > DEPTH_MAX:
            raise TemplateError("it is nested too deeply; write it flatter")
        if not isinstance(node, _ALLOWED):
            raise TemplateError(f"templates have no {_written(node)}; use variables, filters, if and for")
        match node:
            case nodes.For():
                self._loop(node, place)
            case nodes.Name():
                self._name(node.name, place)
            case nodes.Call():
                self._call(node, place)
            case nodes.Getattr() | nodes.Getitem():
                self._part(node, place)
            case nodes.Const(value=int() | float() as number) if not abs(number) <= NUMBER_MAX:
                raise TemplateError(f"a number is larger than {NUMBER_MAX}; write a smaller one")
            case nodes.Filter() | nodes.Test():
                _check_known(node)
                self._children(node, place)
            case _:
                self._children(node, place)

    def _children(self, node: nodes.Node, place: _Place) -> None:
        for child in node.iter_child_nodes():
            self.visit(child, place.within())

    def _loop(self, node: nodes.For, place: _Place) -> None:
        if place.loops >= LOOPS_MAX:
            raise TemplateError(f"more than {LOOPS_MAX} loops stand in each other; write it flatter")
        if node.recursive:
            raise TemplateError("a loop cannot be recursive; remove the word")
        variables = _targets(node.target)
        for name in variables:
            if name in self.names or name == "loop":
                raise TemplateError(f"{name!r} has a meaning already; give the variable of the loop another name")
        inside = place.loop(variables)
        if node.test is not None:
            self.visit(node.test, inside)
        for child in node.body:
            self.visit(child, _Place(inside.variables | {"loop"}, inside.loops, inside.depth))
        for child in (node.iter, *node.else_):
            self.visit(child, place.within())

    def _name(self, name: str, place: _Place) -> None:
        if name in place.variables:
            return
        if name not in self.names:
            raise TemplateError(f"unknown variable {name!r}; {_suggest(name, self.names | place.variables)}")
        if name in FUNCTIONS:
            raise TemplateError(f"{name} is a function; write for example {FUNCTIONS[name][0]}")
        if name == "event":
            self.reads.event.add("")

    def _part(self, node: nodes.Getattr | nodes.Getitem, place: _Place) -> None:
        if isinstance(node, nodes.Getattr) and node.attr.startswith("__"):
            raise TemplateError(f"{node.attr} is not available in templates; remove it")
        path = _constant_path(node)
        match node.node:
            case _ if path and path[0] in ("event", "labels") and path[0] in self.names:
                reads = self.reads.event if path[0] == "event" else self.reads.labels
                reads.add(".".join(path[1:]))
            case nodes.Name(name=str(name)) if isinstance(node, nodes.Getattr) and name in self.names - _MAPPINGS:
                raise TemplateError(f"{name} has no part {node.attr!r}; write {{{{ {name} }}}}")
            case _:
                self._children(node, place)

    def _call(self, node: nodes.Call, place: _Place) -> None:
        name = node.node.name if isinstance(node.node, nodes.Name) else None
        if name not in FUNCTIONS or name not in self.names:
            what = f"{name!r}" if name else "a method"
            raise TemplateError(f"{what} cannot be called; use a filter, as in {{{{ value | upper }}}}")
        example, most = FUNCTIONS[name]
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not 1 <= len(node.args) <= most:
            raise TemplateError(f"{name} is called with the wrong arguments; write for example {example}")
        self.reads.calls.add(name)
        if name == "top":
            field = node.args[0]
            if not isinstance(field, nodes.Const) or not isinstance(field.value, str):
                raise TemplateError(f"top needs the name of a field in quotes; write for example {example}")
            self.reads.top.add(field.value)
        for argument in node.args:
            self.visit(argument, place.within())


def _targets(target: nodes.Node) -> list[str]:
    return [target.name] if isinstance(target, nodes.Name) else [name.name for name in target.find_all(nodes.Name)]


def _constant_path(node: nodes.Node) -> list[str] | None:
    """`event.client["name"]` → [event, client, name]; None where a part is computed or is a number."""
    match node:
        case nodes.Name():
            return [node.name]
        case nodes.Getattr():
            part = node.attr
        case nodes.Getitem(arg=nodes.Const(value=str(key))):
            part = key
        case _:
            return None
    before = _constant_path(node.node)
    return None if before is None else [*before, part]


def _check_known(node: nodes.Filter | nodes.Test) -> None:
    kind, known = ("filter", FILTERS_ALLOWED) if isinstance(node, nodes.Filter) else ("test", TESTS_ALLOWED)
    if node.name not in known:
        raise TemplateError(f"unknown {kind} {node.name!r}; {_suggest(node.name, known)}")
    if node.dyn_args or node.dyn_kwargs:
        raise TemplateError(f"the arguments of {node.name} must be written one by one; remove the star")
    names = [argument.key for argument in node.kwargs]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise TemplateError(f"the argument {doubled} stands twice; remove one")


def _suggest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(known))}"


def _written(node: nodes.Node) -> str:
    return _REFUSED.get(type(node), type(node).__name__)
