"""When it matters: one file for each type of rule."""

from collections.abc import Mapping

from bridge.rule import Rule
from bridge.rules.aggregate import Aggregate
from bridge.rules.any import Any
from bridge.rules.cardinality import Cardinality
from bridge.rules.change import Change
from bridge.rules.flatline import Flatline
from bridge.rules.frequency import Frequency
from bridge.rules.increase import Increase
from bridge.rules.new_value import NewValue
from bridge.rules.not_followed_by import NotFollowedBy
from bridge.rules.ratio import Ratio
from bridge.rules.spike import Spike
from bridge.rules.state import State
from bridge.rules.threshold import Threshold

RULE_TYPES: Mapping[str, type[Rule]] = {
    "any": Any,
    "frequency": Frequency,
    "increase": Increase,
    "threshold": Threshold,
    "state": State,
    "aggregate": Aggregate,
    "flatline": Flatline,
    "change": Change,
    "new_value": NewValue,
    "cardinality": Cardinality,
    "spike": Spike,
    "ratio": Ratio,
    "not_followed_by": NotFollowedBy,
}
"""Every type, by the name that operators write as `type`."""
