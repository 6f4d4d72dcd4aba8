"""Seal the audit log, and find what was changed in it. Pure.

Each entry has a number, 1 for the first, and a seal over its number, its content and the seal of the entry
before it. The head of the log is sealed too. It contains the number of the last entry, the number of entries,
and the number of the last entry that retention has deleted. Nobody can make a seal without the project's secret.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.i18n import ngettext
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.timestamps import format_utc

MOST_PROBLEMS = 20
"""The maximum number of problems in a report. A log that was replaced has a problem for each entry."""
SHORT_FINGERPRINT = 12
# Any white space, because a mail program or an editor may break the line.
ANCHOR = re.compile(
    r"moza-mail-anchor\s+(\d{1,15})\s+([0-9a-f]{32})\s+([0-9a-f]{12})\s+(\d{4}-\d\d-\d\dT\S+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """One row of the audit log as the database stores it.

    values: every column except the number and the seal. They may be of any type, because another program may
        have written them.
    """

    number: int
    values: Sequence[Any]
    seal: str

    def follows(self, seals: Iterable[str], hasher: AddressHasher) -> bool:
        """Return True if the seal of this row is correct after one of `seals`.

        seals: the possible seals of the entry before this row.
        """
        return any(self.seal == seal_entry(hasher, self.number, each, self.values) for each in seals)


def seal_entry(hasher: AddressHasher, number: int, previous_seal: str, values: Sequence[Any]) -> str:
    """Return the seal of an entry."""
    return hasher.make_seal(json.dumps([number, previous_seal, *values], default=repr))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The head of the audit log.

    last: the number of the last entry; 0 if there never was one.
    seal: the seal of the last entry.
    deleted: the number of the last entry that retention has deleted; 0 if it has deleted none.
    deleted_seal: the seal of that entry.
    rows: how many entries the log has now.
    """

    last: int = 0
    seal: str = ""
    deleted: int = 0
    deleted_seal: str = ""
    rows: int = 0

    def to_text(self, hasher: AddressHasher) -> str:
        """Return the head and its seal as the store keeps them."""
        text = json.dumps([self.last, self.seal, self.deleted, self.deleted_seal, self.rows])
        return f"{text} {hasher.make_head_seal(text)}"

    @classmethod
    def from_text(cls, text: str, hasher: AddressHasher) -> Self | None:
        """Return the head; None if it is missing or its seal is wrong."""
        content, _, seal = text.rpartition(" ")
        if not content or seal != hasher.make_head_seal(content):
            return None
        last, head_seal, deleted, deleted_seal, rows = json.loads(content)
        return cls(last=last, seal=head_seal, deleted=deleted, deleted_seal=deleted_seal, rows=rows)


class ProblemKind(StrEnum):
    """A sign that the audit log was changed by another program.

    The head is a sealed row with the number of entries. An anchor is a copy of the last seal, kept outside the database.

    changed: the seal of an entry is wrong, so the entry was changed, inserted or moved.
    missing: entries were deleted.
    added: an entry follows the last entry that the head records, or precedes the first one.
    head: the sealed head is missing or was changed.
    emptied: the store has data, but no entry was ever added.
    protection: the database no longer refuses changes of the log.
    secret: the store, or the anchor, was sealed with another secret.
    older: the anchor has a later entry than the log, so the database was replaced by an older copy, or the
        end of the log was deleted.
    other: the seal of an entry differs from the seal in the anchor, so the database was replaced.
    """

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    HEAD = "head"
    EMPTIED = "emptied"
    PROTECTION = "protection"
    SECRET = "secret"  # noqa: S105  (the name of a problem, not a secret)
    OLDER = "older"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProblem:
    """One problem of the audit log.

    first, last: the first and the last number of the affected entries; 0 if no entry is affected.
    """

    kind: ProblemKind
    first: int = 0
    last: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as JSON values."""
        return {"kind": self.kind.value, "first": self.first, "last": self.last}

    def describe(self) -> str:
        """Return the problem as a sentence."""
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        sentences = {
            ProblemKind.CHANGED: _("entry {numbers} was changed or inserted", numbers=numbers),
            ProblemKind.MISSING: _("deleted entries: {numbers}", numbers=numbers),
            ProblemKind.ADDED: _("entry {numbers} was inserted", numbers=numbers),
            ProblemKind.HEAD: _("the seal over the number of entries is missing or was changed"),
            ProblemKind.EMPTIED: _("the log is empty, but the store has data"),
            ProblemKind.PROTECTION: _("the triggers that protect the log were changed or deleted"),
            ProblemKind.SECRET: _("the seal was made with another secret"),
            ProblemKind.OLDER: _(
                "the anchor of entry {numbers} is newer than the log: the database was replaced by an older one, or entries were deleted",
                numbers=numbers,
            ),
            ProblemKind.OTHER: _(
                "entry {numbers} differs from its anchor: the database was replaced",
                numbers=numbers,
            ),
        }
        return str(sentences[self.kind])


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAnchor:
    """The number and seal of an entry, to be kept where nobody with access to the database can change it.

    fingerprint: the beginning of the fingerprint of the project's secret.
    """

    number: int
    seal: str
    fingerprint: str
    made_at: str

    @classmethod
    def of_head(cls, head: AuditHead, hasher: AddressHasher, now: datetime) -> Self:
        """Return the anchor of the log: the number and the seal of its last entry."""
        return cls(
            number=head.last,
            seal=head.seal,
            fingerprint=hasher.fingerprint[:SHORT_FINGERPRINT],
            made_at=format_utc(now),
        )

    def __str__(self) -> str:
        return f"moza-mail-anchor {self.number} {self.seal} {self.fingerprint} {self.made_at}"


def parse_anchors(text: str) -> tuple[AuditAnchor, ...]:
    """Return all anchors in a text; raise ProjectError if there are none."""
    found = [
        AuditAnchor(number=int(number), seal=seal, fingerprint=fingerprint, made_at=made_at)
        for number, seal, fingerprint, made_at in ANCHOR.findall(text)
    ]
    if not found:
        raise ProjectError(
            _("the text or file of --anchor contains no anchor"),
            hint=_("Give the line that `moza-mail privacy anchor` printed, or a file that contains it."),
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """Result of verifying the audit log.

    unverified_anchors: anchors of entries that retention has deleted since.
    """

    head: AuditHead
    problems: tuple[AuditProblem, ...] = ()
    unverified_anchors: int = 0

    @property
    def is_intact(self) -> bool:
        """True if no problem was found."""
        return not self.problems

    def describe(self) -> str:
        """Return a sentence with the number of entries, and the numbers that retention deleted.

        The log must be intact.
        """
        head = self.head
        text = ngettext(
            "The audit log is intact: {count} entry", "The audit log is intact: {count} entries", head.rows
        )
        if head.deleted:
            text = _("{text}; retention deleted those up to {deleted}", text=text, deleted=head.deleted)
        if self.unverified_anchors:
            text = _(
                "{text}; {count} anchors could not be checked, because their entries were deleted",
                text=text,
                count=self.unverified_anchors,
            )
        return _(
            "{text}. The last is entry {last} with the seal {seal}.",
            text=text,
            last=head.last,
            seal=head.seal or "-",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "intact": self.is_intact,
            "last": self.head.last,
            "entries": self.head.rows,
            "deleted": self.head.deleted,
            "seal": self.head.seal,
            "problems": [problem.to_dict() for problem in self.problems],
            "unverified_anchors": self.unverified_anchors,
        }


@dataclass(slots=True, kw_only=True)
class ChainVerifier:
    """Verifies the rows of the audit log, oldest first.

    head: None if the sealed head is missing or wrong; then the first row is trusted.
    """

    hasher: AddressHasher
    head: AuditHead | None
    problems: list[AuditProblem] = field(default_factory=list)
    _number: int | None = None
    _seals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.head is None:
            self.problems.append(AuditProblem(kind=ProblemKind.HEAD))
        else:
            self.begin_after(self.head.deleted, self.head.deleted_seal)

    def begin_after(self, number: int, seal: str) -> None:
        """Begin with the entry after `number`."""
        self._number, self._seals = number, (seal,)

    def read(self, rows: Sequence[SealedRow]) -> None:
        """Verify the next rows."""
        for row in rows:
            if self.head is not None and not self.head.deleted < row.number <= self.head.last:
                self._report(ProblemKind.ADDED, row.number, row.number)
                continue
            if self._number is None or row.follows(self._seals, self.hasher):
                self._seals = (row.seal,)
            elif row.number == self._number + 1:
                self._report(ProblemKind.CHANGED, row.number, row.number)
                # The next row follows this one, or the one before if this one was inserted.
                self._seals = (*self._seals[-1:], row.seal)
            else:
                self._report(ProblemKind.MISSING, self._number + 1, row.number - 1)
                self._seals = (row.seal,)
            self._number = row.number

    def _report(self, kind: ProblemKind, first: int, last: int) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(AuditProblem(kind=kind, first=first, last=last))

    def finish(self) -> AuditCheck:
        """Compare the last row with the head and return the result."""
        if self.head is not None and self._number is not None:
            if self._number < self.head.last:
                self._report(ProblemKind.MISSING, self._number + 1, self.head.last)
            elif self.head.seal not in self._seals:
                self._report(ProblemKind.CHANGED, self.head.last, self.head.last)
        return AuditCheck(head=self.head or AuditHead(), problems=tuple(dict.fromkeys(self.problems)))


def compare_anchor(
    anchor: AuditAnchor, head: AuditHead, hasher: AddressHasher, seal: str | None
) -> AuditProblem | None:
    """Return the problem that an anchor shows; None if there is none.

    seal: the seal of the entry with the anchor's number; None if there is no such entry.
    """
    if anchor.fingerprint != hasher.fingerprint[:SHORT_FINGERPRINT]:
        kind = ProblemKind.SECRET
    elif anchor.number > head.last:
        kind = ProblemKind.OLDER
    elif anchor.number < head.deleted or anchor.seal == seal:
        return None
    else:
        kind = ProblemKind.OTHER
    return AuditProblem(kind=kind, first=anchor.number, last=anchor.number)
