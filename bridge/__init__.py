"""nats-alert-bridge: tells people what a NATS system says about itself."""

__version__ = "0.1.0"
