"""Takes every POST, as a process of its own, and writes down when it came and which alerts it tells."""

import asyncio
import json
import time


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
            body = await reader.readexactly(int(fields["content-length"]))
            at = time.monotonic_ns()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            print(json.dumps({"at": at, "alerts": [_short(alert) for alert in json.loads(body)["alerts"]]}), flush=True)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()  # The bridge has ended.


def _short(alert: dict[str, object]) -> dict[str, object]:
    return {name: alert[name] for name in ("id", "labels", "state", "value", "count") if name in alert}


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
