"""`not_followed_by`: an event was not answered in time."""

from typing import Any

from bridge.inputs import Message
from tests.core.stage import connected, disconnected, goodbye, login_failed, statsz
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight

EVE, BOB = {"client_user": "eve"}, {"client_user": "bob"}
BY_USER = {"by": ["client.user"]}
N1, N2 = {"server_name": "n1"}, {"server_name": "n2"}
BEFORE = {"or_before": "5s"}
STOPS: dict[str, Any] = {"events": "server.shutdown", "then": {"events": "server.statsz"}, "match": "server.name"}
"""Events that belong to no connection."""


def asks(seconds: float, user: str = "eve", server: str = "n1", number: int = 0) -> Message:
    """A login that failed: each server has one such connection."""
    return login_failed(seconds, user=user, server=server, number=number)


def answers(seconds: float, user: str = "eve", same: bool = False, kind: str = "Client") -> Message:
    """A client of that name came; `same`: by the connection whose login failed on n1."""
    return connected(seconds, user, client_id=1 if same else round(seconds * 1_000_000) + ord(user[0]), kind=kind)


TABLE = Table(
    {
        "events": "client.auth_error",
        "type": "not_followed_by",
        "then": {"events": "client.connect"},
        "match": {"client.user": "client.name"},
        "within": "10s",
    },
    case("none", "nothing comes", [], []),
    case("none", "an answer to nothing", [answers(1)], []),
    case("none", "it is not answered", [asks(1)], [firing(11, 10)]),
    case("none", "a later answer ends it", [asks(1), answers(31)], [firing(11, 10), resolved(31, 30)]),
    case(
        "none",
        "and the next begins anew",
        [asks(1), answers(31), asks(32)],
        [firing(11, 10), resolved(31, 30), firing(42, 10)],
    ),
    case("one instant", "answered at once", [asks(1), answers(1)], []),
    case("one instant", "answered before it asked", [answers(1), asks(1)], [firing(11, 10)]),
    case("one instant", "two that are answered by one", [asks(1), asks(1, server="n2"), answers(2)], []),
    case("just before", "in time", [asks(1), answers(10.999999)], []),
    case("exactly", "`within` apart: in time, the event is first", [asks(1), answers(11)], []),
    case("just after", "too late", [asks(1), answers(11.000001)], [firing(11, 10), resolved(11.000001, 10.000001)]),
    case(
        "exactly",
        "another one asks at the very instant: still in time",
        [asks(1), asks(11, server="n2"), answers(11)],
        [],
    ),
    case(
        "exactly",
        "another one is answered at the very instant: still in time",
        [asks(1), asks(1, "bob"), answers(11, "bob"), answers(11)],
        [],
    ),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "any of them counts, from the earliest",
        [asks(1, server="n1"), asks(5, server="n2"), asks(20, server="n3")],
        [firing(11, 10)],
    ),
    case(
        "several servers",
        "each waits for its own sign of life",
        [goodbye(1, "n1", "P1"), goodbye(2, "n2", "P2"), statsz(5, "n1", "P3")],
        [firing(12, 10)],
        **STOPS,
    ),
    case(
        "several servers",
        "with `by` each has its alert",
        [goodbye(1, "n1", "P1"), goodbye(2, "n2", "P2"), statsz(20, "n1", "P3")],
        [firing(11, 10, **N1), firing(12, 10, **N2), resolved(20, 19, **N1)],
        by=["server.name"],
        **STOPS,
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case("blind", "its time stands still", [asks(1), blind(6), sight(100)], [firing(105, 10)]),
    case("blind", "at the very instant: told with sight", [asks(1), blind(11), sight(100)], [firing(100, 10)]),
    case("blind", "just after", [asks(1), blind(11.000001), sight(100)], [firing(11, 10)]),
    case("blind", "an answer is not time alone", [asks(1), blind(6), answers(50), sight(100)], []),
    case(
        "blind", "an answer ends it", [asks(1), blind(20), answers(50), sight(100)], [firing(11, 10), resolved(50, 19)]
    ),
    case("blind", "the answer comes with sight: in time", [asks(1), blind(11), sight(100), answers(100)], []),
    case(
        "blind",
        "another one asks: nothing fires",
        [asks(1), blind(11), asks(50, server="n2"), answers(60), sight(100)],
        [],
    ),
    case("blind", "it asks while blind", [blind(1), asks(50), sight(100)], [firing(110, 10)]),
    case("blind", "without an end: nothing fires", [asks(1), blind(6)], []),
    # -- restart --------------------------------------------------------------------------------------------------
    case("restart", "its time stands still", [asks(1), restart(6, 100)], [firing(105, 10)]),
    case(
        "restart",
        "sight comes later than the process",
        [asks(1), restart(6, 100, sees=False), sight(200)],
        [firing(205, 10)],
    ),
    case("restart", "sight never comes: nothing fires", [asks(1), restart(6, 100, sees=False)], []),
    case("restart", "the answer comes after", [asks(1), restart(6, 100), answers(101)], []),
    case(
        "restart", "what fires goes on", [asks(1), restart(31, 100), answers(105)], [firing(11, 10), resolved(105, 35)]
    ),
    case("restart", "the answer came before", [asks(1), answers(5), restart(6, 100)], []),
    case("restart", "an answer before it is remembered", [answers(1), restart(2, 100), asks(103)], [], **BEFORE),
    case(
        "restart", "no longer than `or_before`", [answers(1), restart(2, 100), asks(104)], [firing(114, 10)], **BEFORE
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [asks(1), reload(6, annotations={"summary": "new"}), reload(30, annotations={})],
        [firing(11, 10)],
    ),
    case("reload", "a shorter `within` has passed", [asks(1), reload(6, within="4s")], [firing(6, 5)]),
    case(
        "reload",
        "a longer `within` has not",
        [asks(1), reload(30, within="1m")],
        [firing(11, 10), resolved(30, 29), firing(61, 60)],
    ),
    case("reload", "a longer `within`, and answered in it", [asks(1), reload(5, within="1m"), answers(60)], []),
    case(
        "reload",
        "a longer `or_before` looks back at what is still remembered",
        [answers(1), reload(5, or_before="20s"), asks(15)],
        [],
        **BEFORE,
    ),
    case(
        "reload", "a shorter `or_before`", [answers(1), reload(3, or_before="2s"), asks(3)], [firing(13, 10)], **BEFORE
    ),
    case(
        "reload",
        "another `then` begins anew",
        [asks(1), reload(20, then={"events": "client.disconnect"}), asks(21, "bob"), disconnected(22, "bob")],
        [firing(11, 10), resolved(20, 19, "rule changed")],
    ),
    case("reload", "another `match` begins anew", [asks(1), reload(5, match=["client.host"])], []),
    # -- who answers ----------------------------------------------------------------------------------------------
    case("match", "another's answer is none", [asks(1), answers(5, "bob")], [firing(11, 10)]),
    case("match", "a list: the fields have the same names", [asks(1), answers(5, "bob")], [], match=["client.host"]),
    case(
        "match",
        "all fields must be equal",
        [asks(1), answers(5)],
        [firing(11, 10)],
        match=["client.host", "client.user"],
    ),
    case("match", "the same connection does not answer", [asks(1), answers(5, same=True)], [firing(11, 10)]),
    case("match", "nor end it", [asks(1), answers(31, same=True), answers(41)], [firing(11, 10), resolved(41, 40)]),
    case(
        "match",
        "it answers the others, and waits itself",
        [asks(1, server="n2"), asks(3, server="n1"), answers(5, same=True)],
        [firing(13, 10)],
    ),
    case(
        "match",
        "what waits on still counts from when it asked",
        [asks(1, server="n2"), asks(2, server="n1"), asks(3, "bob"), answers(7, same=True)],
        [firing(12, 10)],
    ),
    case(
        "match",
        "from then on the next one counts",
        [asks(1, server="n2"), asks(3, "bob"), asks(5, server="n1"), answers(7, same=True)],
        [firing(13, 10)],
    ),
    case(
        "match",
        "what belongs to no connection answers what belongs to none",
        [goodbye(1), statsz(5, process="P2")],
        [],
        **STOPS,
    ),
    case(
        "match",
        "events answer earlier ones of their own type, and not themselves",
        [asks(1), asks(5, server="n2"), asks(9, server="n3"), asks(21, server="n4")],
        [firing(19, 10), resolved(21, 12), firing(31, 10)],
        then={"events": "client.auth_error"},
        match=["client.user"],
    ),
    case(
        "match",
        "of no connection neither",
        [statsz(1), statsz(5), statsz(20)],
        [firing(15, 10), resolved(20, 15), firing(30, 10)],
        events="server.statsz",
        then={"events": "server.statsz"},
        match=["server.name"],
    ),
    case(
        "then",
        "only what its `where` lets through",
        [asks(1), answers(5)],
        [firing(11, 10)],
        then={"events": "client.connect", "where": ["client.name = bob"]},
    ),
    case(
        "then",
        "one of several",
        [asks(1), answers(5, kind="Leafnode")],
        [],
        then={"events": ["client.connect", "leafnode.connect"]},
    ),
    # -- or_before ------------------------------------------------------------------------------------------------
    case("or_before", "just before: it was answered", [answers(1), asks(5.999999)], [], **BEFORE),
    case("or_before", "exactly: it was not", [answers(1), asks(6)], [firing(16, 10)], **BEFORE),
    case("or_before", "just after: it was not", [answers(1), asks(6.000001)], [firing(16.000001, 10)], **BEFORE),
    case("or_before", "at one instant", [answers(1), asks(1)], [], **BEFORE),
    case("or_before", "the latest answer counts", [answers(1), answers(4), asks(8)], [], **BEFORE),
    case("or_before", "another's answer is none", [answers(1, "bob"), asks(2)], [firing(12, 10)], **BEFORE),
    case(
        "or_before", "the same connection does not answer", [answers(1, same=True), asks(2)], [firing(12, 10)], **BEFORE
    ),
    case("or_before", "but one before it does", [answers(1), answers(2, same=True), asks(3)], [], **BEFORE),
    case(
        "or_before", "and is as old as it is", [answers(1), answers(5, same=True), asks(6)], [firing(16, 10)], **BEFORE
    ),
    case("or_before", "stands still while blind", [answers(1), blind(2), sight(100), asks(103)], [], **BEFORE),
    case(
        "or_before",
        "answers no question that is asked already",
        [asks(1), answers(31), asks(32)],
        [firing(11, 10), resolved(31, 30)],
        **BEFORE,
    ),
    case(
        "or_before",
        "an event does not answer itself",
        [statsz(1), statsz(4), statsz(9), statsz(20)],
        [firing(19, 10), resolved(20, 11), firing(30, 10)],
        events="server.statsz",
        then={"events": "server.statsz"},
        match=["server.name"],
        **BEFORE,
    ),
    # -- several unanswered ---------------------------------------------------------------------------------------
    case(
        "by",
        "coarser than `match`: all must be answered",
        [asks(1), asks(5, "bob"), answers(31)],
        [
            firing(11, 10),
        ],
    ),
    case(
        "by",
        "the last answer ends it",
        [asks(1), asks(5, "bob"), answers(31), answers(41, "bob")],
        [firing(11, 10), resolved(41, 36)],
    ),
    case(
        "by",
        "what is left is not late yet: it ends, and begins again",
        [asks(1), asks(25, "bob"), answers(31)],
        [firing(11, 10), resolved(31, 30), firing(35, 10)],
    ),
    case(
        "by",
        "with it each has its alert",
        [asks(1), asks(5, "bob"), answers(12)],
        [firing(11, 10, **EVE), resolved(12, 11, **EVE), firing(15, 10, **BOB)],
        **BY_USER,
    ),
    case(
        "by",
        "finer than `match`: one answer for all",
        [asks(1), asks(2, "bob"), answers(5, "carl")],
        [],
        match=["client.host"],
        **BY_USER,
    ),
    case(
        "limit",
        "a combination too many is not watched",
        [asks(1), asks(2, "bob")],
        [firing(11, 10, **EVE)],
        limit=1,
        **BY_USER,
    ),
    case(
        "limit",
        "until there is room",
        [asks(1), answers(2), asks(3, "bob")],
        [firing(13, 10, **BOB)],
        limit=1,
        **BY_USER,
    ),
    case("for", "it must be unanswered for longer", [asks(1)], [firing(16, 15)], for_="5s"),
    case("for", "answered exactly then", [asks(1), answers(16)], [], for_="5s"),
    case(
        "keep_firing_for",
        "from the answer on",
        [asks(1), answers(31)],
        [firing(11, 10), resolved(36, 30)],
        keep_firing_for="5s",
    ),
    case(
        "keep_firing_for",
        "unanswered again in the meantime: it goes on",
        [asks(1), answers(31), asks(32)],
        [firing(11, 10)],
        keep_firing_for="11s",
    ),
    case(
        "resolve_on",
        "another event ends it, and it waits no longer",
        [asks(1), disconnected(20, "z"), answers(30)],
        [firing(11, 10), resolved(20, 19)],
        resolve_on={"events": "client.disconnect"},
    ),
)
