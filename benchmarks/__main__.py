"""Runs the benchmarks and prints a table."""

import asyncio

from rich.console import Console
from rich.table import Table

from benchmarks import cpu
from bridge.demo.nats_binary import find, version_of


async def main() -> None:
    binary = find()
    result = await cpu.measure(binary)
    table = Table(
        title=f"CPU for each event, nats-server {version_of(binary)}, {result.events} events, best of {cpu.ROUNDS}"
    )
    table.add_column("what")
    table.add_column("µs", justify="right")
    table.add_column("÷ bare callback", justify="right")
    table.add_row("bare nats-py callback that counts", f"{result.bare:.2f}", "1.00")
    name = f"the whole bridge, {cpu.RULES} rules, {cpu.ASKING} of them ask for the event"
    table.add_row(name, f"{result.bridge:.2f}", f"{result.bridge / result.bare:.2f}")
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
