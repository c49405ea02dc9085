"""A message as people in Slack see it, in a terminal: drawn from the JSON that arrived and from nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bridge.demo.channel import Post
from bridge.demo.mrkdwn import to_text, unescape

_WIDTH = 92


def draw(post: Post, channel: str) -> RenderableType:
    """Sender, time, the line of text, and the attachments with their colour bars."""
    head = Text.assemble(
        (channel, "bold"),
        "  ",
        ("APP", "reverse dim"),
        (f"  {datetime.fromtimestamp(post.at, UTC).astimezone():%H:%M}", "dim"),
    )
    title = Text(unescape(str(post.message.get("text", ""))), "bold")
    bars = [
        _Prefixed("▌ ", Group(*_blocks(each)), str(each.get("color", "")))
        for each in _list(post.message, "attachments")
    ]
    return _Prefixed("  ", Group(head, title, *bars))


def alert_names(post: Post) -> list[str]:
    """The alerts that a message names in its last line."""
    footers = [
        str(element.get("text", ""))
        for attachment in _list(post.message, "attachments")
        for block in _list(attachment, "blocks")
        if block.get("type") == "context"
        for element in _list(block, "elements")[:1]
    ]
    # such as `SlowConsumer (rules.yaml:57), ServerStops (rules.yaml:101) · 8c1228f5`
    return [rule.split(" ")[0] for footer in footers for rule in unescape(footer).split(" · ")[0].split(", ")]


class _Prefixed:
    """Its content with the same few characters before each line."""

    def __init__(self, prefix: str, content: RenderableType, colour: str = "") -> None:
        self._prefix, self._content, self._style = prefix, content, Style.parse(colour)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, _WIDTH) - len(self._prefix)
        for line in console.render_lines(self._content, options.update(width=width), pad=False):
            yield Segment(self._prefix, self._style)
            yield from line
            yield Segment.line()


def _blocks(attachment: dict[str, Any]) -> Iterator[RenderableType]:
    for block in _list(attachment, "blocks"):
        match block.get("type"):
            case "section":
                yield from _section(block)
            case "context":
                yield Text(" · ").join(_stated(element, "dim") for element in _list(block, "elements"))
            case "divider":
                yield Text("─" * 40, "dim")
            case other:
                yield Text(f"[a block of type {other}, which this demo cannot draw]", "dim")


def _section(block: dict[str, Any]) -> Iterator[RenderableType]:
    if "text" in block:
        yield _stated(block["text"])
    fields = [_stated(field) for field in _list(block, "fields")]
    if fields:
        table = Table.grid(padding=(0, 4, 0, 0))
        for row in range(0, len(fields), 2):
            table.add_row(*fields[row : row + 2])
        yield table


def _stated(element: dict[str, Any], style: str = "") -> Text:
    text = str(element.get("text", ""))
    shown = to_text(text) if element.get("type") == "mrkdwn" else Text(text)
    shown.stylize_before(style)
    return shown


def _list(mapping: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [item for item in mapping.get(key, []) if isinstance(item, dict)]
