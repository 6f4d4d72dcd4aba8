"""Read subscribers/lists.toml: one table for each list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from moza_mail.errors import AddressError, ListError, ProjectError, locate
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.mailing_list import ATTRIBUTE_NAME, LANGUAGE_TAG, MailingList, OptIn
from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.model.segment import Segment, SegmentError
from moza_mail.model.send_time import WeeklySchedule
from moza_mail.project import config
from moza_mail.project.config import WebAddress

MAX_CONSENT_LENGTH = 1000
SLUG = r"[a-z0-9][a-z0-9_-]{0,62}"


def _check_attribute(value: str) -> str:
    if not re.fullmatch(ATTRIBUTE_NAME, value):
        raise ValueError(_("may contain only names of lower-case letters, digits and _, such as organisatie"))
    return value


def _check_language(value: str) -> str:
    if not re.fullmatch(LANGUAGE_TAG, value):
        raise ValueError(_("must be a language tag such as nl or en-GB"))
    return value


def _index_by_language(value: Any) -> Any:
    """Return a table of texts by language. A single text for all languages gets an empty key."""
    return {"": value} if isinstance(value, str) else value


def _check_consent(value: Mapping[str, str]) -> Mapping[str, str]:
    texts = {lang: " ".join(text.split()) for lang, text in value.items() if text.strip()}
    for lang, text in texts.items():
        if lang and not re.fullmatch(LANGUAGE_TAG, lang):
            raise ValueError(_("must have a language tag for each text, such as nl or en"))
        if len(text) > MAX_CONSENT_LENGTH:
            raise ValueError(_("must be a text of at most {maximum} characters", maximum=MAX_CONSENT_LENGTH))
    return texts


def _check_characters(value: str) -> str:
    if CONTROL_CHARACTER.search(value):
        raise ValueError(_("may not contain a control character"))
    return value.strip()


def _check_issue_title(value: str) -> str:
    if re.search(r"[{}<>]", value.replace("{date}", "").replace("{week}", "")):
        raise ValueError(_("may contain {date} and {week}, but no other < > { or }"))
    return _check_characters(value)


def _check_schedule(value: str) -> str:
    if value:
        WeeklySchedule.parse(value, ZoneInfo("UTC"))
    return value


class ListSettings(BaseModel):
    """The settings of one list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    sender: str
    sender_name: str = ""
    reply_to: str = ""
    lang: Annotated[str, AfterValidator(_check_language)] = "nl"
    theme: str = ""
    opt_in: Literal["double", "recorded"] = "double"
    list_id: str = Field(default="", pattern=r"^$|^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")
    postal_address: str = ""
    contact: str = ""
    attributes: tuple[Annotated[str, AfterValidator(_check_attribute)], ...] = ()
    archive_url: WebAddress = ""
    consent: Annotated[
        dict[str, str], BeforeValidator(_index_by_language), AfterValidator(_check_consent)
    ] = Field(default_factory=dict)
    consent_version: Annotated[str, AfterValidator(_check_characters), Field(max_length=60)] = ""
    schedule: Annotated[str, AfterValidator(_check_schedule)] = ""
    issue_title: Annotated[str, AfterValidator(_check_issue_title)] = ""
    approval: ApprovalPolicy | None = None
    segments: dict[str, dict[str, Any]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListsFile:
    """The lists in lists.toml.

    lists: the usable lists, by slug.
    faults: the errors of the lists that are not usable, by slug. The other lists remain usable.
    """

    lists: Mapping[str, MailingList]
    faults: Mapping[str, ListError]


def read_lists(path: Path, zone: ZoneInfo) -> ListsFile:
    """Read the lists; raise ProjectError with the line if the file is not TOML.

    zone: the time zone of schedules that do not name a time zone.
    """
    lists: dict[str, MailingList] = {}
    faults: dict[str, ListError] = {}
    for slug, table in config.parse_toml(path).items():
        try:
            lists[slug] = _read_list(slug, table, path, zone)
        except ListError as error:
            faults[slug] = error
    return ListsFile(lists=lists, faults=faults)


def _read_list(slug: str, table: Any, path: Path, zone: ZoneInfo) -> MailingList:
    if not isinstance(table, dict):
        line = config.find_line(path, rf"\s*(?:\[\[\s*)?[\"']?{re.escape(slug)}[\"']?\s*[=\]]")
        raise ListError(
            locate(_("`{slug}` must be a table", slug=slug), str(path), line),
            hint=_("Write [{slug}] above its keys.", slug=slug),
        )
    if not re.fullmatch(SLUG, slug):
        raise ListError(
            locate(
                _("`{slug}` cannot be the name of a list", slug=slug),
                str(path),
                config.find_line_in_table(path, slug, ""),
            ),
            hint=_("Use lower-case letters, digits, - and _."),
        )
    try:
        config.require_printable(path, table, name=slug)
    except ProjectError as error:
        raise ListError(error.message, hint=error.hint) from None
    try:
        given = ListSettings(**table)
    except ValidationError as error:
        manual = f"docs/subscribers.md ([{slug}])"
        found = config.describe_validation_error(path, error, manual, table=slug)
        raise ListError(found.message, hint=found.hint) from None
    return MailingList(
        slug=slug,
        title=given.title,
        sender=_read_address(slug, "sender", given.sender, path),
        sender_name=given.sender_name or given.title,
        reply_to=_read_address(slug, "reply_to", given.reply_to, path) if given.reply_to else None,
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
        segments=_read_segments(slug, given, path),
    )


def _read_address(slug: str, key: str, value: str, path: Path) -> Address:
    try:
        return Address.parse(value)
    except AddressError as error:
        message = _("`{slug}.{key}`: {reason}", slug=slug, key=key, reason=error.message)
        line = config.find_line_in_table(path, slug, key)
        raise ListError(locate(message, str(path), line), hint=_("Write one plain address.")) from None


def _read_segments(slug: str, given: ListSettings, path: Path) -> Mapping[str, Segment]:
    """Read the segments of a list, by name."""
    found = {}
    for name, table in given.segments.items():
        try:
            found[name] = _read_segment(name, table, slug, given)
        except SegmentError as error:
            message = _("[{slug}.segments.{name}]: {reason}", slug=slug, name=name, reason=error.args[0])
            raise ListError(
                locate(message, str(path), _find_segment_line(path, slug, name)),
                hint=_("See docs/subscribers.md for how to write a segment."),
            ) from None
    return MappingProxyType(found)


def _read_segment(name: str, table: Mapping[str, Any], slug: str, given: ListSettings) -> Segment:
    """Read a segment; raise SegmentError if it uses an attribute that the list does not have."""
    if not re.fullmatch(SLUG, name):
        raise SegmentError(_("the name is not allowed; use lower-case letters, digits, - and _"))
    segment = Segment.parse(name, table, lang=given.lang)
    if unknown := sorted(segment.attributes - {NAME_FIELD, *given.attributes}):
        known = ", ".join(given.attributes) or _("none yet")
        raise SegmentError(
            _(
                "there is no attribute `{name}`; `attributes` of [{slug}] are: {known}",
                name=unknown[0],
                slug=slug,
                known=known,
            )
        )
    return segment


def _find_segment_line(path: Path, slug: str, name: str) -> int:
    quoted = f"[\"']?{re.escape(name)}[\"']?"
    return config.find_line(path, rf"\s*\[\s*\"?{slug}\"?\s*\.\s*segments\s*\.\s*{quoted}\s*\]")
