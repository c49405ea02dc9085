"""Delivery: rows of the outbox become requests, and answers become outcomes. All I/O to destinations is here."""
