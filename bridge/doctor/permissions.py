"""The least that the bridge's user must be allowed, as a server's configuration."""

from bridge.doctor.needs import Needs


def permissions(needs: Needs) -> str:
    """To put beside the user's name and password; nsc has `--allow-sub` and `--allow-pub` for the same."""
    subscribe = _listed([*needs.subjects, needs.inbox])
    publish = _listed([*needs.requests, *needs.requests_to_one])
    return f"permissions: {{\n  subscribe: [\n{subscribe}  ]\n  publish: [\n{publish}  ]\n}}\n"


def _listed(subjects: list[str]) -> str:
    return "".join(f'    "{subject}"\n' for subject in subjects)
