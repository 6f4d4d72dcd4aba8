"""Findings: problems that the author of an issue should know before it is mailed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from moza_mail.model.merge_field import NAME_FIELD


class Severity(StrEnum):
    """The severity of a finding.

    An error stops the mailing, and a warning does not. An info is only for information.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem in an issue, with its line and how to fix it.

    rule: the name of the rule (docs/check.md).
    source: the issue's file.
    line: counts from 1; 0 means the whole issue.
    message: a clause in lower case without a full stop.
    fix: an imperative sentence.
    """

    rule: str
    severity: Severity
    source: str
    line: int
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """The requirements of a project for its issues: the table [check] of moza-mail.toml, and facts about one issue.

    preferred_words: maps each word to avoid to the word to use instead, or to an empty text.
    required_sections: titles of sections that every issue must have.
    required_events: titles of events that every issue must have, each with a date that is not past.
    allowed_hosts: hosts from which a mail may fetch images.
    restricted_hosts: hosts that only some recipients can open.
    clients: the mail programs for which to check.
    disabled: the names of rules that are not checked.
    merge_fields: the names of the merge fields that the issue's list has.
    image_files: the names of the image files in the issue's folder.
    """

    preferred_words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    required_sections: tuple[str, ...] = ()
    required_events: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    restricted_hosts: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    disabled: frozenset[str] = frozenset()
    merge_fields: tuple[str, ...] = (NAME_FIELD,)
    image_files: frozenset[str] = frozenset()
