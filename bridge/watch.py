"""The engine's two clocks: t, when things are received, and w, watched time: t minus all blind time."""

import msgspec


class Watch(msgspec.Struct):
    """Time never goes back. Microseconds."""

    t: int = 0
    blind_since: int | None = None
    lost: int = 0
    """Length of all earlier blind spans."""

    @property
    def w(self) -> int:
        """Watched time: it stands still while the bridge is blind."""
        return (self.t if self.blind_since is None else self.blind_since) - self.lost

    @property
    def blind(self) -> bool:
        return self.blind_since is not None

    def close_eyes(self) -> None:
        if self.blind_since is None:
            self.blind_since = self.t

    def open_eyes(self) -> None:
        if self.blind_since is not None:
            self.lost += self.t - self.blind_since
            self.blind_since = None

    def instant(self, w: int) -> int:
        """When, in t, watched time will be `w`; only while not blind."""
        return w + self.lost

    def set_back(self, by: int) -> None:
        """The wall clock was set back by so much: t moves, watched time goes on."""
        self.t -= by
        self.lost -= by
        if self.blind_since is not None:
            self.blind_since -= by
