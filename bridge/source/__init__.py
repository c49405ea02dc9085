"""How the bridge hears NATS: one supervised connection, and one sink for all that comes over it.

To read: `supervisor` chooses one of the `servers` and keeps a `connection`, which shows its `login`, says by
`complaint` what is wrong, and has each `subscription` and its `frames`. `gather` asks all servers and collects their
answers: for `rollcall` once after a connect, for `poller` in rounds (`questions`: what is asked; `roster`: who should
answer), for `survey` once, for a command that comes by `visit`. What people are told is in `reports`.
"""
