"""Messages as Slack's window shows them: a page drawn from the JSON that is posted and from nothing else."""

import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

STYLE = """
* { box-sizing: border-box; margin: 0 }
body { width: 720px; padding: 14px 20px 16px; background: #fff; color: #1d1c1d; font: 15px/22px Lato, sans-serif }
.message { display: grid; grid-template-columns: 44px 1fr; padding-bottom: 4px }
.message .message { margin-top: 10px }
.face { width: 36px; height: 36px; border-radius: 6px; background: #27aae1; color: #fff; font: 900 18px/36px Lato;
  text-align: center }
.who b { font-weight: 900 } .who .app { margin: 0 6px; padding: 1px 3px; border-radius: 2px; background: #e8e8e8;
  color: #616061; font: 700 10px/12px Lato } .who .time { color: #616061; font-size: 12px }
h3 { margin: 2px 0 6px; font: 900 18px/24px Lato, 'Noto Color Emoji', sans-serif }
.bar { display: flex; margin-top: 4px } .bar > i { flex: none; width: 4px; margin-right: 12px; border-radius: 8px }
.blocks > * + * { margin-top: 8px } .pre { white-space: pre-wrap; overflow-wrap: anywhere }
.fields { display: grid; grid-template-columns: 260px 260px; gap: 8px 16px }
.context { color: #616061; font-size: 13px }
a { color: #1264a3; text-decoration: none }
.at { background: #fdf2d0; color: #1264a3; padding: 0 2px; border-radius: 3px }
b { font-weight: 700 } .replies { margin: 10px 0 2px 44px; border-top: 1px solid #ddd; padding-top: 4px; color: #616061;
  font-size: 13px }
"""

_LIVE = re.compile(
    r"<!date\^(?P<at>\d+)\^[^|]*\|.*?>|<!(?P<all>here|channel|everyone)>|<!subteam\^(?P<group>\w+)>"
    r"|<(?P<url>https?://[^|]*?)\|(?P<name>.*?)>|(?<!\w)\*(?P<bold>[^*\n]+)\*"
)


def page(body: str) -> str:
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{body}"


def message(told: dict[str, Any], at: str, replies: str = "", groups: dict[str, str] | None = None) -> str:
    """One message; `at` is the time of day that stands beside its sender."""
    names = groups or {}
    who = f"<div class=who><b>nats-alert-bridge</b><span class=app>APP</span><span class=time>{at}</span></div>"
    top = "".join(_blocks(told["blocks"], names))
    bars = "".join(
        f'<div class=bar><i style="background:{each["color"]}"></i>'
        f"<div class=blocks>{''.join(_blocks(each['blocks'], names))}</div></div>"
        for each in told["attachments"]
    )
    return f"<div class=message><div class=face>N</div><div>{who}{top}{bars}</div></div>{replies}"


def _blocks(blocks: Iterable[dict[str, Any]], names: dict[str, str]) -> Iterable[str]:
    for block in blocks:
        match block:
            case {"type": "header", "text": {"text": text}}:
                yield f"<h3>{html.escape(text)}</h3>"
            case {"type": "section", "text": text}:
                yield f"<div class=pre>{_markup(text, names)}</div>"
            case {"type": "section", "fields": fields}:
                cells = "".join(f"<div class=pre>{_markup(field, names)}</div>" for field in fields)
                yield f"<div class=fields>{cells}</div>"
            case {"type": "context", "elements": elements}:
                yield f"<div class=context>{' &nbsp; '.join(_markup(each, names) for each in elements)}</div>"
            case other:
                raise AssertionError(f"no block of ours: {other}")


def _markup(element: dict[str, Any], names: dict[str, str]) -> str:
    def live(match: re.Match[str]) -> str:
        if match["at"]:
            return f"Today at {datetime.fromtimestamp(int(match['at']), UTC):%H:%M:%S}"
        if match["url"]:
            return f"<a>{match['name']}</a>"
        if match["bold"]:
            return f"<b>{match['bold']}</b>"
        name = match["all"] or names.get(match["group"], match["group"])
        return f"<span class=at>@{name}</span>"

    # What Slack wants as entities is so in HTML too; brackets are in nothing but what is live.
    return _LIVE.sub(live, element["text"])
