"""All examinations, in the order in which one depends on the other."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from bridge import config
from bridge.clock import SystemClock
from bridge.configuration import destinations, settings
from bridge.doctor.finding import Finding, count, failed, ok, warning
from bridge.doctor.needs import Needs
from bridge.doctor.receivers import examine_receivers
from bridge.doctor.servers import examine_servers
from bridge.doctor.storage import examine_storage
from bridge.errors import ConfigError


async def examine(path: Path, environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    """Findings as they are made. A main file that cannot be used ends it: it says where all the rest is."""
    problems = config.check([path], environ)
    for problem in problems:
        yield (failed if problem.severity == "error" else warning)(f"configuration: {problem.place}: {problem.what}")
    try:
        loaded = config.load(path, environ)
    except ConfigError:
        return
    if not problems:
        yield ok(f"configuration: {path}, {count(len(loaded.rules), 'rule')}")
    async for finding in examine_servers(settings(loaded, path, environ), Needs(loaded), SystemClock()):
        yield finding
    for finding in examine_storage(loaded.config.storage.path):
        yield finding
    async for finding in examine_receivers(destinations(loaded)):
        yield finding
