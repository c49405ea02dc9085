"""What systemd is told of this process (sd_notify), and what it wants of it (the watchdog).

Without systemd around, as in a terminal, nothing here does anything.
"""

import logging
import os
import socket
import time

log = logging.getLogger(__name__)


def ready(status: str) -> None:
    """The start is over, or a reload is. `status` is the line that `systemctl status` shows."""
    notify("READY=1", f"STATUS={_one_line(status)}")


def reloading() -> None:
    """A reload begins; `ready` ends it. systemd 253 and later want to know when, by the clock that counts from boot."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def stopping(status: str) -> None:
    """The end begins."""
    notify("STOPPING=1", f"STATUS={_one_line(status)}")


def status(text: str) -> None:
    """The line that `systemctl status` shows from now on."""
    notify(f"STATUS={_one_line(text)}")


def watchdog() -> None:
    """The process is alive and does its work: systemd's watchdog starts counting anew."""
    notify("WATCHDOG=1")


def watchdog_interval() -> float | None:
    """Seconds from one `watchdog()` to the next: half of what systemd tolerates. None if it does not watch us."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = os.environ.get("WATCHDOG_USEC", "")
    return int(text) / 2_000_000 if text.isascii() and text.isdigit() and int(text) else None


def notify(*assignments: str) -> None:
    """Send `NAME=value` lines to $NOTIFY_SOCKET, a path or, with @ in front, a name without a file.

    What cannot be sent is logged: systemd being out of reach is no reason to stop watching NATS.
    """
    if not (address := os.environ.get("NOTIFY_SOCKET")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as channel:
            channel.sendto("\n".join(assignments).encode(), address)
    except OSError as error:
        log.warning("systemd was not told %s: %s", assignments[0], error)


def _one_line(text: str) -> str:
    return " ".join(text.split())
