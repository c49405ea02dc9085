"""`new_value`: the combination of `fields` was never seen. Its edges are those of `learn_for` and of `forget_after`."""

from bridge.inputs import Message
from tests.core.stage import connected, disconnected
from tests.core.table import Table, blind, case, event, firing, reload, resolved, restart, sight

ONE_OFF = {"keep_firing_for": None}
AT_ONCE = {"learn_for": "0"}


def gone(*seconds: float, name: str = "x", reason: str = "Client Closed", server: str = "n1") -> list[Message]:
    """A client that went, at each of these seconds; several at one instant are several."""
    return [disconnected(each, name, reason, place, server=server) for place, each in enumerate(seconds)]


TABLE = Table(
    {
        "events": "client.disconnect",
        "type": "new_value",
        "fields": ["client.name"],
        "learn_for": "20s",
        "keep_firing_for": "10s",
    },
    case("none", "nothing comes", [], []),
    case("none", "what was learned is not new", gone(5, 30, 31), []),
    case("one instant", "two values", [*gone(30), *gone(30, name="y")], [firing(30, 1), resolved(40, 2)]),
    case("one instant", "the same value twice is new once", gone(30, 30), [firing(30, 1), resolved(40, 1)]),
    case("just before", "it has learned enough: known from then on", gone(19.999999, 30), []),
    case("exactly", "then: it is new", gone(20, 25), [firing(20, 1), resolved(30, 1)]),
    case("just after", "it is new", gone(20.000001), [firing(20.000001, 1), resolved(30.000001, 1)]),
    case(
        "exactly",
        "the second is new before the alert ends",
        [*gone(30), *gone(40, name="y")],
        [firing(30, 1), resolved(50, 2)],
    ),
    case(
        "just after",
        "the second is new after the alert's end",
        [*gone(30), *gone(40.000001, name="y")],
        [firing(30, 1), resolved(40, 1), firing(40.000001, 2), resolved(50.000001, 2)],
    ),
    # -- several servers ------------------------------------------------------------------------------------------
    case("several servers", "a value of one is known of all", [*gone(5, server="n1"), *gone(30, server="n2")], []),
    case(
        "several servers",
        "with `by` each knows its own",
        [*gone(5, server="n1"), *gone(30, server="n2"), *gone(31, server="n1")],
        [firing(30, 2, server_name="n2"), resolved(40, 2, server_name="n2")],
        by=["server.name"],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case("blind", "learning stands still: just before", [blind(5), sight(105), *gone(119.999999, 200)], []),
    case(
        "blind",
        "learning stands still: exactly",
        [blind(5), sight(105), *gone(120)],
        [firing(120, 1), resolved(130, 1)],
    ),
    case("blind", "what comes while blind is learned", [blind(5), *gone(50), sight(105), *gone(130)], []),
    case(
        "blind", "what comes while blind is new", [blind(21), *gone(50), sight(105)], [firing(50, 1), resolved(115, 1)]
    ),
    case("blind", "its time stands still", [*gone(30), blind(31), sight(100)], [firing(30, 1), resolved(109, 1)]),
    # -- restart --------------------------------------------------------------------------------------------------
    case("restart", "learning stands still: just before", [restart(5, 105), *gone(119.999999, 200)], []),
    case(
        "restart", "learning stands still: exactly", [restart(5, 105), *gone(120)], [firing(120, 1), resolved(130, 1)]
    ),
    case("restart", "what was learned is known", [*gone(5), restart(6, 100), *gone(200)], []),
    case(
        "restart", "what was new is known", [*gone(30), restart(50, 100), *gone(200)], [firing(30, 1), resolved(40, 1)]
    ),
    case("restart", "its time stands still", [*gone(30), restart(31, 100)], [firing(30, 1), resolved(109, 1)]),
    case(
        "restart",
        "how many are known is known",
        [*gone(5), restart(6, 100), *gone(200, name="y"), restart(201, 300)],
        [firing(200, 2), resolved(309, 2)],
    ),
    case(
        "restart", "a one-off is not told again", [*gone(30), restart(31, 100), *gone(101)], [event(30, 1)], **ONE_OFF
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [*gone(5), reload(6, annotations={"summary": "new"}), *gone(30)],
        [],
    ),
    case(
        "reload",
        "other annotations: it has learned",
        [reload(19, annotations={"summary": "new"}), *gone(20)],
        [firing(20, 1), resolved(30, 1)],
    ),
    case(
        "reload",
        "a longer `learn_for` counts from the same beginning",
        [reload(30, learn_for="40s"), *gone(39, 50)],
        [],
    ),
    case("reload", "a shorter one too", [reload(10, learn_for="5s"), *gone(11)], [firing(11, 1), resolved(21, 1)]),
    case(
        "reload",
        "other `fields` begin anew, and learn",
        [*gone(30), reload(35, fields=["client.name", "reason"]), *gone(54), *gone(55, reason="Slow")],
        [firing(30, 1), resolved(35, 1, "rule changed"), firing(55, 2), resolved(65, 2)],
    ),
    case(
        "reload",
        "a shorter `forget_after` forgets at once",
        [*gone(30), reload(80, forget_after="50s"), *gone(80.000001)],
        [firing(30, 1), resolved(40, 1), firing(80.000001, 1), resolved(90.000001, 1)],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case(
        "fields",
        "their combination counts",
        [*gone(1, reason="a"), *gone(2, name="y", reason="b"), *gone(30, reason="b")],
        [firing(30, 3), resolved(40, 3)],
        fields=["client.name", "reason"],
    ),
    case(
        "fields", "none is a value as well", [*gone(30, name=""), *gone(31, name="")], [firing(30, 1), resolved(40, 1)]
    ),
    case("learn_for", "0: the first is new", gone(0, 1), [firing(0, 1), resolved(10, 1)], **AT_ONCE),
    case(
        "forget_after",
        "just before: known",
        gone(30, 129.999999),
        [firing(30, 1), resolved(40, 1)],
        forget_after="100s",
    ),
    case("forget_after", "exactly: known", gone(30, 130), [firing(30, 1), resolved(40, 1)], forget_after="100s"),
    case(
        "forget_after",
        "just after: new again",
        gone(30, 130.000001),
        [firing(30, 1), resolved(40, 1), firing(130.000001, 1), resolved(140.000001, 1)],
        forget_after="100s",
    ),
    case(
        "forget_after",
        "counts from when it was seen last",
        gone(30, 100, 190),
        [firing(30, 1), resolved(40, 1)],
        forget_after="100s",
    ),
    case(
        "forget_after",
        "stands still while blind",
        [*gone(30), blind(50), sight(500), *gone(579)],
        [firing(30, 1), resolved(40, 1)],
        forget_after="100s",
    ),
    case(
        "forget_after",
        "stands still while not running",
        [*gone(30), restart(50, 500), *gone(579)],
        [firing(30, 1), resolved(40, 1)],
        forget_after="100s",
    ),
    case(
        "forget_after",
        "is over with sight",
        [*gone(30), blind(130), sight(500), *gone(500.000001)],
        [firing(30, 1), resolved(40, 1), firing(500.000001, 1), resolved(510.000001, 1)],
        forget_after="100s",
    ),
    case(
        "forget_after",
        "what is forgotten is not counted",
        [*gone(30), *gone(120, name="y"), *gone(140, name="z")],
        [firing(30, 1), resolved(40, 1), firing(120, 2), resolved(130, 2), firing(140, 2), resolved(150, 2)],
        forget_after="100s",
    ),
    case(
        "forget_after",
        "what it learned is forgotten too",
        gone(5, 105.000001),
        [firing(105.000001, 1), resolved(115.000001, 1)],
        forget_after="100s",
    ),
    case(
        "limit",
        "a value too many is not watched",
        [*gone(30), *gone(31, name="y"), *gone(32, name="z"), *gone(33)],
        [firing(30, 1), resolved(41, 2)],
        limit=2,
    ),
    case(
        "limit",
        "until others are forgotten",
        [*gone(30), *gone(31, name="y"), *gone(131, name="y")],
        [firing(30, 1), resolved(40, 1), firing(131, 1), resolved(141, 1)],
        limit=1,
        forget_after="100s",
    ),
    case("one-off", "told once, and without an end", gone(30, 31), [event(30, 1)], **ONE_OFF),
    case(
        "one-off",
        "equal ones before the message are one line",
        [*gone(30), *gone(30, name="y")],
        [event(30, 2)],
        **ONE_OFF,
    ),
    case(
        "one-off",
        "with `by` each has its line",
        [*gone(30), *gone(30, name="y")],
        [event(30, 1, client_name="x"), event(30, 2, client_name="y")],
        by=["client.name"],
        **ONE_OFF,
    ),
    case(
        "resolve_on",
        "until that event; the value stays known",
        [*gone(30), connected(500, "x"), *gone(501)],
        [firing(30, 1), resolved(500, 1)],
        keep_firing_for=None,
        resolve_on={"events": "client.connect"},
    ),
)
