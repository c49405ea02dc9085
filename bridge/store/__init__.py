"""The SQLite file that outlives the process: what was decided is a row in it before anyone is told."""

from bridge.store.store import Store

__all__ = ["Store"]
