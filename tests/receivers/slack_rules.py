"""Slack's own limits, and what its markup makes live: a message that breaks one would be refused, or ping people."""

import re
from typing import Any

LIVE = re.compile(r"<[^>]*>")
SILENCE = re.compile(r"<https://alerts\.example\.net/#/silences/new\?filter=[A-Za-z0-9%._~-]*\|Silence>")
DASHBOARD = re.compile(r"<https://dashboards\.example\.net/[^<>| ]*\|Dashboard>")
DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time_secs\}\|[-0-9: ]+ UTC>")


def units(text: str) -> int:
    """Length as JavaScript counts it."""
    return len(text.encode("utf-16-le")) // 2


def check_message(message: dict[str, Any]) -> None:
    """Assert that Slack would take it, and that it mentions nobody."""
    assert 1 <= units(message["text"]) <= 4000
    assert message["unfurl_links"] is False
    assert message["parse"] == "none"
    check_markup(message["text"], links=[])
    attachments = message.get("attachments", [])
    assert len(attachments) <= 1
    total = units(message["text"])
    for attachment in attachments:
        assert set(attachment) == {"color", "blocks"}
        assert re.fullmatch("#[0-9a-f]{6}", attachment["color"])
        assert 1 <= len(attachment["blocks"]) <= 50
        total += sum(check_block(block) for block in attachment["blocks"])
    total += sum(check_block(block) for block in message["blocks"])
    assert total <= 10_000


def check_block(block: dict[str, Any]) -> int:
    """Assert that the block is one that we use, within its limits; returns its characters."""
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False, **more}, **rest}:
            assert not set(rest) - {"type"}
            assert not more
            assert 1 <= units(text) <= 150
            assert not set(text) & set("\n<>")
            return units(text)
        case {"type": "section", "text": text, **rest}:
            assert not set(rest) - {"type"}
            return check_text(text, 3000)
        case {"type": "section", "fields": fields, **rest}:
            assert not set(rest) - {"type"}
            assert 1 <= len(fields) <= 10
            return sum(check_text(field, 2000) for field in fields)
        case {"type": "context", "elements": elements, **rest}:
            assert not set(rest) - {"type"}
            assert 1 <= len(elements) <= 10
            return sum(check_text(element, 2000) for element in elements)
        case _:
            raise AssertionError(f"no block of ours: {block}")


def check_text(element: dict[str, Any], limit: int) -> int:
    assert element["type"] == "mrkdwn"
    assert element["verbatim"] is True
    assert set(element) == {"type", "text", "verbatim"}
    assert 1 <= units(element["text"]) <= limit
    check_markup(element["text"], links=["https://runbooks.example.net/nats/auth?a=1&amp;b=2"])
    return units(element["text"])


def check_markup(text: str, links: list[str]) -> None:
    """Assert that only dates and the operator's own links are live, and every `&` begins an entity."""
    for live in LIVE.findall(text):
        ours = any(each.fullmatch(live) for each in (DATE, SILENCE, DASHBOARD))
        assert ours or live in [f"<{url}|Runbook>" for url in links], live
    rest = LIVE.sub("", text)
    assert "<" not in rest
    assert ">" not in rest
    assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    assert all(char.isprintable() or char in "\n\u00a0" for char in text)
