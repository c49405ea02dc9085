"""A Slack that takes what an app may say, answers in its dialect, and keeps channels as people see them."""

import asyncio
import json
from typing import Any, Self

import msgspec

from tests.sink import Received, Sink, answer

TOKEN = "xoxb-a-token"


class Said(msgspec.Struct):
    """A message in a channel, as it stands now."""

    ts: str
    message: dict[str, Any]
    thread: str = ""
    edits: int = 0
    broadcast: bool = False

    @property
    def text(self) -> str:
        return str(self.message["text"])


class FakeSlack(Sink):
    """`errors` are words that the next calls get, one each; None: the call is taken."""

    def __init__(self, *errors: str | None) -> None:
        super().__init__()
        self.then = self._answer
        self.errors = list(errors)
        self.said: list[Said] = []
        self.calls: list[str] = []
        self.gone: set[str] = set()
        """Messages that were deleted."""

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def parents(self) -> list[Said]:
        return [said for said in self.said if not said.thread]

    @property
    def replies(self) -> list[Said]:
        return [said for said in self.said if said.thread]

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        told = self._hear(self.requests[-1])
        await answer(200, json.dumps(told).encode(), Content_Type="application/json")(writer)

    def _hear(self, request: Received) -> dict[str, Any]:
        method = request.path.removeprefix("/api/")
        self.calls.append(method)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if word := (self.errors.pop(0) if self.errors else None):
            return {"ok": False, "error": word}
        given = request.json
        if method == "chat.postMessage":
            if given["channel"] not in ("#nats-ops", "C0OPS"):
                return {"ok": False, "error": "channel_not_found"}
            said = Said(
                f"17.{len(self.said):06}", given, given.get("thread_ts", ""), 0, given.get("reply_broadcast", False)
            )
            self.said.append(said)
            return {"ok": True, "channel": "C0OPS", "ts": said.ts}
        # The name of a channel does not do here.
        found = [said for said in self.said if said.ts == given["ts"] and given["channel"] == "C0OPS"]
        if method != "chat.update" or not found or given["ts"] in self.gone:
            return {"ok": False, "error": "message_not_found"}
        found[0].message, found[0].edits = given, found[0].edits + 1
        return {"ok": True, "channel": "C0OPS", "ts": given["ts"]}
