"""The keys of the rules file, but for what is inside a rule: models whose fields are the keys."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, create_model, field_validator, model_validator

from bridge.config.names import (
    check_imports,
    check_label_name,
    check_listen,
    check_server_url,
    check_subject,
    check_web_url,
    is_loopback,
    split_listen,
)
from bridge.inhibit import InhibitRule
from bridge.label_matchers import LabelMatchers, select
from bridge.options import FilePath, Options
from bridge.receiver import Destination
from bridge.route import Route
from bridge.silence import Silence, declared
from bridge.time_interval import TimeIntervals
from bridge.values import DAY, HOUR, SECOND, Duration, Moment, Secret

DEFAULT_STATE_DIRECTORY = Path("/var/lib/nats-alert-bridge")

LabelName = Annotated[str, AfterValidator(check_label_name)]
Labels = dict[LabelName, str]
Subject = Annotated[str, AfterValidator(check_subject)]


class Tls(Options):
    """How connections to the servers are encrypted."""

    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None
    first: bool = False
    """The handshake comes before the server's greeting, as its `handshake_first` demands."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("a client certificate needs its key; write both cert_file and key_file")
        return self


class Poll(Options):
    """How often servers are asked for what they tell only then, and how long for an answer."""

    interval: Annotated[Duration, Field(ge=SECOND)] = 30 * SECOND
    timeout: Annotated[Duration, Field(ge=SECOND // 10)] = 5 * SECOND


class Nats(Options):
    """Where the events come from, and how to log in there."""

    later = frozenset(("stream",))

    servers: Annotated[list[Annotated[str, AfterValidator(check_server_url)]], Field(min_length=1)] = [
        "nats://127.0.0.1:4222"
    ]
    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    credentials: FilePath | None = None
    nkey_file: FilePath | None = None
    tls: Tls | None = None
    inbox_prefix: Subject = "_INBOX"
    accounts: dict[str, str] = {}
    """Account id → the name that people know it by."""
    imports: Annotated[str, AfterValidator(check_imports)] = ""
    """What the subjects of JetStream events begin with that the system account imports; the `*` is the account."""
    poll: Poll = Poll()
    token_auth: bool = False

    @field_validator("servers")
    @classmethod
    def _one_transport(cls, servers: list[str]) -> list[str]:
        if len({url.startswith("ws") for url in servers}) > 1:
            raise ValueError("ws:// and wss:// servers cannot stand beside others; keep one kind")
        return servers

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.user is not None and self.password is None:
            raise ValueError("the user has no password; write password or password_file")
        if self.password is not None and self.user is None:
            raise ValueError("the password has no user; write user")
        given = [key for key in ("user", "token", "credentials", "nkey_file") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"more than one way to log in ({', '.join(given)}); keep one of them")
        if not given and not (self.tls and self.tls.cert_file):
            raise ValueError(
                "no way to log in; write credentials, nkey_file, user and password, token or tls.cert_file"
            )
        return self


class Storage(Options):
    """Where state is kept, and for how long history is."""

    path: FilePath
    retention: Duration = 30 * DAY

    @model_validator(mode="before")
    @classmethod
    def _default_path(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(given, dict) or "path" in given:
            return given
        # systemd gives a list if the unit names several directories; the first is the one for state
        directory = (info.context or {}).get("environ", {}).get("STATE_DIRECTORY", "").partition(":")[0]
        return {**given, "path": Path(directory or DEFAULT_STATE_DIRECTORY) / "state.db"}


class Delivery(Options):
    """How stubbornly messages are delivered."""

    give_up_after: Duration = 72 * HOUR


class Auth(Options):
    """Who may ask and command the running bridge."""

    token: Secret


class Http(Options):
    """Where the running bridge answers commands."""

    listen: Annotated[str, AfterValidator(check_listen)] = "127.0.0.1:9476"
    auth: Auth | None = None

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        host, port = split_listen(self.listen)
        if self.auth is None and not is_loopback(host):
            raise ValueError(
                f"whoever reaches {self.listen} could silence alerts; write auth: {{token_file: …}}, "
                f"or listen on 127.0.0.1:{port}"
            )
        return self


class Log(Options):
    """What the program writes to its standard error."""

    format: Literal["auto", "text", "logfmt", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class DeclaredSilence(Options):
    """Alerts that nobody is to hear of for a while, or again and again."""

    matchers: Annotated[list[LabelMatchers], Field(min_length=1)]
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    time_intervals: list[str] = []
    """Names; it mutes only within one of them."""
    comment: str = ""
    created_by: str = ""
    expire_on_resolve: bool = False

    @field_validator("matchers")
    @classmethod
    def _not_all(cls, matchers: list[LabelMatchers]) -> list[LabelMatchers]:
        if select(matchers)({}):
            raise ValueError("this means alerts without any label too; name a label that must have a value")
        return matchers

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.ends_at is None and not self.time_intervals:
            raise ValueError("a silence needs an end; write ends_at, or the time_intervals in which it mutes")
        if self.ends_at is not None and self.ends_at <= (self.starts_at or 0):
            raise ValueError("the silence ends before it begins; mend starts_at or ends_at")
        return self

    def silence(self) -> Silence:
        """As the core knows it."""
        return declared(
            Silence(
                id="",
                matchers=tuple(map(str, self.matchers)),
                starts_at=self.starts_at or 0,
                ends_at=self.ends_at,
                time_intervals=tuple(self.time_intervals),
                comment=self.comment,
                created_by=self.created_by,
                expire_on_resolve=self.expire_on_resolve,
                declared=True,
            )
        )


class RuleDefaults(Options):
    """What the rules of the same file have where they do not say it themselves."""

    for_: Annotated[Duration | None, Field(alias="for")] = None
    keep_firing_for: Duration | None = None
    limit: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    labels: Labels = {}
    annotations: dict[str, str] = {}


class Receiver(Options):
    """Whom to tell. The program's own receivers have a list of destinations for each registered type."""

    later = frozenset(
        (
            "pagerduty_configs",
            "alertmanager_configs",
            "msteamsv2_configs",
            "discord_configs",
            "email_configs",
            "telegram_configs",
            "ntfy_configs",
            "mattermost_configs",
            "nats_configs",
            "apprise_configs",
        )
    )

    name: Annotated[str, Field(min_length=1)]
    fallback: str | None = None
    """The receiver that is told what a destination of this one cannot be told."""

    @property
    def destinations(self) -> dict[str, Destination]:
        """Name of its queue → destination, in the order of the types and then of the file."""
        return {
            destination_name(self.name, key, index, destination.name): destination
            for key in type(self).model_fields
            if key.endswith("_configs")
            for index, destination in enumerate(getattr(self, key))
        }


class Config(Options):
    """The main file, but for the rules themselves. `receivers` takes the registered types of destinations."""

    later: ClassVar[frozenset[str]] = frozenset(("heartbeat", "reload"))

    nats: Nats
    storage: Annotated[Storage, Field(default_factory=dict, validate_default=True)]
    delivery: Delivery = Delivery()
    log: Log = Log()
    http: Http | None = Http()
    external_url: Annotated[str, AfterValidator(check_web_url)] = ""
    labels: Labels = {}
    receivers: Annotated[list[Receiver], Field(min_length=1)]
    route: Route
    inhibit_rules: list[InhibitRule] = []
    time_intervals: list[TimeIntervals] = []
    silences: list[DeclaredSilence] = []
    rule_defaults: RuleDefaults = RuleDefaults()
    rules: Annotated[list[object], Field(repr=False)] = []
    """As written; the loader makes rules of them one by one."""
    rule_files: list[str] = []

    @property
    def destinations(self) -> dict[str, Destination]:
        """Name of its queue → destination, of all receivers."""
        return {name: each for receiver in self.receivers for name, each in receiver.destinations.items()}


class RuleFile(Options):
    """A file that the main file's rule_files names."""

    rule_defaults: RuleDefaults = RuleDefaults()
    rules: list[object]


def destination_name(receiver: str, key: str, index: int, own: str | None) -> str:
    """The name of a destination's queue, such as `ops/slack/0`: by place, unless the operator named it."""
    return f"{receiver}/{key.removesuffix('_configs')}/{index if own is None else own}"


@cache
def config_model(destinations: tuple[type[Destination], ...]) -> type[Config]:
    """The main file's model with these types of destinations. Kept: building one costs more than checking a file."""
    lists: dict[str, Any] = {each.key: (list[each], []) for each in destinations}  # type: ignore[valid-type]
    receiver = create_model("Receiver", __base__=Receiver, **lists)
    receiver.later = Receiver.later - lists.keys()
    model: type[Config] = create_model(
        "Config", __base__=Config, receivers=(Annotated[list[receiver], Field(min_length=1)], ...)
    )
    return model
