"""Finding: one thing about an issue that its editor should know before it is mailed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """How much a finding weighs: an error is never mailed, a warning may be, an info is for interest."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong, where, and the way out.

    `rule` names the rule that found it (docs/check.md). `source` is the file, `line` counts from 1 and is 0 when the
    finding is about the whole. `message` is a clause that follows the place, as an error's does; `fix` is a sentence that
    says what to do.
    """

    rule: str
    severity: Severity
    source: str
    line: int
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What the programme asks of its issues beside what is asked of every mail; `[check]` in moza-mail.toml.

    `words` maps a word that is not to be used to the one that is, empty when there is none. `sections` and `events` are
    titles that every issue must have, an event with a date. `hosts` may be asked for images, `closed_hosts` open only for some readers. `clients` are the mail
    programs to be judged for. `off` names rules that are not applied.
    """

    preferred_words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    required_sections: tuple[str, ...] = ()
    required_events: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    restricted_hosts: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    disabled: frozenset[str] = frozenset()
