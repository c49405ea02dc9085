"""The destinations there are. A new one is a file of its own, and one line here."""

from bridge.receiver import Destination
from bridge.receivers.alertmanager import Alertmanager
from bridge.receivers.slack import Slack
from bridge.receivers.webhook import Webhook

DESTINATIONS: tuple[type[Destination], ...] = (
    Slack,
    Webhook,
    Alertmanager,
)
