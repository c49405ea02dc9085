"""JetStream's advisories and metrics, under the names of their own types."""

from bridge.events.jetstream import system, tenant

TYPES = (*system.TYPES, *tenant.TYPES)
