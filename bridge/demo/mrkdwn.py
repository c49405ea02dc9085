"""Slack's markup as a terminal shows it: entities, bold, links, and dates in the reader's own time zone."""

import re
from datetime import UTC, date, datetime, timedelta

from rich.text import Text

_TOKEN = re.compile(
    r"<!date\^(?P<at>\d+)\^(?P<form>[^|>]*)\|(?P<other>[^>]*)>|<(?P<url>https?://[^|>]+)(?:\|(?P<name>[^>]*))?>|(?<![^\s])\*(?P<bold>[^*\n]+)\*(?!\S)"
)
_FORMS = {
    "{date_num}": "%Y-%m-%d",
    "{time}": "%H:%M",
    "{time_secs}": "%H:%M:%S",
}
_DAYS = {0: "today", -1: "yesterday", 1: "tomorrow"}


def unescape(text: str) -> str:
    """The three characters that Slack wants as entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def to_text(markup: str) -> Text:
    """What a reader of the channel sees."""
    text, end = Text(), 0
    for match in _TOKEN.finditer(markup):
        text.append(unescape(markup[end : match.start()]))
        end = match.end()
        if match["at"]:
            text.append(_date(int(match["at"]), match["form"]))
        elif match["url"]:
            url = unescape(match["url"])
            text.append(unescape(match["name"] or url), f"underline link {url}")
            text.append(f" ({url})" if match["name"] else "", "dim")
        else:
            text.append(unescape(match["bold"]), "bold")
    return text.append(unescape(markup[end:]))


def _date(at: int, form: str) -> str:
    moment = datetime.fromtimestamp(at, UTC).astimezone()
    for token, directive in _FORMS.items():
        form = form.replace(token, moment.strftime(directive))
    return form.replace("{date_short_pretty}", _day(moment.date(), datetime.now(UTC).astimezone().date()))


def _day(day: date, today: date) -> str:
    return _DAYS.get((day - today) // timedelta(days=1), f"{day:%b} {day.day}, {day.year}")
