"""What is wrong with a set-up, found by trying it: nothing is changed, and no message is sent."""

from bridge.doctor.examination import examine
from bridge.doctor.finding import Finding
from bridge.doctor.permissions import permissions

__all__ = ["Finding", "examine", "permissions"]
