"""The rules file becomes values: strict YAML with places, all errors at once."""

from bridge.config.loader import Loaded, LoadedRule, check, load
from bridge.config.outline import Outline, outline
from bridge.config.rehearsal import rehearse
from bridge.config.schema import Config, Receiver

__all__ = ["Config", "Loaded", "LoadedRule", "Outline", "Receiver", "check", "load", "outline", "rehearse"]
