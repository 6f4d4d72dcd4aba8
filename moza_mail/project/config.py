"""Read moza-mail.toml and the environment variables into a ProjectConfig."""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import reduce
from ipaddress import ip_network
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

# Without this variable, pydantic searches all installed packages for plugins at each start, and runs their code.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from moza_mail.errors import AddressError, ProjectError, locate
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.agenda_headings import AGENDA_HEADINGS
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.bounce import DEFAULT_THRESHOLDS, BounceThresholds
from moza_mail.model.rate import Rate, SendRates
from moza_mail.model.retention import RetentionPeriods
from moza_mail.model.send_time import parse_time_zone
from moza_mail.model.site import URL_PLACEHOLDERS
from moza_mail.model.timestamps import parse_duration
from moza_mail.project.oauth_settings import OAuthSettings
from moza_mail.project.read_file import UnreadableFile, read_file

MAX_BYTES = 1_000_000
# Line ends and tabs are allowed, because long texts such as a consent contain them.
WITHOUT_LINE_ENDS = str.maketrans("", "", "\t\n\r")
# RFC 5321 4.1.1.1: a domain name or an address literal.
HELO_NAME = r"^$|^(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{1,63}$|^\[[0-9A-Za-z:.]{1,60}\]$"
CONFIG_FILE = "moza-mail.toml"
PREFIX = "MOZA_MAIL_"
# Settings that may only come from the environment (see `secrets.py`).
SECRET_KEYS = frozenset({"secret", "smtp_password", "imap_password", "password", "client_secret"})
SECRET_VARIABLES = {"password": "SMTP_PASSWORD", "client_secret": "OAUTH_CLIENT_SECRET"}


def _check_web_address(value: str) -> str:
    if value and not (re.fullmatch(r"https?://[^\s/<>\"]+(?:/[^\s<>\"]*)?", value) and _has_host(value)):
        raise ValueError(_("must be a web address such as https://www.example.org/"))
    return value


def _has_host(value: str) -> bool:
    """Return True if a URL has a host, and has no port or a valid port.

    The check uses urlsplit, which also refuses an unclosed bracket and an impossible port.
    """
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_url_pattern(value: str) -> str:
    _check_web_address(reduce(lambda url, name: url.replace(name, name[1:-1]), URL_PLACEHOLDERS, value))
    if re.search(r"[{}]", reduce(lambda url, name: url.replace(name, ""), URL_PLACEHOLDERS, value)):
        raise ValueError(
            _("may contain only {slug}, {date}, {list}, {title}, {year}, {month} and {day} between braces")
        )
    return value


def _check_issues(value: str) -> str:
    parts = PurePosixPath(value).parts
    if not parts or value.startswith(("/", "~")) or ".." in parts or "\\" in value:
        raise ValueError(
            _('must be a folder of the project such as "content/weekly", or a pattern of its files')
        )
    return value


def _check_time_zone(value: str) -> str:
    try:
        parse_time_zone(value)
    except ValueError:
        raise ValueError(_("must be a time zone such as Europe/Amsterdam")) from None
    return value


def _split_commas(value: Any) -> Any:
    """Split a text such as `Agenda, Events`. An environment variable cannot hold a list."""
    return tuple(item.strip() for item in value.split(",")) if isinstance(value, str) else value


def _normalize_mail_domain(value: str) -> str:
    """Return a domain that can receive mail, with A-labels (RFC 5890)."""
    try:
        return Address.parse(f"bounce@{value}").domain if value else ""
    except AddressError:
        raise ValueError(_("must be a domain such as bounce.example.org")) from None


def _check_optional_address(value: str) -> str:
    try:
        return str(Address.parse(value)) if value else ""
    except AddressError:
        raise ValueError(_("must be a mail address")) from None


def _check_rate(value: str) -> str:
    Rate.parse(value)
    return value


def _check_optional_rate(value: str) -> str:
    return _check_rate(value) if value else value


def _check_network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError(_("must be addresses or networks such as 127.0.0.1 or 10.0.0.0/24")) from None
    return value


def _check_duration(value: str) -> str:
    parse_duration(value)
    return value


def _check_rates(value: dict[str, str]) -> dict[str, str]:
    SendRates.parse("", value)
    return value


# The clause that describes each type of error from pydantic. It is written after the key.
PROBLEMS = {
    "extra_forbidden": _("is not a known key"),
    "missing": _("is missing"),
    "string_too_short": _("may not be empty"),
    "string_type": _("must be text"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), _("must be a whole number")),
    **dict.fromkeys(("bool_parsing", "bool_type"), _("must be true or false")),
    "tuple_type": _("must be a list"),
    **dict.fromkeys(("dict_type", "model_type"), _("must be a table")),
}

WebAddress = Annotated[str, AfterValidator(_check_web_address)]
Network = Annotated[str, AfterValidator(_check_network)]
MailDomain = Annotated[str, AfterValidator(_normalize_mail_domain)]


class CheckSettings(BaseModel):
    """The table `[check]`: requirements of the project for its own issues."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preferred_words: dict[Annotated[str, Field(min_length=1)], str] = Field(default_factory=dict)
    required_sections: tuple[str, ...] = ()
    required_events: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    restricted_hosts: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()


class RetentionSettings(BaseModel):
    """The table `[retention]`: the number of days for which personal data is kept.

    The minimum of `deliveries` is longer than the 30 days over which soft bounces are counted. The minimum
    of `sign_ups` is longer than the seven days for which a confirmation link is valid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    deliveries: int = Field(default=90, ge=31, le=36_500)
    bounces: int = Field(default=30, ge=1, le=36_500)
    sign_ups: int = Field(default=14, ge=8, le=36_500)
    audit: int = Field(default=1826, ge=31, le=36_500)


class BounceSettings(BaseModel):
    """The table `[bounces]`: how often delivery must fail before an address is suppressed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unknown_domain_times: int = Field(default=DEFAULT_THRESHOLDS.unknown_domain_times, ge=1, le=100)
    disabled_times: int = Field(default=DEFAULT_THRESHOLDS.disabled_times, ge=1, le=100)
    disabled_days: int = Field(default=DEFAULT_THRESHOLDS.disabled_days, ge=0, le=3650)
    soft_times: int = Field(default=DEFAULT_THRESHOLDS.soft_times, ge=0, le=1000)
    soft_days: int = Field(default=DEFAULT_THRESHOLDS.soft_days, ge=0, le=3650)


class ProjectConfig(BaseModel):
    """The settings of a project; docs/configuration.md explains each key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issues: Annotated[str, AfterValidator(_check_issues)] = "issues"
    site_url: WebAddress = ""
    view_url: Annotated[str, AfterValidator(_check_url_pattern)] = ""
    public_url: WebAddress = ""
    sign_up_rate: Annotated[str, AfterValidator(_check_rate)] = "30/h"
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_split_commas)] = ("127.0.0.1", "::1")
    default_list: str = ""
    approval: ApprovalPolicy = ApprovalPolicy.OFF
    max_age: Annotated[str, AfterValidator(_check_duration)] = "24h"
    notify: Annotated[str, AfterValidator(_check_optional_address)] = ""
    theme: str = "moza"
    trust: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = ()
    timezone: Annotated[str, AfterValidator(_check_time_zone)] = "Europe/Amsterdam"
    agenda_headings: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = AGENDA_HEADINGS
    calendar: Literal["attach", "link", "off"] = "off"
    asset_url: WebAddress = ""
    store: str = "sqlite:///subscribers/moza-mail.db"
    relay: str = "outbox:outbox"
    relay_ca_file: str = ""
    helo_name: str = Field(default="", pattern=HELO_NAME)
    allow_plaintext: bool = False
    connections: int = Field(default=8, ge=1, le=100)
    messages_per_connection: int = Field(default=500, ge=1, le=1_000_000)
    batch_size: int = Field(default=250, ge=1, le=10_000)
    rate: Annotated[str, AfterValidator(_check_optional_rate)] = ""
    rates: Annotated[dict[str, str], AfterValidator(_check_rates)] = {}
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
    oauth: OAuthSettings = OAuthSettings()

    @property
    def rate_limits(self) -> SendRates:
        """The settings `rate` and `rates`, parsed."""
        return SendRates.parse(self.rate, self.rates)

    @property
    def retention_periods(self) -> RetentionPeriods:
        """The table `[retention]` in the form that the store uses."""
        return RetentionPeriods(**self.retention.model_dump())

    @property
    def bounce_thresholds(self) -> BounceThresholds:
        """The table `[bounces]` in the form that the suppression of addresses uses."""
        return BounceThresholds(**self.bounces.model_dump())

    @property
    def dsn_notify(self) -> str:
        """The setting `dsn` as the NOTIFY parameter of SMTP (RFC 3461 4.1)."""
        return "" if self.dsn == "off" else self.dsn.upper()

    @property
    def max_lateness(self) -> timedelta:
        """The setting `max_age`, parsed."""
        return parse_duration(self.max_age)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of agendas and send times."""
        return ZoneInfo(self.timezone)


def read_config(path: Path, overrides: dict[str, Any]) -> ProjectConfig:
    """Read the settings of a project; raise ProjectError with the file and the key."""
    from_file = read_toml(path)
    oauth = from_file.get("oauth", {})
    keys = [*from_file, *(oauth if isinstance(oauth, dict) else ())]
    if secret := next((key for key in keys if key in SECRET_KEYS), None):
        raise ProjectError(
            _("{path}: `{key}` is a secret and may not be in this file", path=str(path), key=secret),
            hint=_(
                "Set the environment variable {variable}.",
                variable=f"{PREFIX}{SECRET_VARIABLES.get(secret, secret.upper())}",
            ),
        )
    try:
        config = ProjectConfig(**{**from_file, **_read_environment(), **overrides})
    except ValidationError as error:
        raise describe_validation_error(path, error, "docs/configuration.md") from None
    _require_words(path, config.check.preferred_words)
    return config


def _require_words(path: Path, preferred_words: Mapping[str, str]) -> None:
    """Raise ProjectError if a word to avoid is the name of a setting, written below the wrong table by mistake."""
    if key := next((word for word in preferred_words if word in ProjectConfig.model_fields), None):
        message = _("`{key}` is a setting, and may not be in [check.preferred_words]", key=key)
        hint = _(
            "Move it above the first line such as [check]. To avoid the word, write it as `{word}`.",
            word=key.title(),
        )
        raise ProjectError(locate(message, str(path), find_line_in_table(path, "check", key)), hint=hint)


def _read_environment() -> dict[str, Any]:
    """Return the settings in environment variables, by key.

    A list or table may be written as JSON.
    """
    given = {key: os.environ.get(PREFIX + key.upper()) for key in ProjectConfig.model_fields}
    return {key: _decode_json(key, value) for key, value in given.items() if value is not None}


def _decode_json(key: str, value: str) -> Any:
    if not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ProjectError(
            _("{variable} is not JSON: {reason}", variable=f"{PREFIX}{key.upper()}", reason=str(error))
        ) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raise ProjectError if it is not TOML or has a control character."""
    table = parse_toml(path)
    require_printable(path, table)
    return table


def parse_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raise ProjectError with the line if it is not TOML."""
    try:
        return tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProjectError(
            _("{path} is not TOML: {reason}", path=str(path), reason=str(error)),
            hint=_("Correct that line of {file}.", file=path.name),
        ) from None


def require_printable(path: Path, table: Mapping[str, Any], *, name: str = "") -> None:
    """Raise ProjectError with the line if a text in a TOML table contains a control character.

    name: the name of the table; empty for the whole file.
    """
    for key, text in _find_texts("", table):
        if CONTROL_CHARACTER.search(text.translate(WITHOUT_LINE_ENDS)):
            line = find_line_in_table(path, name, key) if name else find_line(path, _key_pattern(key))
            message = locate(_("`{key}` contains a control character", key=key), str(path), line)
            raise ProjectError(message, hint=_("Delete it, or type the value again."))


def read_text(path: Path) -> str:
    """Read a small text file of the project; raise ProjectError if that is impossible."""
    try:
        return read_file(path, max_bytes=MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError(
            _("{path} is not UTF-8", path=str(path)), hint=_("Save the file as UTF-8.")
        ) from None
    except UnreadableFile as error:
        raise ProjectError(_("{path} {reason}", path=str(path), reason=error.reason)) from None


def _find_texts(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield every text and key in a TOML value, each with the name of the key that holds it."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield key, name
            yield from _find_texts(name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_texts(key, inner)


def describe_validation_error(
    path: Path, error: ValidationError, manual: str, *, table: str = ""
) -> ProjectError:
    """Return the error for the first wrong setting in a file, with its key and line.

    manual: the page of the documentation that explains the keys.
    table: the table of the setting; empty for a setting outside tables. If an environment variable gave such a setting
        its value, the error names the variable.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    top_key = str(first["loc"][0]) if first["loc"] else ""
    variable = f"{PREFIX}{top_key.upper()}"
    hint = _("See {manual} for each key.", manual=manual)
    problem = _describe_problem(first)
    if variable in os.environ and not table:
        return ProjectError(_("{name} {problem}", name=variable, problem=problem), hint=hint)
    name = key.rpartition(".")[2]
    line = find_line_in_table(path, table, name) if table else find_line(path, _key_pattern(name))
    message = _("`{key}` {problem}", key=f"{table}.{key}" if table else key, problem=problem)
    return ProjectError(locate(message, str(path), line), hint=hint)


def _describe_problem(error: Mapping[str, Any]) -> str:
    """Return an error of pydantic as a clause that follows the name of the setting."""
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, ValueError):
        reason: str = cause.args[0]
        return reason
    match error["type"]:
        case "greater_than_equal":
            return _("must be at least {minimum}", minimum=context["ge"])
        case "less_than_equal":
            return _("must be at most {maximum}", maximum=context["le"])
        case "string_too_long":
            return _("must have at most {maximum} characters", maximum=context["max_length"])
        case "literal_error" | "enum":
            return _("must be {expected}", expected=context["expected"])
        case other:
            message: str = error["msg"]
            return PROBLEMS.get(other, message.replace("Input should", "must"))


def find_line(path: Path, pattern: str) -> int:
    """Return the number of the first line of a file that matches `pattern`, else 0."""
    rows = enumerate(read_text(path).split("\n"), start=1)
    return next((number for number, row in rows if re.match(pattern, row)), 0)


def find_line_in_table(path: Path, table: str, key: str) -> int:
    """Return the line number of a key in a table of a TOML file.

    Return the line of the table's header if the table does not have the key, and 0 if there is no header.
    """
    header = rf"\s*\[\s*[\"']?{re.escape(table)}[\"']?\s*[.\]]"
    own_key = rf"{_key_pattern(key)}|\s*\[.*\.\s*[\"']?{re.escape(key)}[\"']?\s*\]"
    first, is_inside = 0, False
    for number, row in enumerate(read_text(path).split("\n"), start=1):
        if re.match(r"\s*\[", row):
            is_inside = re.match(header, row) is not None
            first = first or (number if is_inside else 0)
        if is_inside and re.match(own_key, row):
            return number
    return first


def _key_pattern(key: str) -> str:
    return rf"\s*\[?[\"']?{re.escape(key)}[\"']?\s*[=\]]"
