"""The Jinja2 environment of operators' templates: no Python attributes, no methods, and work that is counted.

The limits are in steps, not in time, so that a template gives the same text on every machine and in a replay.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS

from bridge.arithmetic import OPERATORS, compute, negate, noun
from bridge.errors import TemplateError
from bridge.filters import OURS, as_list, missing
from bridge.shown import ITEMS_MAX, Fields, cut, join, show

STEPS_MAX = 10_000
"""Work that one rendering may do; the worst templates that were found take 36 ms (two shared cores, Python 3.11)."""

CHARACTERS_A_STEP = 20
"""Text that a filter handles in the time of one step; measured with `title`, the slowest."""

BUDGET = " budget"
"""Where a rendering's budget stands in its context; no template can spell that name."""

_LOOP = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"})


class Budget:
    """The steps that a rendering has left."""

    __slots__ = ("_left",)

    def __init__(self, steps: int = STEPS_MAX) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Raises TemplateError once nothing is left."""
        self._left -= steps
        if self._left < 0:
            raise TemplateError("it does too much work; loop over less")


class Sandbox(ImmutableSandboxedEnvironment):
    """Attributes and items are those of labels, fields, loops and lists; arithmetic is for numbers, and keeps units."""

    intercepted_binops = frozenset(OPERATORS)
    intercepted_unops = frozenset({"+", "-"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Fields) and isinstance(argument, str):
            return obj.get(argument)
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, str | list | tuple) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(f"{noun(obj)} has no part {show(argument)[:50]}")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            context[BUDGET].spend(_size(left) + _size(right))
            return cut(left + right)
        return compute(operator, left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        return negate(arg) if operator == "-" else arg


def _bounded(apply: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that pays for what it reads and for its result, which is cut."""

    @pass_context
    def run(context: Context, value: Any, *args: Any, **named: Any) -> Any:
        budget: Budget = context[BUDGET]
        budget.spend(_size(value) + sum(_size(arg) for arg in args))
        result = apply("" if isinstance(value, Fields) and value.absent else value, *args, **named)
        if isinstance(result, Iterator):
            result = as_list(result)
        budget.spend(_size(result))
        return cut(result) if isinstance(result, str) else result

    return run


@pass_context
def _each(context: Context, items: Any, steps: int) -> Iterator[Any]:
    """What every `for` loops over: each turn pays the steps of the loop's body."""
    if isinstance(items, Undefined) or not hasattr(items, "__iter__"):
        raise TemplateError(f"{noun(items)} is no list; loop over a list")
    for place, item in enumerate(items):
        if place >= ITEMS_MAX:
            return
        context[BUDGET].spend(steps)
        yield item


def _concatenate(items: list[Any]) -> str:
    return join(items, "")


def _size(value: Any) -> int:
    """The steps that handling a value costs."""
    if isinstance(value, str):
        return 1 + len(value) // CHARACTERS_A_STEP
    return 1 + min(len(value), ITEMS_MAX) if isinstance(value, list | tuple | Fields) else 1


def _same(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # raises the error that says what is undefined
    return value


_JINJAS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("upper", "lower", "title", "capitalize", "trim"), show),
    **dict.fromkeys(("length", "count", "first", "last"), _same),
    **dict.fromkeys(("sort", "unique"), as_list),
}
"""The filters of Jinja's own, and what prepares their value."""

_TESTS = (
    "none", "string", "number", "true", "false", "boolean", "odd", "even", "divisibleby", "eq", "equalto", "ne", "lt",
    "lessthan", "gt", "greaterthan", "le", "ge", "in", "==", "!=", "<", "<=", ">", ">=",
)  # fmt: skip


def _closed() -> Sandbox:
    sandbox = Sandbox(
        undefined=StrictUndefined, autoescape=False, optimized=False, keep_trailing_newline=True, finalize=show
    )
    sandbox.globals.clear()
    sandbox.tests = {name: TESTS[name] for name in _TESTS}
    sandbox.tests |= {"defined": lambda value: not missing(value), "undefined": missing}
    return sandbox


_INNER = _closed()
_INNER.filters = {name: FILTERS[name] for name in _JINJAS}
"""Where Jinja's filters run: its `sort(attribute=…)` reads attributes through the environment."""


def _jinjas(name: str, prepare: Callable[[Any], Any]) -> Callable[..., Any]:
    def apply(value: Any, *args: Any, **named: Any) -> Any:
        return _INNER.call_filter(name, prepare(value), args, named)

    return apply


SANDBOX = _closed()
SANDBOX.filters = {
    **{name: _bounded(_jinjas(name, prepare)) for name, prepare in _JINJAS.items()},
    **{name: _bounded(apply) for name, apply in OURS.items()},
}
FILTERS_ALLOWED = frozenset(SANDBOX.filters)
TESTS_ALLOWED = frozenset(SANDBOX.tests)
SANDBOX.filters |= {"__each": _each, "__concatenate": _bounded(_concatenate)}
