"""A server's own numbering of its messages."""

from typing import Any

SEQ_END = 1 << 63
"""No server has sent so many messages, and no store takes a larger number."""


def seq_of(value: object) -> int:
    """A server's number of an event; 0 for what is none, or what no server could have reached and no store takes."""
    return value if type(value) is int and 0 <= value < SEQ_END else 0


def numbered(body: Any) -> tuple[str, int]:
    """Which process of a server sent it, and its number there; "" and 0 where the body does not say."""
    server = body.server
    server_id, seq = server.id, server.seq
    if type(server_id) is str and type(seq) is int and 0 <= seq < SEQ_END:
        return server_id, seq
    return server_id if isinstance(server_id, str) else "", seq_of(seq)
