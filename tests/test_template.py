"""Templates: what they can say, what is refused at load, and that no rendering raises or runs away."""

import contextlib
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.errors import TemplateError
from bridge.sandbox import FILTERS_ALLOWED, TESTS_ALLOWED
from bridge.shown import TEXT_MAX, Fields, Moment, Number, Ranking, Span
from bridge.template import SOURCE_MAX, Template

NAMES = frozenset(
    {"value", "peak", "count", "first_seen", "last_seen", "top", "labels", "event", "duration", "limit", "account"}
)
EVENT = {
    "type": "client.auth_error",
    "client": {"name": "web", "rtt": 3, "user": "<!channel> {{7*7}} {% raw %}"},
    "server.name": "n1",
    "list": [3, 1, 2],
    "ends": "2026-11-23T15:44:25.123456789Z",
}


def top(field: str, n: int = 5) -> Ranking:
    return Ranking([("alice", 12), ("bob", 3), (field, 1)][:n])


CONTEXT: Mapping[str, object] = {
    "value": Number(93.14, "percent"),
    "peak": Number(8.8e9, "bytes", approximate=True),
    "count": 20,
    "first_seen": Moment(1795448665),
    "last_seen": Moment(1795448700),
    "top": top,
    "labels": Fields({"client_host": "10.0.0.7", "severity": "warning"}),
    "event": Fields(EVENT),
    "duration": Span(750),
    "limit": "20 in 1m",
    "account": lambda account: f"name of {account}",
}


def rendered(source: str) -> str:
    return Template.parse(source, NAMES).render(CONTEXT)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain } text {", "plain } text {"),
        ("ends with a line\n", "ends with a line\n"),
        ("{{ count }}\n", "20\n"),
        ("{# nothing #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ value }} of {{ limit }}, {{ peak }} at worst", "93.1% of 20 in 1m, ≈8.2 GiB at worst"),
        ("{{ first_seen }} + {{ duration }}", "2026-11-23 15:44:25 UTC + 12m30s"),
        ("{{ labels.client_host }}/{{ labels['severity'] }}/{{ labels.nothing }}", "10.0.0.7/warning/"),
        ("{{ event.client.name }} {{ event['client.rtt'] }} {{ event['client'].name }}", "web 3 web"),
        ("{{ event.server.name }}{{ event.absent.below.all }}", "n1"),
        ("{{ event.client.user }}", "<!channel> {{7*7}} {% raw %}"),
        ("{{ event.list }} {{ event.list[0] }} {{ event.list | sort | join('-') }}", "3, 1, 2 3 1-2-3"),
        ("{{ top('client.user', 2) }}", "alice (12), bob (3)"),
        (
            "{% for name, n in top('x') %}{{ loop.index }}.{{ name }}{{ ',' if not loop.last }}{% endfor %}",
            "1.alice,2.bob,3.x",
        ),
        ("{{ account(labels.client_host) }}", "name of 10.0.0.7"),
        ("{% for x in event.list if x > 1 %}{{ x }}{% else %}none{% endfor %}", "32"),
        ("{% for x in event.none %}{{ x }}{% else %}none{% endfor %}", "none"),
        (
            "{% for name in labels %}{{ name }}={{ labels[name] }};{% endfor %}",
            "client_host=10.0.0.7;severity=warning;",
        ),
        (
            "{% if value > 93 and event.x == '' and event.x is not defined %}yes{% elif 0 %}{% else %}no{% endif %}",
            "yes",
        ),
        ("{{ 'severity' in labels }} {{ none }} {{ count is even }} {{ 1.0 }}", "true  true 1"),
        ("{{ event.user | default('nobody') | upper }} {{ event.client.name | d('nobody') }}", "NOBODY web"),
        ("{{ 'a' ~ count ~ event.absent ~ none }} {{ 'a' + 'b' }}", "a20 ab"),
        ("{{ 'long text here' | truncate(9, true, '…', 0) }} {{ 'abc'[:2] }} {{ ' x ' | trim }}", "long tex… ab x"),
        (
            "{{ 'long text here' | truncate(9, leeway=0) }}/{{ 'long text' | truncate(4) }}/{{ none | truncate }}",
            "long.../long text/",
        ),
        ("{{ 'long text here' | truncate(2) }} {{ 'long text here' | truncate(0, leeway=0) }}", "lo "),
        (
            "{{ 'a.b' | replace('.', '_') }} {{ 'x y' | title }} {{ 'abc' | reverse }} {{ [1, 2] | reverse }}",
            "a_b X Y cba 2, 1",
        ),
        (
            "{{ [2, 1, 2] | unique | list }} {{ event.list | length }} {{ event.list | first }}{{ event.list | last }}",
            "2, 1 3 32",
        ),
        (
            "{{ 3.14159 | round(2) }} {{ value | round }} {{ '7' | int + 1 }} {{ 'x' | int }} {{ '1.5' | float }}",
            "3.14 93% 8 0 1.5",
        ),
        ("{{ 90 | duration }} {{ 2048 | bytes }} {{ event.rtt | duration }}", "1m30s 2 KiB "),
        ("{{ first_seen | date }} {{ first_seen | date('%d.%m. %H:%M') }}", "2026-11-23 15:44:25 UTC 23.11. 15:44"),
        ("{{ event.ends | date }} {{ 0 | date('%Y') }}", "2026-11-23 15:44:25 UTC 1970"),
        (
            "{{ value - 3 }} {{ 2 * value }} {{ peak / 2 }} {{ value / value }} {{ -peak }}",
            "90.1% 186.3% ≈4.1 GiB 1 ≈-8.2 GiB",
        ),
        ("{{ last_seen - first_seen }} {{ last_seen + 60 }} {{ duration + 10 }}", "35s 2026-11-23 15:46:00 UTC 12m40s"),
        ("{{ 7 // 2 }} {{ 7 % 4 }} {{ 1 + 2 * 3 }} {{ 10 / 4 }}", "3 3 7 2.5"),
        ("{{ -5 | abs }} {{ (0 - value) | abs }}", "5 93.1%"),
    ],
)
def test_a_template_says(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ event.list[9] }}", "a list has no part 9"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ value + 'a' }}", "the text 'a' is no number"),
        ("{{ value + peak }}", "percent + bytes has no meaning"),
        ("{{ first_seen + first_seen }}", "moment + moment has no meaning"),
        ("{{ event.absent > 3 }}", "an absent field is no number"),
        ("{% for x in count %}{% endfor %}", "the number 20 is no list"),
        ("{{ count | join }}", "the number 20 is no list"),
        ("{{ 'x' | duration }}", "the text 'x' is no number"),
        ("{{ 'yesterday' | date }}", "Invalid isoformat"),
        ("{{ 1000000000000000 | date }}", "outside of every calendar"),
        ("{{ 'a' | int(none) + 1 }}", "is no number"),
        ("{{ 1000000000000000 * 10 }}", "a number grows too large"),
        ("{{ 5 | round(-100000000) }}", "round takes from 0 to 15 digits"),
        ("{{ first_seen | date('%1000000000d') }}", "is no date format"),
        ("{{ value | truncate('x') }}", "truncate takes whole numbers of 0 or more"),
        ("{{ 'long text' | truncate(3, leeway=-1) }}", "truncate takes whole numbers of 0 or more"),
        ("{{ event.list | upper(1) }}", "argument"),
    ],
)
def test_a_failing_template_shows_its_error_instead(source: str, why: str) -> None:
    text = rendered(source)
    assert text.startswith("[template error: ")
    assert why in text
    assert len(text) < 250


def test_a_name_that_the_context_lacks_shows_as_an_error() -> None:
    text = Template.parse("{{ value }}", NAMES).render({})
    assert text == "[template error: 'value' is undefined]"


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ("{{ valeu }}", "unknown variable 'valeu'; did you mean 'value'?"),
        ("{{ zzz }}", "there are account, count"),
        ("{{ loop.index }}", "unknown variable 'loop'"),
        ("{{ self }}{{ caller() }}", "unknown variable 'self'"),
        ("{{ value | uper }}", "unknown filter 'uper'; did you mean 'upper'?"),
        ("{{ value is oddd }}", "unknown test 'oddd'; did you mean 'odd'?"),
        ("{{ value | __each(1) }}", "unknown filter"),
        ("{{ 'a' | center(1000000000) }}", "unknown filter 'center'"),
        ("{{ 'a' | format }}{{ 'a' | indent }}", "unknown filter"),
        ("{{ event | map('x') }}", "unknown filter"),
        ("{{ 'a'.center(1000000000) }}", "a method cannot be called"),
        ("{{ '%d'.format(1) }}", "a method cannot be called"),
        ("{{ event.client.items() }}", "a method cannot be called"),
        ("{{ range(1000000000) }}", "'range' cannot be called"),
        ("{{ lipsum() }}", "'lipsum' cannot be called"),
        ("{{ value() }}", "'value' cannot be called"),
        ("{{ 2 ** 9 }}", r"templates have no \*\*"),
        ("{% set x = 1 %}", "templates have no {% set %}"),
        ("{% set x %}a{% endset %}", "templates have no {% set %}"),
        ("{% with x = 1 %}{% endwith %}", "templates have no {% with %}"),
        ("{% macro a() %}{% endmacro %}", "templates have no {% macro %}"),
        ("{% include 'x' %}", "templates have no {% include %}"),
        ("{% import 'x' as y %}", "templates have no {% import %}"),
        ("{% from 'x' import y %}", "templates have no {% from %}"),
        ("{% extends 'x' %}", "templates have no {% extends %}"),
        ("{% block x %}{% endblock %}", "templates have no {% block %}"),
        ("{% call value() %}{% endcall %}", "templates have no {% call %}"),
        ("{% filter upper %}{% endfilter %}", "templates have no {% filter %}"),
        ("{% autoescape true %}{% endautoescape %}", "templates have no {% autoescape %}"),
        ("{{ {'a': 1} }}", "templates have no {key: value}"),
        ("{{ '' .__class__ }}", "__class__ is not available"),
        ("{{ event.__class__.__mro__ }}", "is not available"),
        ("{{ value.kind }}", "value has no part 'kind'"),
        ("{{ top }}", "top is a function; write for example"),
        ("{{ top() }}", "wrong arguments"),
        ("{{ top('a', 1, 2) }}", "wrong arguments"),
        ("{{ top(field='a') }}", "wrong arguments"),
        ("{{ top(*['a']) }}", "wrong arguments"),
        ("{{ top(labels.x) }}", "the name of a field in quotes"),
        ("{{ value | round(*[1]) }}", "remove the star"),
        ("{{ event.list | sort(reverse=1, reverse=0) }}", "the argument reverse stands twice; remove one"),
        ("{% for value in event.list %}{% endfor %}", "'value' has a meaning already"),
        ("{% for a, labels in event.list %}{% endfor %}", "'labels' has a meaning already"),
        ("{% for loop in event.list %}{% endfor %}", "'loop' has a meaning already"),
        ("{% for a in event.list recursive %}{% endfor %}", "cannot be recursive"),
        ("{% for a in event.list %}{% endfor %}{{ a }}", "unknown variable 'a'"),
        (
            "{% for a in [1] %}{% for b in [1] %}{% for c in [1] %}{% endfor %}{% endfor %}{% endfor %}",
            "more than 2 loops",
        ),
        ("{{ 99999999999999999999 }}", "write a smaller one"),
        ("{{ 1e999 }}", "write a smaller one"),
        ("{{ " + "9" * 5000 + " }}", "write a smaller one"),
        ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", "nested too deeply"),
        ("{{ " + "not " * 800 + "1 }}", "nested too deeply"),
        ("{{ 1" + " + 1" * 800 + " }}", "nested too deeply"),
        ("{% if 1 %}" * 60 + "{% endif %}" * 60, "nested too deeply"),
        ("{{ top('a') }}" * 500, "too much work"),
        ("x" * (SOURCE_MAX + 1), f"write at most {SOURCE_MAX}"),
        ("{{ value", "mend what stands in"),
        ("{{ value | }}", "mend what stands in"),
        ("a\n{% for x in %}", "in its line 2; mend"),
        ("{% nonsense %}", "unknown tag 'nonsense'; mend"),
        ("{{ '\\N{no such name}' }}", "mend what stands in"),
    ],
)
def test_what_templates_do_not_have_is_refused_at_load(source: str, fix: str) -> None:
    with pytest.raises(TemplateError, match=fix):
        Template.parse(source, NAMES)


def test_a_template_of_labels_has_labels_and_nothing_else() -> None:
    template = Template.parse("{{ labels.client_host }}", {"labels"})
    assert template.render({"labels": Fields({"client_host": "h"})}) == "h"
    with pytest.raises(TemplateError, match="unknown variable 'event'"):
        Template.parse("{{ event.client.host }}", {"labels"})
    with pytest.raises(TemplateError, match="'top' cannot be called"):
        Template.parse("{{ top('x') }}", {"labels"})


@pytest.mark.parametrize(
    ("source", "event", "tops", "labels"),
    [
        ("plain", set(), set(), set()),
        ("{{ event.client.name }} {{ event['server.name'] }}", {"client.name", "server.name"}, set(), set()),
        ("{{ event['a'].b['c.d'] }}", {"a.b.c.d"}, set(), set()),
        ("{{ event.list[0].x }} {{ event.list[1:] }}", {"list"}, set(), set()),
        ("{{ event }}", {""}, set(), set()),
        ("{% for n in labels %}{{ event[n] }}{% endfor %}", {""}, set(), set()),
        ("{% if event.a == event.b %}{{ event.c | default(event.d) }}{% endif %}", {"a", "b", "c", "d"}, set(), set()),
        ("{{ top('user', 5) }}{% for n, c in top('reason') %}{% endfor %}", set(), {"user", "reason"}, set()),
        ("{{ account(labels.account_id) }} {{ labels['x'] ~ labels.y }}", set(), set(), {"account_id", "x", "y"}),
    ],
)
def test_a_template_tells_what_it_reads(
    source: str, event: AbstractSet[str], tops: AbstractSet[str], labels: AbstractSet[str]
) -> None:
    template = Template.parse(source, NAMES)
    assert template.event_fields == event
    assert template.top_fields == tops
    assert template.label_fields == labels


HOSTILE: Mapping[str, object] = {
    **CONTEXT,
    "event": Fields(
        {
            "long": "ab \n" * 250_000,
            "list": list(range(5000)),
            "texts": [f"text {n} " * 40 for n in range(5000)],
            "digits": 10**5000,
            "deep": {"a": {"b": {"c": [[[[1]]]]}}},
            "nan": float("nan"),
            "half": "\ud800",
            "flag": True,
            "none": None,
        }
    ),
    "value": float("inf"),
    "peak": Number(float("nan"), "seconds"),
    "first_seen": Moment(1e300),
    "limit": None,
    "count": 10**400,
}


def _loops(body: str) -> str:
    return f"{{% for a in event.list %}}{{% for b in event.list %}}{body}{{% endfor %}}{{% endfor %}}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ event }}",
        "{{ event.digits }}",
        "{{ count }}",
        "{{ peak }}{{ value | duration }}",
        "{{ first_seen }}",
        "{{ event.half }}{{ event.half | upper | date }}",
        "{{ event.long }}{{ event.texts }}",
        "{{ event.long | replace('a', event.long) }}",
        "{{ event.long | replace('', 'xxxxxxxxxx') }}",
        "{{ event.texts | join(event.long) }}",
        "{{ event.long | truncate(999999999, true, event.long) }}",
        "{{ (event.long ~ event.long ~ event.long ~ event.long) | title | title }}",
        "{{ event.long | sort | unique | reverse | join }}",
        "{{ (event.texts | sort) == (event.texts | sort | reverse | reverse) }}",
        "{{ event.long | title and '' }}" * 200,
        "{{ event.texts | join and '' }}" * 200,
        "{{ event ~ '' and '' }}" * 200,
        _loops(""),
        _loops("{{ a }}"),
        _loops("{{ loop.length and '' }}"),
        _loops("{{ event.long | title and '' }}"),
        _loops("{{ event.long ~ event.long and '' }}"),
        _loops("{{ event.texts | sort and '' }}"),
        _loops("{{ 'zzz' in event.texts and '' }}"),
        _loops("{{ event.texts[::-1] and '' }}"),
        _loops("{{ [event] | string and '' }}"),
        _loops("{{ event == 'x' and '' }}"),
    ],
)
def test_a_template_bomb_ends_within_100_milliseconds_and_16_kilobytes(source: str) -> None:
    template = Template.parse(source, NAMES)
    spans = []
    for _ in range(3):
        begin = time.process_time()
        text = template.render(HOSTILE)
        spans.append(time.process_time() - begin)
    assert len(text) <= TEXT_MAX
    assert min(spans) < 0.1


def test_too_long_a_text_is_cut_and_says_so() -> None:
    text = Template.parse("{% for n in event.texts %}{{ n }}{% endfor %}", NAMES).render(HOSTILE)
    assert len(text) == TEXT_MAX
    assert text.endswith("…")


_ATOMS = """
    value peak count first_seen top top('x') top('x',3) labels labels.a event event.client.name event['list'] event.long
    event.digits event.texts duration limit account(1) account loop loop.index a b 1 0 -1 2.5 1e300 999999999 '' 'ab'
    "%d" true none [1,2] (1,2) {} x __class__ event.__init__ event.list[0] event.long[:5] 'a'.join range lipsum()
"""
_FILTERS = """
    upper lower title trim truncate(5) truncate(9999999) replace('a','bbbb') default('x') d join join('xx') length
    first last sort unique list reverse round round(3) round(-9) int float abs string duration bytes date date('%Y')
    sort(attribute='x') unique(true) center(99999999) int(none) nope
"""
_TESTS = sorted(name for name in TESTS_ALLOWED if name.isalpha())
_ARGUMENTS = st.sampled_from(
    ["", "", "attribute=", "killwords=", "end=", "leeway=", "reverse=", "case_sensitive=", "chars="]
)


def _arguments(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """None to three of them, most without a name: more than filters take, and of every type."""
    return st.lists(st.builds("{}{}".format, _ARGUMENTS, values), max_size=3).map(", ".join)


_OPERATORS = "+ - * / // % ~ ** == != < > <= >= and or in is"
_EXPRESSIONS = st.recursive(
    st.sampled_from(_ATOMS.split()),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(_OPERATORS.split()), inner),
        st.builds("{} | {}".format, inner, st.sampled_from(_FILTERS.split())),
        st.builds("{} | {}({})".format, inner, st.sampled_from(sorted(FILTERS_ALLOWED)), _arguments(inner)),
        st.builds("({} is {}({}))".format, inner, st.sampled_from(_TESTS), _arguments(inner)),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
    ),
    max_leaves=8,
)
_SOURCES = st.recursive(
    st.one_of(st.builds("{{{{ {} }}}}".format, _EXPRESSIONS), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("{{% for a in {} %}}{}{{% endfor %}}".format, _EXPRESSIONS, inner),
        st.builds(
            "{{% for a, b in {} if {} %}}{}{{% else %}}{}{{% endfor %}}".format,
            _EXPRESSIONS,
            _EXPRESSIONS,
            inner,
            inner,
        ),
        st.builds("{{% if {} %}}{}{{% endif %}}".format, _EXPRESSIONS, inner),
        st.builds("{{% set a = {} %}}{}".format, _EXPRESSIONS, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=600, deadline=None)
@given(_SOURCES)
@example("{{ 1 // 0 }}{{ count | bytes }}")
def test_any_template_is_refused_or_renders_within_its_bounds(source: str) -> None:
    try:
        template = Template.parse(source, NAMES)
    except TemplateError:
        return
    for context in (CONTEXT, HOSTILE):
        begin = time.process_time()
        text = template.render(context)
        span = time.process_time() - begin
        assert len(text) <= TEXT_MAX
        assert span < 1, source


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="{}%#|()[].,'\"\\-+*~ \nabelnt0123456789xforidsvu\ud800é", max_size=60))
def test_parsing_any_text_raises_a_template_error_at_most(source: str) -> None:
    with contextlib.suppress(TemplateError):
        assert len(Template.parse(f"{{{{ {source} }}}}", NAMES).render(CONTEXT)) <= TEXT_MAX
