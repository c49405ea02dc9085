"""Annotations that are links: an event fills in a part of the address, and never chooses where it leads."""

import pytest
from pydantic import ValidationError

from bridge.inputs import Sight
from tests.core.stage import Stage, at, connected, rule


def linked(url: str, name: str) -> str:
    """The link in the message about a client of this name."""
    stage = Stage(rule(alert="A", events="client.connect", by=["client.name"], annotations={"dashboard_url": url}))
    stage.play(Sight(at(0)), connected(1, name)).wait(60)
    [row] = stage.rows.values()
    return row.notification.alerts[0].annotations["dashboard_url"]


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("app-1", "app-1"),
        ("a|b> <c", "a%7Cb%3E%20%3Cc"),
        ("büro", "b%C3%BCro"),
        ("50%25", "50%25"),
        ('"quoted"', "%22quoted%22"),
    ],
)
def test_what_an_address_may_not_hold_is_encoded(name: str, end: str) -> None:
    assert linked("https://a.example/d?x={{ labels.client_name }}", name) == f"https://a.example/d?x={end}"


@pytest.mark.parametrize(
    "url",
    [
        "{{ event.client.name }}",
        "{{ labels.client_name }}/x",
        "https://{{ event.client.name }}/x",
        "https://a.example{{ event.client.name }}/x",
        "https://a.example:{{ value }}/",
        "https://a.example@{{ event.client.name }}/",
        "https://user@{{ event.client.name }}/",
        "https://a.example\\\\@{{ event.client.name }}/",
        "{{ 'javascript' }}:x",
        "javascript:{{ event.client.name }}",
        "ftp://a.example/{{ value }}",
        "{% if value %}https://a.example/{% endif %}",
    ],
)
def test_a_template_that_chooses_the_host_of_a_link_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="dashboard_url: a template must not choose where a link leads"):
        rule(alert="A", events="client.connect", by=["client.name"], annotations={"dashboard_url": url})


@pytest.mark.parametrize(
    "url", ["https://a.example/d?x={{ value }}", "http://a.example:3000?{{ value }}", "https://a.example", "wiki/nats"]
)
def test_a_link_with_a_fixed_host_or_without_a_template_is_taken(url: str) -> None:
    rule(alert="A", events="client.connect", by=["client.name"], annotations={"dashboard_url": url})
