"""Tests of rules files: what happens, and what must be firing, pending, resolved and told when."""
