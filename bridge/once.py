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

    __slots__ = ("_connections", "_first", "_happenings", "_own")

    def __init__(self) -> None:
        self._happenings = Recent(32_768)
        self._first = self._happenings.first
        self._connections = Recent(100_000)
        self._own: dict[tuple[str, int], None] = {}

    def first(self, id: object, server_id: str, seq: int) -> bool:
        """Whether an event is news. One that carries neither an id nor a number is."""
        if type(id) is str and id:
            return self._first(id)
        return not (server_id and seq) or self._first((server_id, seq))

    def connected(self, connection: Connection) -> bool:
        """Whether a CONNECT is news: a reload of a server's configuration repeats those of all living connections."""
        return self._connections.first(connection)

    def disconnected(self, connection: Connection) -> None:
        self._connections.forget(connection)

    def claim(self, server_id: str, client_id: int) -> None:
        """This connection is the bridge's own; its events are none. The last 16 are remembered."""
        self._own[server_id, client_id] = None
        while len(self._own) > 16:
            del self._own[next(iter(self._own))]

    def owns(self, connection: Connection) -> bool:
        return connection in self._own

    @property
    def own(self) -> list[tuple[str, int]]:
        """The bridge's latest connections, to be kept over a restart."""
        return list(self._own)
