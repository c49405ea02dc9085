"""`cardinality`: the distinct values that came within `within` are more than a limit, or fewer."""

from bridge.inputs import Message
from tests.core.stage import connected, login_failed
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight


def tried(*seconds: float, user: str = "", server: str = "n1") -> list[Message]:
    """Failed logins, each as another user, or all as this one."""
    return [login_failed(at, user=user or f"user {n}", number=n, server=server) for n, at in enumerate(seconds)]


ANNA, BERT, CARL = "anna", "bert", "carl"
BOTH = [*tried(1, user=ANNA), *tried(2, user=BERT)]
FEWER = {"above": None, "below": 2}
EACH = {"by": ["server.name"]}

TABLE = Table(
    {"events": "client.auth_error", "type": "cardinality", "field": "client.user", "above": 2, "within": "10s"},
    case("none", "nothing comes", [], []),
    case("none", "one value is one, however often it comes", tried(1, 2, 3, 4, user=ANNA), []),
    case("none", "the limit is not past it", tried(1, 2), []),
    case(
        "field",
        "of any kind",
        [login_failed(n, number=n) for n in range(1, 5)],
        [firing(3, 3), resolved(12, 3)],
        field="id",
    ),
    case("field", "absent in all: one value", BOTH, [firing(1, 1), resolved(12, 1)], above=0, field="client.name_tag"),
    case("above", "nothing at all", tried(1, user=ANNA), [firing(1, 1), resolved(11, 1)], above=0),
    # -- one instant ----------------------------------------------------------------------------------------------
    case("one instant", "each counts", tried(1, 1, 1), [firing(1, 3), resolved(11, 3)]),
    case("one instant", "the same is one", tried(1, 1, 1, user=ANNA), []),
    case("one instant", "what comes as one leaves is in time", tried(1, 2, 3, 11), [firing(3, 3), resolved(12, 3)]),
    case(
        "one instant",
        "what comes again as it leaves has not left",
        [*BOTH, *tried(3, user=CARL), *tried(11, user=ANNA)],
        [firing(3, 3), resolved(12, 3)],
    ),
    # -- the window -----------------------------------------------------------------------------------------------
    case("just before", "the first is still there", tried(1, 5, 10.999999), [firing(10.999999, 3), resolved(11, 3)]),
    case("exactly", "the first has left", tried(1, 5, 11), []),
    case("just after", "the first has left", tried(1, 5, 11.000001), []),
    case(
        "exactly",
        "it counts from when it came last",
        [*BOTH, *tried(3, user=CARL), *tried(8, user=ANNA)],
        [firing(3, 3), resolved(12, 3)],
    ),
    # -- below ----------------------------------------------------------------------------------------------------
    case("below", "nothing comes: there are none, from when it was watched for `within`", [], [firing(10, 0)], **FEWER),
    case("below", "one too few", tried(1, 8, user=ANNA), [firing(10, 1)], **FEWER),
    case("below", "enough just in time, and then no more", [*BOTH], [firing(11, 1)], **FEWER),
    case("below", "enough again", [*BOTH, *tried(15, 16)], [firing(11, 1), resolved(16, 1), firing(25, 1)], **FEWER),
    case("below", "enough all the time", [*tried(9, 9), *tried(18, 18), *tried(27, 27)], [firing(37, 0)], **FEWER),
    case("below", "with `by` nothing is missed that never came", [], [], **FEWER, **EACH),
    case(
        "below",
        "with `by` from when it was watched for `within`",
        tried(1, 5, user=ANNA),
        [firing(11, 1, server_name="n1")],
        **FEWER,
        **EACH,
    ),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "all of them together",
        [*tried(1, user=ANNA), *tried(2, user=BERT, server="n2"), *tried(3, user=CARL, server="n3")],
        [firing(3, 3), resolved(11, 3)],
    ),
    case(
        "several servers",
        "the same value on two of them is one",
        [*tried(1, 2), *tried(3, 4, server="n2")],
        [],
    ),
    case(
        "several servers",
        "with `by` each for itself",
        [*tried(1, 2), *tried(3, 4, 5, server="n2")],
        [firing(5, 3, server_name="n2"), resolved(13, 3, server_name="n2")],
        **EACH,
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case(
        "blind",
        "the window keeps receive time",
        [*BOTH, blind(3), sight(8), *tried(9, user=CARL)],
        [firing(9, 3), resolved(11, 3)],
    ),
    case("blind", "and lets go what is older", [*BOTH, blind(3), sight(8), *tried(11, user=CARL)], []),
    case(
        "blind",
        "an event is not time alone",
        [*BOTH, blind(3), *tried(4, user=CARL), sight(5)],
        [firing(4, 3), resolved(11, 3)],
    ),
    case(
        "blind",
        "empty in the middle of it: over once sight has lasted `within`",
        [*tried(1, 2, 3), blind(4), sight(60)],
        [firing(3, 3), resolved(70, 3)],
    ),
    case("blind", "without an end: nothing ends", [*tried(1, 2, 3), blind(4)], [firing(3, 3)]),
    case("blind", "`below`: what was not watched is not missed", [blind(1), sight(60)], [firing(69, 0)], **FEWER),
    case(
        "blind",
        "`below`: what stays away is missed once `within` was watched",
        [*tried(9, 9), blind(12), sight(60)],
        [firing(67, 0)],
        **FEWER,
    ),
    case(
        "blind",
        "`below`: the same where it would have left after it",
        [*tried(9, 9), blind(12), sight(15)],
        [firing(22, 0)],
        **FEWER,
    ),
    case(
        "blind",
        "`below`: what comes again was not missing",
        [*tried(9, 9), blind(12), sight(60), *tried(66.999999, 66.999999), blind(71)],
        [],
        **FEWER,
    ),
    case(
        "blind",
        "`below`: what was too few before it goes on to be",
        [*tried(1, 8, user=ANNA), blind(12), sight(60), *tried(67, user=BERT)],
        [firing(10, 1)],
        **FEWER,
    ),
    # -- restart --------------------------------------------------------------------------------------------------
    case("restart", "what was seen counts", [*BOTH, restart(3), *tried(4, user=CARL)], [firing(4, 3), resolved(11, 3)]),
    case("restart", "so does what was seen twice", [*BOTH, restart(3), *tried(4, user=ANNA)], []),
    case(
        "restart",
        "empty in the middle of it: over once sight has lasted `within`",
        [*tried(1, 2, 3), restart(4, 60)],
        [firing(3, 3), resolved(70, 3)],
    ),
    case(
        "restart",
        "sight comes later than the process",
        [*tried(1, 2, 3), restart(4, 60, sees=False), sight(90)],
        [firing(3, 3), resolved(100, 3)],
    ),
    case("restart", "sight never comes: nothing ends", [*tried(1, 2, 3), restart(4, 60, sees=False)], [firing(3, 3)]),
    case("restart", "`below`: what was watched counts", [restart(4, 60)], [firing(66, 0)], **FEWER),
    case(
        "restart",
        "`below`: what stays away is missed once `within` was watched",
        [*tried(9, 9), restart(12, 60)],
        [firing(67, 0)],
        **FEWER,
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [*BOTH, reload(2.5, annotations={"summary": "new"}), *tried(3, user=CARL)],
        [firing(3, 3), resolved(11, 3)],
    ),
    case("reload", "a lower limit is passed at once", [*BOTH, reload(5, above=1)], [firing(5, 2), resolved(11, 2)]),
    case("reload", "a higher limit ends it", [*tried(1, 2, 3), reload(5, above=3)], [firing(3, 3), resolved(5, 3)]),
    case(
        "reload",
        "from above to below: what was watched counts",
        [*tried(1, 3, 8), reload(9, **FEWER)],
        [firing(8, 3), resolved(9, 3), firing(13, 1)],
    ),
    case(
        "reload",
        "from below to above: none is not below",
        [reload(15, above=2, below=None)],
        [firing(10, 0), resolved(15, 0)],
        **FEWER,
    ),
    case("reload", "a shorter `within`", [*tried(1, 2, 3), reload(6, within="5s")], [firing(3, 3), resolved(6, 3)]),
    case("reload", "a longer `within`", [*tried(1, 2, 3), reload(6, within="30s")], [firing(3, 3), resolved(31, 3)]),
    case(
        "reload",
        "what a longer `within` lacks counts as not seen",
        [*tried(1, 12), reload(13, within="1m"), *tried(14, user=CARL)],
        [],
    ),
    case(
        "reload",
        "`below`: nor as watched",
        [reload(30, within="30s")],
        [firing(10, 0), resolved(30, 0), firing(50, 0)],
        **FEWER,
    ),
    case(
        "reload",
        "another `field` begins anew",
        [*tried(1, 2, 3), reload(5, field="client.host"), *tried(6, user=ANNA)],
        [firing(3, 3), resolved(5, 3, "rule changed")],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [*tried(1, 2, 3), reload(5, where=["client.kind = Client"]), *tried(6, user=ANNA)],
        [firing(3, 3), resolved(5, 3, "rule changed")],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case("for", "time alone ends it", tried(1, 2, 3), [firing(8, 3), resolved(11, 3)], for_="5s"),
    case("for", "it is over just then", tried(1, 2, 3), [], for_="8s"),
    case("for", "`below` as well", tried(1, user=ANNA), [firing(15, 0)], for_="5s", **FEWER),
    case(
        "keep_firing_for", "from when it is gone", tried(1, 2, 3), [firing(3, 3), resolved(16, 3)], keep_firing_for="5s"
    ),
    case(
        "resolve_on",
        "ends it at once, and what was seen is gone",
        [*tried(1, 2, 3), connected(4, "x"), *tried(5, user=ANNA)],
        [firing(3, 3), resolved(4, 3)],
        resolve_on={"events": "client.connect"},
    ),
    case(
        "resolve_on",
        "`below` begins to watch anew",
        [connected(14, "x")],
        [firing(10, 0), resolved(14, 0), firing(24, 0)],
        resolve_on={"events": "client.connect"},
        **FEWER,
    ),
)
