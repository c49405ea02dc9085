"""`python -m bridge` is `nats-alert-bridge`."""

from bridge.cli import main

if __name__ == "__main__":
    main()
