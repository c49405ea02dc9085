"""An alert that matchers name is one that some rule makes, in whatever file; else a warning says so."""

from pathlib import Path

import pytest

from bridge.config import check, load

MAIN = """\
nats: {credentials: sys.creds}
receivers: [{name: ops, slack_configs: [{webhook_url: https://hooks.example.net/a}]}]
route: {receiver: ops, routes: [{matchers: ['alertname = Kickd']}]}
silences: [{matchers: ['alertname = Elsewhere'], ends_at: 2099-01-01T00:00:00Z}]
rules: [{alert: Kicked, events: client.disconnect}]
rule_files: [more.yaml]
"""
MORE = "rules: [{alert: Elsewhere, events: client.connect}]\n"
WARNING = "main.yaml:3:45: warning: no rule makes an alert 'Kickd'; did you mean 'Kicked'?"


@pytest.mark.parametrize(("more", "warnings"), [(MORE, [WARNING]), (MORE + "nonsense: 1\n", [])])
def test_rules_of_other_files_count_and_of_a_broken_one_it_is_not_known(
    more: str, warnings: list[str], tmp_path: Path
) -> None:
    main = tmp_path / "main.yaml"
    main.write_text(MAIN)
    (tmp_path / "more.yaml").write_text(more)

    def of(problems: list[object]) -> list[str]:
        return [str(each).removeprefix(f"{tmp_path}/") for each in problems if "no rule makes" in str(each)]

    assert of([*check([main], {})]) == warnings
    assert of([*load(main, {}).warnings]) == warnings
