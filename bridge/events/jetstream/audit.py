"""What a request to JetStream's API was answered: the servers' JSON in a text."""

from typing import Any

import msgspec

from bridge.event import Field
from bridge.events.jetstream.advisory import CLIENT, SERVER


class _Fault(msgspec.Struct):
    code: Any = None
    err_code: Any = None
    description: Any = None


class _Response(msgspec.Struct):
    error: _Fault = msgspec.field(default_factory=_Fault)


_decode_response = msgspec.json.Decoder(_Response).decode


def _fault(response: Any) -> _Fault:
    try:
        return _decode_response(response).error if isinstance(response, str) else _Fault()
    except (ValueError, RecursionError):
        return _Fault()


def _fault_number(name: str) -> Any:
    def read(response: Any) -> float:
        value = getattr(_fault(response), name)
        return float(value) if isinstance(value, int) and abs(value) < 2**53 else 0.0

    return read


AUDIT = (
    SERVER,
    *CLIENT,
    Field("request", "text", "the request"),
    Field("response", "text", "the server's answer, JSON"),
    Field(
        "error.code",
        "number",
        "why it failed: 400, 404, 500 …",
        zero=True,
        derive=_fault_number("code"),
        sources=("response",),
    ),
    Field(
        "error.err_code",
        "number",
        "the same, more exactly",
        zero=True,
        derive=_fault_number("err_code"),
        sources=("response",),
    ),
    Field(
        "error.description",
        "text",
        "the same in words",
        derive=lambda response: _fault(response).description,
        sources=("response",),
    ),
)
