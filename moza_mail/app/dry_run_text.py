"""Describe a dry run in lines of text, with one whole message and its recipients."""

from collections.abc import Iterator
from email import message_from_bytes, policy

from moza_mail.app.send import DryRunReport
from moza_mail.i18n import gettext as _


def dry_run_as_lines(report: DryRunReport) -> Iterator[str]:
    """Yield the text of one message, the first recipients, and the number of messages."""
    result = report.result
    yield from _message_as_lines(result.example)
    if result.recipients:
        yield _("Recipients:")
        yield from (f"  {address}" for address in result.recipients)
    if more := result.messages - len(result.recipients):
        yield (
            _(
                "  and {count} more. See all: moza-mail subscribers export --list {list_slug} --mailable",
                count=more,
                list_slug=report.plan.mailing.list_slug,
            )
            if report.has_subscribers
            else ""
        )
    composed = (
        _(
            "{messages} messages of {bytes_min} to {bytes_max} bytes were composed",
            messages=result.messages,
            bytes_min=result.bytes_min,
            bytes_max=result.bytes_max,
        )
        if report.has_subscribers
        else _("a message of {bytes} bytes to an example recipient was composed", bytes=result.bytes_max)
    )
    yield _("Dry run: {composed}, none was sent.", composed=composed)


def _message_as_lines(content: bytes) -> Iterator[str]:
    """Yield the decoded headers and text of a message, and a line for each other part."""
    if not content:
        return
    message = message_from_bytes(content, policy=policy.default)
    yield from (f"{name}: {value}" for name, value in message.items())
    yield ""
    body = message.get_body(("plain",))
    yield str(body.get_content()).rstrip() if body else ""
    yield ""
    for part in message.walk():
        if part is body or part.is_multipart():
            continue
        size = len(part.get_payload(decode=True) or b"")
        yield _(
            "[{part}, {bytes} bytes: see it with moza-mail preview]", part=part.get_content_type(), bytes=size
        )
    yield ""


def dry_run_warnings(report: DryRunReport) -> Iterator[str]:
    """Yield warnings about the real send."""
    if report.result.unmailable:
        yield _(
            "{unmailable} recipients have a name or a value that a mail cannot contain.",
            unmailable=report.result.unmailable,
        )
    if report.plan.has_errors:
        yield _("It would not be sent: fix the errors first.")
