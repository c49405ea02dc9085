"""`make causes`: all causes on both versions, with the bounds of the service, as a table."""

import asyncio
import sys

from bridge.demo.nats_binary import find, version_of
from bridge.source.settings import Limits
from tests.causes.trial import ALLOWED, Times, try_causes

DWELL = 50.0
"""Seconds; pauses between tries have grown to their longest by then."""


def main() -> int:
    fine = True
    for name in ("distribution", "newest"):
        binary = find(name)
        print(f"nats-server {version_of(binary)}\n")  # noqa: T201
        times = asyncio.run(try_causes(binary, Limits(), DWELL, apart=3))
        print(table(times))  # noqa: T201
        fine = fine and all(each.good for each in times)
    return 0 if fine else 1


def table(times: list[Times]) -> str:
    lines = [
        f"| # | cause | told by | told after | works again after | at most {ALLOWED:g} s |",
        "|---|---|---|---|---|---|",
    ]
    for each in times:
        cause, verdict = each.cause, "yes" if each.good else "NO"
        lines.append(
            f"| {cause.number} | {cause.name} | {cause.alert} | {_s(each.told)} | {_s(each.recovered)} | {verdict} |"
        )
    return "\n".join([*lines, "", *(f"{each.cause.number}: {each.trouble}\n" for each in times if each.trouble)])


def _s(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
