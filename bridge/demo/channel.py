"""An HTTP server that stands in for Slack: takes what an incoming webhook takes, and keeps the messages."""

import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

_PATH = "/services/T0DEMO/B0DEMO/nobody-else-knows-this"
_BODY_MAX = 1024 * 1024


class Post(NamedTuple):
    """A message as it arrived; `at` is in unix seconds."""

    at: float
    message: dict[str, Any]


class Channel:
    """Listens on a free port of the loopback while it is entered."""

    def __init__(self) -> None:
        self._posts: queue.SimpleQueue[Post] = queue.SimpleQueue()
        posts = self._posts

        class Webhook(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), _BODY_MAX))
                status, word = _take(self.path, body, posts)
                self.send_response(status)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(word)))
                self.end_headers()
                self.wfile.write(word)

            def log_message(self, form: str, *args: object) -> None:
                """Nothing: the messages themselves are shown."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        self._server.daemon_threads = True
        # asked often, so that the end does not wait for it
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="channel", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The webhook's."""
        return f"http://127.0.0.1:{self._server.server_port}{_PATH}"

    def wait(self, seconds: float) -> Post | None:
        """The oldest message that was not given yet; None if none came in time."""
        try:
            return self._posts.get(timeout=seconds)
        except queue.Empty:
            return None


def _take(path: str, body: bytes, posts: "queue.SimpleQueue[Post]") -> tuple[int, bytes]:
    """Answers as Slack does."""
    if path != _PATH:
        return 404, b"no_service"
    try:
        message = json.loads(body)
    except ValueError:
        return 400, b"invalid_payload"
    if not isinstance(message, dict):
        return 400, b"invalid_payload"
    posts.put(Post(time.time(), message))
    return 200, b"ok"
