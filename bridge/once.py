"""Which happenings were seen before. Memory is bounded: the oldest are forgotten first."""

Connection = tuple[str, int]
"""The id of a server's process, and the number of a connection there."""


class Recent:
    """A set of the latest members: always the last `limit`, at most twice as many."""

    __slots__ = ("_limit", "_new", "_old")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._new: set[object] = set()
        self._old: set[object] = set()

    def first(self, member: object) -> bool:
        """Remember it; False if it was known."""
        if member in self._new or member in self._old:
            return False
        self._new.add(member)
        if len(self._new) >= self._limit:
            self._old, self._new = self._new, set()
        return True

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def forget(self, member: object) -> None:
        self._new.discard(member)
        if self._old:
            self._old.discard(member)


class Once:
    """Tells doubles from news: by `id`, else by the server's own numbering, and for connections by who they are."""

    __slots__ = ("connections", "happenings", "leafnodes", "mine")

    def __init__(self) -> None:
        self.happenings = Recent(32_768)
        """By id, or by server and number."""
        self.connections = Recent(100_000)
        """Those that are known to live: a reload of a server's configuration repeats their CONNECTs."""
        self.leafnodes = Recent(10_000)
        """Accounts of servers that are known to have leafnodes."""
        self.mine: dict[Connection, None] = {}
        """The bridge's own; their events are none."""

    def first(self, id: object, server_id: str, seq: int) -> bool:
        """Whether an event is news. One that carries neither an id nor a number is."""
        if type(id) is str and id:
            return self.happenings.first(id)
        return not (server_id and seq) or self.happenings.first((server_id, seq))

    def claim(self, connection: Connection) -> None:
        """This connection is the bridge's own. The last 16 are remembered."""
        self.mine[connection] = None
        while len(self.mine) > 16:
            del self.mine[next(iter(self.mine))]
