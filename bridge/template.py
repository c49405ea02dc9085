"""Templates of annotations and labels: checked when the file is loaded, rendered without ever raising."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import jinja2
from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from bridge import grammar
from bridge.errors import TemplateError
from bridge.sandbox import BUDGET, SANDBOX, STEPS_MAX, Budget
from bridge.shown import TEXT_MAX, cut

__all__ = ["Template", "TemplateError", "is_template"]

SOURCE_MAX = 8192
"""Characters of a template."""

_FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What evaluating an expression raises, TemplateError among the ValueErrors. Jinja asserts what its filters get."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with `{{ … }}` in it, and what it reads of its context."""

    source: str
    event_fields: frozenset[str] = frozenset()
    """Dotted paths read from `event`; "" where the event is used as a whole."""
    top_fields: frozenset[str] = frozenset()
    """The fields that `top` ranks."""
    label_fields: frozenset[str] = frozenset()
    """The names read from `labels`."""
    functions: frozenset[str] = frozenset()
    """The functions that it calls."""
    _program: jinja2.Template | None = field(default=None, repr=False, compare=False)
    _steps: int = field(default=0, repr=False, compare=False)

    @classmethod
    def parse(cls, source: str, names: Collection[str]) -> "Template":
        """Check a template whose context will hold these names. Raises TemplateError: what is wrong; what to do."""
        if len(source) > SOURCE_MAX:
            raise TemplateError(f"it has {len(source)} characters; write at most {SOURCE_MAX}")
        if not is_template(source):
            return cls(source)
        tree = _parse(source)
        reads = grammar.check(tree, names)
        steps = _steps(tree)
        if steps > STEPS_MAX:
            raise TemplateError("it does too much work; write less")
        program = jinja2.Template.from_code(SANDBOX, SANDBOX.compile(_Bounding().visit(tree)), {})
        return cls(
            source,
            frozenset(reads.event),
            frozenset(reads.top),
            frozenset(reads.labels),
            frozenset(reads.calls),
            program,
            steps,
        )

    def render(self, context: Mapping[str, object]) -> str:
        """The text, at most TEXT_MAX characters; where it fails, `[template error: …]`. Never raises."""
        try:
            return self.fill(context)
        except TemplateError as error:
            return f"[template error: {error}]"

    def fill(self, context: Mapping[str, object], limit: int = TEXT_MAX) -> str:
        """The text, at most `limit` characters. Raises TemplateError where it fails."""
        if self._program is None:
            return self.source
        try:
            return _collect(self._program.generate({**context, BUDGET: Budget(STEPS_MAX - self._steps)}), limit)
        except _FAILURES as error:
            raise TemplateError(_reason(error)) from error


def is_template(text: str) -> bool:
    """Whether rendering can change it."""
    return any(mark in text for mark in ("{{", "{%", "{#"))


class _Bounding(NodeTransformer):
    """Puts loops and `~`, which Jinja evaluates without asking, under the budget."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - the name that the visitor looks for
        turn = sum(_steps(part) for part in (*node.body, node.test) if part)
        self.generic_visit(node)
        node.iter = _filter(node.iter, "__each", nodes.Const(1 + turn))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes), "__concatenate")


def _steps(node: nodes.Node) -> int:
    """What evaluating it once costs, without the turns of the loops in it: those are paid turn by turn."""
    match node:
        case nodes.For():
            parts: Iterable[nodes.Node] = (node.iter, *node.else_)
        case _:
            parts = node.iter_child_nodes()
    return _COSTS.get(type(node), 1) + sum(_steps(part) for part in parts)


_COSTS: dict[type[nodes.Node], int] = {nodes.Call: 100, nodes.Filter: 5, nodes.Concat: 5, nodes.For: 5}
"""In steps of about a microsecond; everything else costs one."""


def _filter(value: nodes.Node, name: str, *args: nodes.Expr) -> nodes.Filter:
    wrapped = nodes.Filter(value, name, list(args), [], None, None)
    wrapped.set_environment(SANDBOX)
    wrapped.set_lineno(1)
    return wrapped


def _parse(source: str) -> nodes.Template:
    try:
        return SANDBOX.parse(source)
    except jinja2.TemplateSyntaxError as error:
        place = f" in its line {error.lineno}" if "\n" in source else ""
        raise TemplateError(f"{_reason(error)}{place}; mend what stands in {{{{ }}}} or {{% %}}") from error
    except RecursionError as error:
        raise TemplateError("it is nested too deeply; write it flatter") from error
    except ValueError as error:
        # Python refuses to read whole numbers of more than 4300 digits.
        raise TemplateError("a number is too long; write a smaller one") from error


def _collect(pieces: Iterable[str], limit: int) -> str:
    """Ends the rendering where the longest text ends that is sent."""
    texts: list[str] = []
    length = 0
    for piece in pieces:
        texts.append(piece)
        length += len(piece)
        if length > limit:
            break
    return cut("".join(texts), limit)


def _reason(error: Exception) -> str:
    """The error in one line that fits a message."""
    text = " ".join((str(error) or type(error).__name__).split()).removesuffix(".")
    return text if len(text) <= 200 else text[:199] + "…"
