"""The base of all rule types: the keys that every rule has, and what a type must say about its condition.

A rule is what the operator wrote and never changes; what it knows of one combination of its `by` fields is a State. The
engine owns everything else: grouping, phases, endings, limits, persistence.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bridge.alert import check_label, digest
from bridge.event import Kind
from bridge.events.checking import check_field, check_number, check_pattern
from bridge.matcher import Matcher, check_unit
from bridge.options import Options
from bridge.state import Memory, Sample, State, Texts
from bridge.template import Template, is_template
from bridge.values import DAY, NEVER, Duration, Quantity, format_duration
from bridge.watched import Ending, EventNames, FieldNames, Matchers, check_named

OLD, NEW = "\x1eold", "\x1enew"
"""Under what names templates find the two values of a type that is `paired`, among the fields of the latest event."""


ANNOTATION_NAMES = frozenset(
    {
        "account", "count", "duration", "event", "first_seen", "labels", "last_seen", "limit", "new", "old", "peak",
        "top", "value", "within",
    }
)  # fmt: skip
"""What templates of annotations can use."""

_FIXED_HOST = re.compile(r"https?://[^\s/?#@\\{}]+[/?#]")
"""How a link begins whose host no event can choose, nor make the name of a user before another host."""


class Rule(Options):
    """The keys of every rule. A type's docstring is what users read about it."""

    instant: ClassVar[bool] = False
    """It holds only at the moment of its event."""
    counting: ClassVar[bool] = False
    """What is past `limit` is counted together in one alert; other types do not watch it."""
    measuring: ClassVar[bool] = False
    """`for` ends with a measurement, not with time."""
    serial: ClassVar[bool] = False
    """It looks at the measurements of each series apart."""
    steady: ClassVar[bool] = False
    """While its condition does not hold, an event moves the instants at which time alone changes it only later."""
    remembering: ClassVar[bool] = False
    """It has memories besides its combinations: `compare` says what an event means beside what came before."""
    begins: ClassVar[bool] = False
    """Its condition depends on how long it has watched: `begun_w` of its states is when that began."""
    paired: ClassVar[bool] = False
    """Its events say what was and what is now: the last two of a sample's `latest` are OLD and NEW."""
    gauge: ClassVar[bool] = False
    """Of an instant type: `value` is how things are, not how many events there were."""
    summary: ClassVar[str]
    """The annotation `summary` where the operator wrote none."""

    alert: str = Field(min_length=1, max_length=200)
    events: EventNames = []
    subject: Annotated[str, AfterValidator(check_pattern)] | None = None
    where: Matchers = []
    type: str
    by: FieldNames = []
    for_: Duration = Field(0, alias="for")
    keep_firing_for: Duration = 0
    resolve_on: Ending | None = None
    limit: int = Field(1000, ge=1, le=10_000_000)
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    enabled: bool = True

    _annotations: dict[str, Template] = PrivateAttr(default_factory=dict)
    _labels: dict[str, Template] = PrivateAttr(default_factory=dict)

    @field_validator("by")
    @classmethod
    def _check_by(cls, by: list[str]) -> list[str]:
        for path in by:
            if check_label(label_of(path)) in ("alertname", "overflow"):
                raise ValueError(f"{path!r} would become a label that the bridge itself sets; remove it")
        if len(set(by)) < len(by):
            raise ValueError("a field stands twice; remove one")
        return by

    @field_validator("resolve_on")
    @classmethod
    def _check_resolve_on(cls, ending: Ending | None, info: ValidationInfo) -> Ending | None:
        if ending is not None:
            fields = info.data.get("by", []) if ending.match is None else ending.match
            check_named(
                "resolve_on", ending, fields, "write `match` with those fields of `by` that each of its events has"
            )
        return ending

    @field_validator("annotations")
    @classmethod
    def _check_annotations(cls, texts: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for name, text in texts.items():
            template = _parse(name, text, cls._annotation_names())
            if name.endswith("_url") and is_template(text) and not _FIXED_HOST.match(text):
                raise ValueError(
                    f"{name}: a template must not choose where a link leads; begin with the host, as in "
                    "https://grafana.example.net/d/nats?var-server={{ labels.server_name }}"
                )
            for path in sorted((template.event_fields | template.top_fields) - {""}):
                try:
                    check_field(path, info.data.get("events", []))
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error
        return texts

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, texts: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for name, text in texts.items():
            if name == "alertname":
                raise ValueError("the label alertname is the name of the alert; choose another label")
            template = _parse(name, text, {"labels"})
            if "by" in info.data:
                _check_own_labels(name, template, [label_of(path) for path in info.data["by"]])
        return texts

    @field_validator("for_")
    @classmethod
    def _check_for(cls, span: int) -> int:
        if span and cls.instant:
            raise ValueError("`for` has no meaning for a rule that holds only at the instant of its event; remove it")
        return span

    @model_validator(mode="after")
    def _compile(self) -> Self:
        if bool(self.events) == (self.subject is not None):
            raise ValueError("a rule watches either `events` or a `subject`; write one of them")
        if self.resolve_on and not set(self.resolve_on.match or []) <= set(self.by):
            raise ValueError("`resolve_on.match` may only name fields of `by`; add them there")
        texts = {"summary": self.summary, **self.annotations}
        self._annotations = {name: _parse(name, text, self._annotation_names()) for name, text in texts.items()}
        self._labels = {name: _parse(name, text, {"labels"}) for name, text in self.labels.items()}
        return self

    @classmethod
    def _annotation_names(cls) -> Collection[str]:
        return ANNOTATION_NAMES if cls.paired else ANNOTATION_NAMES - {"old", "new"}

    @property
    def templates(self) -> Mapping[str, Template]:
        """The annotations, by name."""
        return self._annotations

    @property
    def names_accounts(self) -> bool:
        """Its annotations call accounts by their names."""
        return any("account" in template.functions for template in self._annotations.values())

    @property
    def label_templates(self) -> Mapping[str, Template]:
        return self._labels

    @property
    def about_bridge(self) -> bool:
        """It watches nothing but the bridge itself."""
        return bool(self.events) and all(name.startswith("bridge.") for name in self.events)

    @property
    def id(self) -> str:
        """Name and static labels: what makes a rule the same rule after an edit."""
        static = sorted((name, text) for name, text in self.labels.items() if not is_template(text))
        return self.alert if not static else f"{self.alert}{{{','.join(f'{name}={text}' for name, text in static)}}}"

    @property
    def shape(self) -> str:
        """Changes when an edit makes the state useless: it is then thrown away and firing alerts are resolved."""
        return digest(
            *(f"{name}={getattr(self, name)!r}" for name in ("type", "events", "subject", "where", *self.meaning))
        )

    @property
    def naming(self) -> str:
        """Changes when an edit gives alerts other labels."""
        return digest(self.by, sorted(self.labels.items()))

    meaning: ClassVar[tuple[str, ...]] = ()
    """Keys of the type that belong to its shape, such as `field`."""

    @property
    def number_fields(self) -> list[str]:
        """The fields whose numbers `measure` gets."""
        return []

    def measure(self, numbers: list[float | None]) -> float | None:
        """One number from those of `number_fields`; None: no measurement."""
        return None

    @property
    def enough(self) -> int | None:
        """So many events in its window, and nothing else, are the condition of a type that slides one; None: it is
        another."""
        return None

    @property
    def one_off(self) -> bool:
        """Its alerts are told once, without an end."""
        return self.instant and not self.keep_firing_for and self.resolve_on is None

    @property
    def marks(self) -> Sequence[Matcher]:
        """Matchers that judge an event instead of letting it through: the sample's number is 1 if all hold, else 0."""
        return ()

    @property
    def text_fields(self) -> Sequence[str]:
        """The fields whose texts, joined, the sample has as `text`."""
        return ()

    @property
    def remember_for(self) -> int:
        """How long, in watched time, a memory lasts that nothing refreshes."""
        return 7 * DAY

    @property
    def memories_max(self) -> int:
        """How many there may be."""
        return self.limit

    def compare(self, memory: Memory, sample: Sample, begun_w: int) -> Sample | None:
        """What an event says beside the one before it in its series; None: nothing. `memory.known` is the type's own:
        None at first, and of what msgpack can hold."""
        raise NotImplementedError

    def memory_of(self, by: str, series: str, sample: Sample) -> str:
        """The key of the memory that an event is compared with."""
        return series

    @property
    def threshold_text(self) -> str:
        """What `limit` is in templates."""
        return ""

    @property
    def within_text(self) -> str:
        within = getattr(self, "within", None)
        return format_duration(within) if isinstance(within, int) else ""

    def value_kind(self, field_kind: Kind) -> Kind:
        """How `value` is shown, given the kind of the type's field."""
        return "number"

    @property
    def looks_back(self) -> int:
        """Of a type that `begins`: how far it looks back, in microseconds."""
        return 0

    @property
    def standing(self) -> Iterable[str]:
        """The keys of combinations that are there from when the rule is loaded, without an event."""
        return ()

    @property
    def forgets(self) -> bool:
        """What is idle is forgotten, whatever it was."""
        return False

    def new(self, no: int, key: str) -> State:
        raise NotImplementedError

    def begin(self, state: State, begun_w: int, w: int) -> None:
        """Of a type that `begins`: the rule watches since then; `w` is now. Before anything else happens to a state."""

    def add(self, state: State, sample: Sample) -> None:
        """Take a sample in."""
        raise NotImplementedError

    def slide(self, state: State, t: int, w: int) -> str:
        """Let time pass: forget what no longer counts. Returns a reason if that is more than time ("no data")."""
        return ""

    def holds(self, state: State, t: int, w: int) -> bool:
        raise NotImplementedError

    def value(self, state: State, t: int, w: int) -> float:
        raise NotImplementedError

    def exact(self, state: State) -> bool:
        return True

    def worse(self, a: float, b: float) -> float:
        return max(a, b)

    def due(self, state: State) -> int:
        """The first instant at which time alone changes `holds`, or empties the state."""
        return NEVER

    def due_w(self, state: State) -> int:
        """The same in watched time."""
        return NEVER

    def idle(self, state: State, t: int, w: int) -> bool:
        """Nothing that it knows matters any more."""
        raise NotImplementedError

    def dormant_w(self, state: State) -> int | None:
        """It knows nothing now, but remembers what it knew then, in watched time; None: it knows something."""
        return None

    def window(self, state: State) -> tuple[int, int, int, Iterable[Texts]]:
        """Count, first and last instant, and texts of the events that make the condition now; 0: the latest only."""
        return 0, 0, 0, ()

    def latest(self, state: State) -> Texts:
        """What templates read from the latest event, for a condition that begins without one."""
        return ()

    def remark(self, state: State) -> str:
        """What is special about an alert that begins now; mostly nothing."""
        return ""

    def end(self, state: State, series_prefix: str) -> bool:
        """The server of these series has said goodbye: they have no measurement any more. Whether there were any."""
        return False

    def dump(self, state: State) -> Any:
        raise NotImplementedError

    def load(self, state: State, dumped: Any) -> None:
        raise NotImplementedError

    def sleep(self, state: State, by: int) -> None:
        """Its rule has slept for so much watched time: to it, that is no time."""

    def sleep_memory(self, memory: Memory, by: int) -> None:
        """The same for what it remembers."""

    def series(self, state: State) -> Collection[str]:
        """The series that it has a measurement of."""
        return ()

    def remembered(self, state: State) -> Collection[str]:
        """The same, and those that may come again."""
        return self.series(state)

    def rejudge(self, state: State) -> None:
        """The limits may be others: judge anew what is known, where that is not done each time anyway."""

    def shift(self, state: State, by: int) -> None:
        """The wall clock was set back while the bridge was down: move all receive times."""


def label_of(path: str) -> str:
    """The label that a field of `by` becomes."""
    return path.replace(".", "_")


def check_limit(limit: Quantity | None, path: str, events: Sequence[str], kind: Kind | None = None) -> None:
    """A limit carries a unit that fits its field. Raises ValueError."""
    if limit is not None and events:
        check_unit(limit, kind or check_number(path, events))


def _check_own_labels(name: str, template: Template, known: Sequence[str]) -> None:
    for label in sorted(template.label_fields.difference(known)):
        near = difflib.get_close_matches(label, known, n=1)
        advice = f"did you mean {near[0]!r}?" if near else "add the field that becomes it to `by`"
        raise ValueError(f"{name}: no field of `by` becomes the label {label!r}; {advice}")


def _parse(name: str, text: str, names: Iterable[str]) -> Template:
    try:
        return _template(text, frozenset(names))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


@lru_cache(maxsize=4096)
def _template(text: str, names: frozenset[str]) -> Template:
    """Parsed once, though it is checked first and used later, and rules repeat texts: each takes half a millisecond."""
    return Template.parse(text, names)
