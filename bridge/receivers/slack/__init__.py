"""Slack, by an incoming webhook or as an app: keys and conversation, layout, markup, and its words for trouble."""

from bridge.receivers.slack.destination import Slack

__all__ = ["Slack"]
