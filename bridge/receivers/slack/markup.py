"""Slack's markup: what is escaped, and the few things that are live in our messages."""

from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from bridge.values import SECOND

URL_MAX = 1000

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str, limit: int) -> str:
    """Slack's three markup characters as entities; cut to `limit` UTF-16 units, never inside an entity."""
    kept: list[str] = []
    size = 0
    for char in text:
        shown = _ENTITIES.get(char, char)
        size += len(shown) if char < "\U00010000" else 2
        if size > limit:
            return _shorten(kept, limit)
        kept.append(shown)
    return "".join(kept)


def cut_units(text: str, limit: int) -> str:
    """Plain text, cut to `limit` UTF-16 units."""
    kept = list(text[:limit])
    if len(text) <= limit and len(text.encode("utf-16-le")) // 2 <= limit:
        return text
    return _shorten(kept, limit)


def _shorten(kept: list[str], limit: int) -> str:
    while kept and sum(len(part) if part < "\U00010000" else 2 for part in kept) > limit - 1:
        kept.pop()
    return "".join(kept).rstrip() + "…"


def date(micros: int) -> str:
    """A moment in the reader's own time zone; those who cannot show that see UTC."""
    moment = datetime.fromtimestamp(micros // SECOND, UTC)
    return f"<!date^{micros // SECOND}^{{date_short_pretty}} {{time_secs}}|{moment:%Y-%m-%d %H:%M:%S} UTC>"


def link(url: str, text: str) -> str:
    """A link of an operator's, or nothing if the text is none: annotations may hold what strangers wrote."""
    url = url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and parts.netloc and url.isprintable()
    if not usable or any(char in url for char in '<>|" ') or len(shown := url.replace("&", "&amp;")) > URL_MAX:
        return ""
    return f"<{shown}|{text}>"


def silence_url(external_url: str, labels: dict[str, str]) -> str:
    """The form for a silence of exactly these labels, at the address that Alertmanager's page has it."""
    if not external_url:
        return ""
    texts = {name: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, text in labels.items()}
    matchers = ", ".join(f'{name}="{text}"' for name, text in texts.items())
    return f"{external_url}/#/silences/new?filter={quote('{' + matchers + '}', safe='', errors='replace')}"
