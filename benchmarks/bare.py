"""The reference: a nats-py client whose callback does nothing but count. Says when each round of messages is over."""

import asyncio
import sys

import nats
from nats.aio.msg import Msg


async def main(url: str, subject: str, events: int) -> None:
    heard = 0

    async def count(message: Msg) -> None:
        nonlocal heard
        heard += 1
        if heard % events == 0:
            print(f"round-{heard // events - 1}.", flush=True)

    client = await nats.connect(url, user="bridge", password="bench", name="bare")
    await client.subscribe(subject, cb=count)
    await client.flush()
    print("connected to nats", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
