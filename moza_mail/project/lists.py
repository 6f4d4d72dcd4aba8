"""subscribers/lists.toml: the lists of a project, one table each."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from moza_mail.errors import AddressError, ProjectError
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.mailing_list import MailingList, OptIn
from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.model.segment import Segment, SegmentError
from moza_mail.model.send_time import WeeklySchedule
from moza_mail.project import config
from moza_mail.project.config import WebAddress

LONGEST_CONSENT = 1000
SLUG = r"[a-z0-9][a-z0-9_-]{0,62}"
LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


def _attribute(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", value):
        raise ValueError("names a column with small letters, digits and _ alone, such as organisatie")
    return value


def _by_language(value: Any) -> Any:
    """One sentence is that of every language."""
    return {"": value} if isinstance(value, str) else value


def _consent(value: Mapping[str, str]) -> Mapping[str, str]:
    texts = {lang: " ".join(text.split()) for lang, text in value.items() if text.strip()}
    for lang, text in texts.items():
        if lang and not re.fullmatch(LANGUAGE, lang):
            raise ValueError("has a language for each sentence, such as nl or en")
        if CONTROL_CHARACTER.search(text) or len(text) > LONGEST_CONSENT:
            raise ValueError(f"is a sentence of at most {LONGEST_CONSENT} signs")
    return texts


def _one_line(value: str) -> str:
    if CONTROL_CHARACTER.search(value):
        raise ValueError("may not hold a control character")
    return value.strip()


def _issue_title(value: str) -> str:
    if re.search(r"[{}<>]", value.replace("{date}", "").replace("{week}", "")):
        raise ValueError("may hold {date} and {week}, and no other sign of < > { }")
    return _one_line(value)


def _slot(value: str) -> str:
    if value:
        WeeklySchedule.parse(value, ZoneInfo("UTC"))
    return value


class ListSettings(BaseModel):
    """One table of subscribers/lists.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    sender: str
    sender_name: str = ""
    reply_to: str = ""
    lang: str = Field(default="nl", pattern=LANGUAGE)
    theme: str = ""
    opt_in: Literal["double", "recorded"] = "double"
    list_id: str = Field(default="", pattern=r"^$|^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")
    postal_address: str = ""
    contact: str = ""
    attributes: tuple[Annotated[str, AfterValidator(_attribute)], ...] = ()
    archive_url: WebAddress = ""
    consent: Annotated[dict[str, str], BeforeValidator(_by_language), AfterValidator(_consent)] = Field(
        default_factory=dict
    )
    consent_version: Annotated[str, AfterValidator(_one_line), Field(max_length=60)] = ""
    schedule: Annotated[str, AfterValidator(_slot)] = ""
    issue_title: Annotated[str, AfterValidator(_issue_title)] = ""
    approval: ApprovalPolicy | None = None
    segments: dict[str, dict[str, Any]] = Field(default_factory=dict)


def read_lists(path: Path, zone: ZoneInfo) -> dict[str, MailingList]:
    """The lists of the file by slug; a slot without a zone is in `zone`. Raises ProjectError with the file, the key and its line."""
    return {slug: _mailing_list(slug, table, path, zone) for slug, table in config.read_toml(path).items()}


def _mailing_list(slug: str, table: Any, path: Path, zone: ZoneInfo) -> MailingList:
    if not isinstance(table, dict):
        raise ProjectError(f"{path}: `{slug}` must be a table", hint=f"Write [{slug}] above its keys.")
    if not re.fullmatch(SLUG, slug):
        raise ProjectError(f"{path}: `{slug}` cannot name a list", hint="Use small letters, digits, - and _.")
    try:
        given = ListSettings(**table)
    except ValidationError as error:
        raise config.describe_validation_error(path, error, f"docs/subscribers.md ([{slug}])") from None
    try:
        return MailingList(
            slug=slug,
            title=given.title,
            sender=Address.parse(given.sender),
            sender_name=given.sender_name or given.title,
            reply_to=Address.parse(given.reply_to) if given.reply_to else None,
            lang=given.lang,
            theme=given.theme,
            opt_in=OptIn(given.opt_in),
            list_id=given.list_id,
            postal_address=given.postal_address,
            contact=given.contact,
            attributes=given.attributes,
            archive_url=given.archive_url,
            consent=MappingProxyType(given.consent),
            consent_version=given.consent_version,
            schedule=WeeklySchedule.parse(given.schedule, zone) if given.schedule else None,
            issue_title=given.issue_title,
            approval=given.approval,
            segments=_segments(slug, given, path),
        )
    except AddressError as error:
        raise ProjectError(f"{path}: [{slug}]: {error.message}", hint="Give one plain address.") from None


def _segments(slug: str, given: ListSettings, path: Path) -> Mapping[str, Segment]:
    """The segments of a list by their names."""
    found = {}
    for name, table in given.segments.items():
        try:
            found[name] = _segment(name, table, slug, given)
        except SegmentError as error:
            raise ProjectError(
                f"{path}{_line(path, slug, name)}: [{slug}.segments.{name}]: {error}",
                hint="See docs/subscribers.md for what a segment can say.",
            ) from None
    return MappingProxyType(found)


def _segment(name: str, table: Mapping[str, Any], slug: str, given: ListSettings) -> Segment:
    """A segment, which asks for nothing but what the list says is kept of its readers."""
    if not re.fullmatch(SLUG, name):
        raise SegmentError("cannot be named so; use small letters, digits, - and _")
    segment = Segment.read(name, table, lang=given.lang)
    if unknown := sorted(segment.attributes - {NAME_FIELD, *given.attributes}):
        kept = ", ".join(given.attributes) or "none yet"
        raise SegmentError(f"there is no attribute `{unknown[0]}`; `attributes` of [{slug}] are: {kept}")
    return segment


def _line(path: Path, slug: str, name: str) -> str:
    """`, line 4` where a segment begins, for tomllib tells no lines."""
    begin = re.compile(rf"\s*\[\s*\"?{slug}\"?\s*\.\s*segments\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*\]")
    rows = path.read_text(encoding="utf-8-sig").split("\n")
    at = next((number for number, row in enumerate(rows, start=1) if begin.match(row)), 0)
    return f", line {at}" if at else ""
