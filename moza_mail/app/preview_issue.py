"""Preview an issue as one recipient would get it.

On request, a preview also returns the findings and the status of the issue, and sends a test copy.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from moza_mail import parse
from moza_mail.app.check_issue import check_issue
from moza_mail.app.issue_status import IssueStatus, IssueStatusReader
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.app.render_issue import example_recipient, personalise
from moza_mail.app.send import send_test_copy
from moza_mail.model.address import Address
from moza_mail.model.finding import Finding
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.message import Recipient, Rendered
from moza_mail.model.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePreview:
    """An issue rendered for one recipient. Fields that are functions do their work on request.

    is_draft: True if the front matter says that the issue must not be sent yet.
    sender: the sender's name, as a mail program shows it in its list of messages.
    missing: the merge fields without a value. If there is one, the recipient would be skipped.
    lines: the lines of the issue's text.
    message: returns the message as bytes, with example values for the missing fields.
    calendar: returns the iCalendar file; None if no event has a date.
    send_test: mails a test copy to an address.
    """

    title: str
    is_draft: bool
    sender: str
    rendered: Rendered
    missing: Sequence[str]
    lines: Sequence[str]
    message: Callable[[], bytes]
    calendar: Callable[[], bytes | None]
    findings: Callable[[], tuple[Finding, ...]]
    status: Callable[[], Awaitable[IssueStatus]]
    send_test: Callable[[Address], Awaitable[Outcome]]


def preview_issue(
    prepared: PreparedIssue,
    recipient: Recipient | None,
    others: Callable[[], tuple[IssueHeader, ...]],
    statuses: IssueStatusReader,
) -> IssuePreview:
    """Preview a prepared issue for a recipient, by default the example recipient.

    others: returns the front matter of the other issues in the folder; the findings depend on it.
    """
    example = example_recipient(prepared.rendered)
    recipient = recipient or example
    # The message shows an example where this recipient has no value.
    completed = replace(recipient, values={**example.values, **recipient.values})
    return IssuePreview(
        title=prepared.issue.title,
        is_draft=prepared.issue.draft,
        sender=prepared.mailing_list.sender_name or prepared.mailing_list.title,
        rendered=personalise(prepared, recipient),
        missing=recipient.missing_fields(prepared.rendered.fields),
        lines=parse.normalize_line_endings(prepared.text).split("\n"),
        message=cache(
            lambda: prepared.compile(prepared.draft_mailing()).compose_message(completed)[1].content
        ),
        calendar=prepared.render_calendar,
        findings=lambda: check_issue(prepared, others()),
        status=lambda: statuses.find_status(prepared),
        send_test=lambda address: send_test_copy(prepared, address, completed),
    )
