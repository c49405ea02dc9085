"""Host names become addresses in threads of our own, so that a look-up that hangs delays nothing else.

asyncio looks names up in an executor of six threads on two cores, which it shares with all else there: eight
look-ups that hung held an unrelated one up for 5.9 s (measured). These are daemons: none keeps the process from ending.
"""

import asyncio
import ipaddress
import socket
from contextlib import suppress
from threading import Thread

Addresses = list[str]


class Resolver:
    """At most one look-up of a name at a time; all who ask meanwhile get its answer."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], asyncio.Future[Addresses | OSError]] = {}

    async def look_up(self, host: str, port: int) -> Addresses:
        """The host's addresses in the order of preference. Raises OSError."""
        if _is_address(host):
            return [host]
        answer = self._running.get((host, port)) or self._start(host, port)
        # shield: one that waits no longer must not take the answer from the others.
        found = await asyncio.shield(answer)
        if isinstance(found, OSError):
            raise found
        return found

    def _start(self, host: str, port: int) -> asyncio.Future[Addresses | OSError]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Addresses | OSError] = loop.create_future()
        self._running[host, port] = answer

        def tell(found: Addresses | OSError) -> None:
            del self._running[host, port]
            answer.set_result(found)

        def work() -> None:
            found = _addresses(host, port)
            with suppress(RuntimeError):  # The loop is closed, so nobody waits any more.
                loop.call_soon_threadsafe(tell, found)

        Thread(target=work, name="look-up", daemon=True).start()
        return answer


def _addresses(host: str, port: int) -> Addresses | OSError:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except UnicodeError:
        return socket.gaierror(socket.EAI_NONAME, "not a host name")
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
