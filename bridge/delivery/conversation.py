"""Holds a receiver's conversation: what it asks for is sent, what it wants remembered is written down."""

from collections.abc import Awaitable, Callable
from typing import Any

from bridge.receiver import Conversation, Remember, Reply, Request

Send = Callable[[Request], Awaitable[Reply]]
Write = Callable[[dict[str, Any]], Awaitable[None]]


async def forget(memory: dict[str, Any]) -> None:
    """For conversations that no other follows."""


async def hold(talk: Conversation, send: Send, remember: Write = forget) -> Reply | None:
    """To its end, which means: told. Returns the last reply, if there was any. Raises Trouble."""
    reply: Reply | None = None
    try:
        while True:
            match next(talk) if reply is None else talk.send(reply):
                case Request() as request:
                    reply = await send(request)
                case Remember(memory=memory):
                    await remember(memory)
    except StopIteration:
        return reply
    finally:
        talk.close()
