"""The command line: a file for each command."""

import signal


def main() -> None:
    """Load the program and run it. Loading takes half a second, in which Ctrl-C ends it without a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bridge.cli.program import run_program  # noqa: PLC0415 - this is what takes so long

    signal.signal(signal.SIGINT, before)
    run_program()
