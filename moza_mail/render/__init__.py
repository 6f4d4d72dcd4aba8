"""Render: an issue dressed in its theme, once for all its readers. Slots stay open for what is a reader's own."""

from datetime import tzinfo

from moza_mail.model.issue import Issue
from moza_mail.model.message import Attachment, Rendered
from moza_mail.model.theme import Colophon, Theme

__all__ = ["calendar", "issue"]


def issue(
    issue: Issue,
    theme: Theme,
    colophon: Colophon,
    *,
    zone: tzinfo,
    calendar: bool = False,
    domain: str = "moza-mail.invalid",
) -> Rendered:
    """Dress an issue: its HTML and its text from the same model, in the wording of the issue's language.

    `zone` is where the agenda's clock times hold. With `calendar` the dated events come along as issue.ics, whose
    identifiers end in `domain`. Raises IssueError for text that cannot be mailed, ThemeError for a theme that lacks
    something or is hard to read, RenderError for a template that goes wrong.
    """
    from moza_mail.render import guard, html, text, verify
    from moza_mail.render.preheader import preheader
    from moza_mail.render.view import View

    guard.check(issue)
    view = View.of(issue, theme, colophon, preheader=preheader(issue))
    attachments = _attachments(issue, zone, domain) if calendar else ()
    rendered = Rendered(
        subject=issue.subject or issue.title,
        preheader=view.preheader,
        html=html.render(view),
        text=text.render(view),
        lang=issue.lang,
        attachments=attachments,
    )
    verify.slots(rendered, can_unsubscribe=colophon.can_unsubscribe)
    return rendered


def calendar(issue: Issue, *, zone: tzinfo, domain: str) -> bytes | None:
    """The dated events as an iCalendar file (RFC 5545, METHOD:PUBLISH of RFC 5546 3.2.1); None when no event is dated.

    An event keeps its identifier from issue to issue for as long as its title stays, so that one that is moved moves
    in the reader's calendar. The same issue always gives the same bytes.
    """
    from moza_mail.render import guard, ics

    guard.check(issue)
    return ics.render(issue, zone=zone, domain=domain)


def _attachments(issue: Issue, zone: tzinfo, domain: str) -> tuple[Attachment, ...]:
    content = calendar(issue, zone=zone, domain=domain)
    if content is None:
        return ()
    kind = "text/calendar; charset=utf-8; method=PUBLISH"
    return (Attachment(filename="issue.ics", content_type=kind, content=content),)
