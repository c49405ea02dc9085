"""The ways in which a client of NATS goes deaf in silence, each brought about with real servers, and mended."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable

import msgspec

from tests.causes.stage import Stage
from tests.operator_mode import Operator
from tests.source.heard import ACCOUNTS
from tests.source.test_supervisor import publish_poison

Play = Callable[[Stage], AsyncIterator[None]]
"""Breaks something, yields when people should be told, and mends it."""


class Cause(msgspec.Struct, frozen=True):
    """`alert` is what people are told, `sign` what the log says when all is well again."""

    number: int
    name: str
    alert: str
    play: Play
    sign: str = "connected to nats://"
    heals: bool = False
    """Nothing need be mended."""


async def password_changed(stage: Stage) -> AsyncIterator[None]:
    await stage.begin(ACCOUNTS)
    stage.broken()
    stage.server.reload(ACCOUNTS.replace("s3cret-pass", "another"))
    yield
    stage.server.reload(ACCOUNTS)
    stage.mended()


async def jwt_expired(stage: Stage) -> AsyncIterator[None]:
    operator, creds = Operator(), stage.directory / "sys.creds"
    creds.write_text(operator.system.user().creds)
    await stage.begin(operator.memory(), f"credentials: {creds}")
    end = int(time.time()) + 12
    creds.write_text(operator.system.user(expires=end).creds)
    stage.broken()
    stage.server.restart()
    # It is connected with these now.
    await stage.recovered()
    await asyncio.sleep(end - time.time())
    stage.broken()
    yield
    creds.write_text(operator.system.user().creds)
    stage.mended()


async def user_revoked(stage: Stage) -> AsyncIterator[None]:
    operator, creds = Operator(), stage.directory / "sys.creds"
    user = operator.system.user()
    creds.write_text(user.creds)
    await stage.begin(operator.memory(), f"credentials: {creds}")
    operator.system.revoke(user)
    stage.broken()
    stage.server.reload(operator.memory())
    yield
    creds.write_text(operator.system.user().creds)
    stage.mended()


async def other_error(stage: Stage) -> AsyncIterator[None]:
    """`-ERR 'maximum account active connections exceeded'`."""
    operator, creds = Operator(), stage.directory / "sys.creds"
    creds.write_text(operator.system.user().creds)
    await stage.begin(operator.memory(), f"credentials: {creds}")
    operator.system.limits["conn"] = 0
    stage.broken()
    stage.server.reload(operator.memory())
    yield
    operator.system.limits["conn"] = -1
    stage.server.reload(operator.memory())
    stage.mended()


async def subject_no_text(stage: Stage) -> AsyncIterator[None]:
    await stage.begin(ACCOUNTS)
    stage.broken()
    await publish_poison(stage.server.port)
    yield


ERROR_TRAP = """
from bridge.source.connection import Connection

before = Connection._on_error
sprung = []

async def trap(self, error):
    if not self._opening and not sprung:
        sprung.append(True)
        raise ZeroDivisionError
    await before(self, error)

Connection._on_error = trap
"""


async def error_callback_raises(stage: Stage) -> AsyncIterator[None]:
    await stage.begin(ACCOUNTS, trap=ERROR_TRAP)
    stage.broken()
    # An error that a client goes on after: it loses a subscription.
    stage.server.reload(ACCOUNTS.replace('"s3cret-pass"', '"s3cret-pass", permissions: {subscribe: {deny: "ev.>"}}'))
    yield
    stage.server.reload(ACCOUNTS)


DISCONNECT_TRAP = """
from nats.aio.client import Client

connect = Client.connect

async def fail():
    raise ZeroDivisionError

async def trap(self, *given, **named):
    return await connect(self, *given, **{**named, "disconnected_cb": fail})

Client.connect = trap
"""


async def disconnected_callback_raises(stage: Stage) -> AsyncIterator[None]:
    await stage.begin(ACCOUNTS, trap=DISCONNECT_TRAP)
    stage.broken()
    stage.server.kill()
    yield
    stage.server.start()
    stage.mended()


async def _replaced_while_away(stage: Stage, cut: Callable[[str], str]) -> AsyncIterator[None]:
    """The server is away for a moment, and the file is not whole in that moment."""
    operator, creds = Operator(), stage.directory / "sys.creds"
    text = operator.system.user().creds
    creds.write_text(text)
    await stage.begin(operator.memory(), f"credentials: {creds}")
    creds.write_text(cut(text))
    stage.broken()
    stage.server.restart()
    yield
    creds.write_text(text)
    stage.mended()


async def creds_empty(stage: Stage) -> AsyncIterator[None]:
    async for _ in _replaced_while_away(stage, lambda text: ""):
        yield


async def creds_without_jwt(stage: Stage) -> AsyncIterator[None]:
    async for _ in _replaced_while_away(stage, lambda text: text[text.index("-----BEGIN USER") :]):
        yield


async def attempts_used_up(stage: Stage) -> AsyncIterator[None]:
    """Longer than the 60 attempts that nats-py makes."""
    await stage.begin(ACCOUNTS)
    stage.broken()
    stage.server.kill()
    yield
    await asyncio.sleep(2.5 * stage.dwell)
    stage.server.start()
    stage.mended()


async def server_half_open(stage: Stage) -> AsyncIterator[None]:
    await stage.begin(ACCOUNTS)
    stage.broken()
    os.kill(stage.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(stage.server.pid, signal.SIGCONT)
    stage.mended()


async def subscription_refused(stage: Stage) -> AsyncIterator[None]:
    await stage.begin(ACCOUNTS)
    stage.broken()
    stage.server.reload(ACCOUNTS.replace('"s3cret-pass"', '"s3cret-pass", permissions: {subscribe: {deny: "ev.>"}}'))
    yield
    stage.server.reload(ACCOUNTS)
    stage.mended()


async def wrong_account(stage: Stage) -> AsyncIterator[None]:
    await stage.begin(ACCOUNTS)
    sys, app = '{user: sys, password: "s3cret-pass"}', "{user: app, password: p}"
    stage.broken()
    stage.server.reload(ACCOUNTS.replace(sys, "#").replace(app, f"{sys}, {app}").replace("#", ""))
    yield
    stage.server.reload(ACCOUNTS)
    stage.mended()


CAUSES = (
    Cause(1, "password changed, server reloaded", "BridgeLoginFailed", password_changed),
    Cause(2, "user JWT expired", "BridgeLoginFailed", jwt_expired),
    Cause(3, "user revoked", "BridgeLoginFailed", user_revoked),
    Cause(4, "another -ERR (too many connections)", "BridgeLoginFailed", other_error),
    Cause(5, "a subject that is no UTF-8", "BridgeMalformedEvent", subject_no_text, heals=True),
    Cause(6, "the error callback raises", "BridgeMalformedEvent", error_callback_raises, heals=True),
    Cause(7, "the disconnected callback raises", "BridgeNatsDisconnected", disconnected_callback_raises),
    Cause(8, "creds file empty at the reconnect", "BridgeLoginFailed", creds_empty),
    Cause(9, "creds file without a JWT at the reconnect", "BridgeLoginFailed", creds_without_jwt),
    Cause(10, "down for longer than 60 attempts", "BridgeNatsDisconnected", attempts_used_up),
    Cause(11, "server hangs, half-open", "BridgeNatsDisconnected", server_half_open),
    Cause(12, "subscription refused", "BridgePermissionDenied", subscription_refused, "the server allows ev.> now"),
    Cause(13, "user moved out of the system account", "BridgeWrongAccount", wrong_account),
)
