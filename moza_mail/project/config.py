"""moza-mail.toml and the environment, read once into a frozen Config."""

import json
import os
import re
import tomllib
from datetime import timedelta
from functools import reduce
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

# Else pydantic would look through all that is installed for plugins, at each start, and run the code of whoever left one.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from moza_mail.errors import AddressError, ProjectError
from moza_mail.model.address import Address
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.bounce import DEFAULT_THRESHOLDS, BounceThresholds
from moza_mail.model.rate import Rate, Rates
from moza_mail.model.retention import RetentionPeriods
from moza_mail.model.timestamps import parse_duration

CONFIG_FILE = "moza-mail.toml"
PREFIX = "MOZA_MAIL_"
# Settings that a file may never hold; they come from the environment (`secrets.py`).
SECRETS = frozenset({"secret", "smtp_password", "imap_password", "password"})
VARIABLES = {"password": "SMTP_PASSWORD"}


def _web_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/<>\"]+(?:/[^\s<>\"]*)?", value):
        raise ValueError("must be a web address such as https://www.example.org/")
    return value


def _pattern(value: str) -> str:
    names = "{slug}", "{date}", "{list}"
    _web_address(reduce(lambda url, name: url.replace(name, name[1:-1]), names, value))
    if re.search(r"[{}]", reduce(lambda url, name: url.replace(name, ""), names, value)):
        raise ValueError("may hold only {slug}, {date} and {list} between braces")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        raise ValueError("must be a time zone such as Europe/Amsterdam") from None
    return value


def _words(value: Any) -> Any:
    """A variable, or a person in a hurry, writes `Agenda, Events` where TOML has a list."""
    return tuple(word.strip() for word in value.split(",")) if isinstance(value, str) else value


def _mail_domain(value: str) -> str:
    """A domain that mail can go to, as A-labels."""
    try:
        return Address.parse(f"bounce@{value}").domain if value else ""
    except AddressError:
        raise ValueError("must be a domain such as bounce.example.org") from None


def _rate(value: str) -> str:
    if value:
        Rate.parse(value)
    return value


def _needed_rate(value: str) -> str:
    Rate.parse(value)
    return value


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("must be addresses or networks such as 127.0.0.1 or 10.0.0.0/24") from None
    return value


def _duration(value: str) -> str:
    parse_duration(value)
    return value


def _rates(value: dict[str, str]) -> dict[str, str]:
    Rates.parse("", value)
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
Network = Annotated[str, AfterValidator(_network)]
MailDomain = Annotated[str, AfterValidator(_mail_domain)]


class CheckSettings(BaseModel):
    """The table `[check]`: what the programme asks of its own issues."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preferred_words: dict[Annotated[str, Field(min_length=1)], str] = Field(default_factory=dict)
    required_sections: tuple[str, ...] = ()
    required_events: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    restricted_hosts: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()


class RetentionSettings(BaseModel):
    """The table `[retention]`: how many days what is held of people is kept.

    What a full mailbox says counts over 30 days, and the link of a sign-up holds seven: neither may go before that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    deliveries: int = Field(default=90, ge=31, le=36_500)
    bounces: int = Field(default=30, ge=1, le=36_500)
    sign_ups: int = Field(default=14, ge=8, le=36_500)
    audit: int = Field(default=1826, ge=31, le=36_500)


class BounceSettings(BaseModel):
    """The table `[bounces]`: how often an address must fail before it is suppressed (model/threshold.py)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unknown_domain_times: int = Field(default=DEFAULT_THRESHOLDS.unknown_domain_times, ge=1, le=100)
    disabled_times: int = Field(default=DEFAULT_THRESHOLDS.disabled_times, ge=1, le=100)
    disabled_days: int = Field(default=DEFAULT_THRESHOLDS.disabled_days, ge=0, le=3650)
    soft_times: int = Field(default=DEFAULT_THRESHOLDS.soft_times, ge=0, le=1000)
    soft_days: int = Field(default=DEFAULT_THRESHOLDS.soft_days, ge=0, le=3650)


class ProjectConfig(BaseModel):
    """What the project is set to; docs/configuration.md explains each key to the operator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site_url: WebAddress = ""
    view_url: Annotated[str, AfterValidator(_pattern)] = ""
    public_url: WebAddress = ""
    sign_up_rate: Annotated[str, AfterValidator(_needed_rate)] = "30/h"
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_words)] = ("127.0.0.1", "::1")
    default_list: str = ""
    approval: ApprovalPolicy = ApprovalPolicy.OFF
    max_age: Annotated[str, AfterValidator(_duration)] = "24h"
    theme: str = "moza"
    timezone: Annotated[str, AfterValidator(_zone)] = "Europe/Amsterdam"
    agenda_headings: Annotated[tuple[str, ...], BeforeValidator(_words)] = ("Agenda", "Events")
    calendar: Literal["attach", "link", "off"] = "off"
    asset_url: WebAddress = ""
    store: str = "sqlite:///subscribers/moza-mail.db"
    relay: str = "outbox:outbox"
    relay_ca_file: str = ""
    allow_plaintext: bool = False
    connections: int = Field(default=8, ge=1, le=100)
    messages_per_connection: int = Field(default=500, ge=1, le=1_000_000)
    batch_size: int = Field(default=250, ge=1, le=10_000)
    rate: Annotated[str, AfterValidator(_rate)] = ""
    rates: Annotated[dict[str, str], AfterValidator(_rates)] = {}
    smtputf8: bool = False
    dsn: Literal["off", "failure", "failure,delay"] = "failure,delay"
    bounce_domain: MailDomain = ""
    bounce_mailbox: str = ""
    bounce_ca_file: str = ""
    feedback_id: str = Field(default="mozamail", pattern=r"^$|^[A-Za-z0-9_-]{5,15}$")
    dkim_key: str = ""
    dkim_selector: str = ""
    dkim_domain: MailDomain = ""
    dkim_ed25519_key: str = ""
    dkim_ed25519_selector: str = ""
    check: CheckSettings = CheckSettings()
    bounces: BounceSettings = BounceSettings()
    retention: RetentionSettings = RetentionSettings()

    @property
    def rate_limits(self) -> Rates:
        """`rate` and `rates`, read."""
        return Rates.parse(self.rate, self.rates)

    @property
    def retention_periods(self) -> RetentionPeriods:
        """`[retention]`, as the store takes it."""
        return RetentionPeriods(**self.retention.model_dump())

    @property
    def bounce_thresholds(self) -> BounceThresholds:
        """`[bounces]`, as a value."""
        return BounceThresholds(**self.bounces.model_dump())

    @property
    def dsn_notify(self) -> str:
        """What `dsn` asks of a relay, in its words (RFC 3461 4.1)."""
        return "" if self.dsn == "off" else self.dsn.upper()

    @property
    def max_lateness(self) -> timedelta:
        """`max_age`, read."""
        return parse_duration(self.max_age)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which agendas are written."""
        return ZoneInfo(self.timezone)


def read_config(path: Path, overrides: dict[str, Any]) -> ProjectConfig:
    """Read a project's configuration; raise ProjectError naming the file and the key."""
    from_file = read_toml(path)
    if secret := next((key for key in from_file if key in SECRETS), None):
        raise ProjectError(
            f"{path}: `{secret}` may not stand in a file that is shared",
            hint=f"Put it in the environment: {PREFIX}{VARIABLES.get(secret, secret.upper())}.",
        )
    try:
        return ProjectConfig(**{**from_file, **_environment(), **overrides})
    except ValidationError as error:
        raise describe_validation_error(path, error, "docs/configuration.md") from None


def _environment() -> dict[str, Any]:
    """The settings that the environment gives, by key; a list or a table may be written in JSON."""
    given = {key: os.environ.get(PREFIX + key.upper()) for key in ProjectConfig.model_fields}
    return {key: _decoded(key, value) for key, value in given.items() if value is not None}


def _decoded(key: str, value: str) -> Any:
    if not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ProjectError(f"{PREFIX}{key.upper()} is not JSON: {error}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raise ProjectError with the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path} is not TOML: {error}", hint=f"Mend that line of {path.name}.") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8", hint="Save the file as UTF-8.") from None
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}") from None


def describe_validation_error(path: Path, error: ValidationError, manual: str) -> ProjectError:
    """The first thing that is wrong with a file's settings, as a sentence with the key and its line."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    named = str(first["loc"][0]) if first["loc"] else ""
    variable = f"{PREFIX}{named.upper()}"
    if first["type"] == "extra_forbidden":
        says = "is not a known key"
    elif first["type"] == "missing":
        says = "is missing"
    else:
        says = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
    where = variable if variable in os.environ else f"{path}{_line(path, key)}: `{key}`"
    return ProjectError(f"{where} {says}", hint=f"See {manual} for each key.")


def _line(path: Path, key: str) -> str:
    """`, line 4` where the last part of a key is set, for tomllib tells no lines."""
    last = re.escape(key.rpartition(".")[2])
    rows = path.read_text(encoding="utf-8-sig").split("\n")
    at = next(
        (number for number, row in enumerate(rows, start=1) if re.match(rf"\s*\[?\"?{last}\"?\s*[=\]]", row)),
        0,
    )
    return f", line {at}" if at else ""
