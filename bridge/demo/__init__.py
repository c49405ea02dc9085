"""The bridge at work on a real nats-server, for people who want to see it, and for the tests."""
