"""The reference for deliveries: a loop of httpx over four connections, which keeps nothing and decides nothing."""

import asyncio
import sys
import time
from pathlib import Path

import httpx

CONNECTIONS = 4
"""As many as a destination has rows under way."""


async def main(url: str, count: int, body: bytes) -> None:
    waiting = iter(range(count))

    async def post(client: httpx.AsyncClient) -> None:
        for number in waiting:  # all take from one iterator
            await client.post(url, content=body.replace(b"@name", b"bare-%d." % number))

    async with httpx.AsyncClient(headers={"content-type": "application/json"}) as client:
        await client.post(url, content=body)
        began = time.monotonic()
        await asyncio.gather(*(post(client) for _ in range(CONNECTIONS)))
        print(f"all posted in {time.monotonic() - began:.6f}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).read_bytes()))
