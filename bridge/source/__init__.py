"""How the bridge hears NATS: one supervised connection, and one sink for all that comes over it."""
