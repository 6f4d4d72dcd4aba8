"""The front matter of an issue, which says when and to whom it is sent."""

from dataclasses import dataclass
from datetime import date

from moza_mail.model.send_time import LocalDateTime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueHeader:
    """The front matter of an issue that was parsed without its body."""

    slug: str
    title: str
    date: date
    list_slug: str = ""
    source: str = ""
    draft: bool = False
    send_at: LocalDateTime | None = None
