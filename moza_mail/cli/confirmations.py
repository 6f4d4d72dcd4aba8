"""`moza-mail confirmations`: mail the due confirmations of sign-ups."""

import sys

from moza_mail.app.confirmations import list_uncertain, send_confirmations
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import MozaMailError, StoreLocked
from moza_mail.i18n import gettext as _
from moza_mail.model.timestamps import format_utc
from moza_mail.project import Project


def confirmations(project: Project, *, as_json: bool) -> int:
    """Mail due confirmations and print a report; return 3 if a person must correct something."""
    try:
        report = run_async(lambda: send_confirmations(project, say_delay, is_by_hand=sys.stdin.isatty()))
    except StoreLocked as error:
        output.say(output.shown_lines((error.message, error.hint), ". "))
        return 0
    if as_json:
        output.give_json(report.as_data())
    else:
        outcomes = ", ".join(f"{count} {state}" for state, count in report.outcomes.items())
        output.give(
            _(
                "Confirmations: {outcomes}; {waiting} waiting",
                outcomes=outcomes or _("none was due"),
                waiting=report.waiting,
            )
        )
    return output.NEEDS_ATTENTION if report.has_errors else 0


def show_uncertain(project: Project, *, as_json: bool) -> int:
    """Print the sign-ups whose confirmation mail the relay may or may not have accepted."""
    found = run_async(lambda: list_uncertain(project))
    rows = [
        {"address": str(one.address), "list": one.list_slug, "signed_up_at": format_utc(one.created_at)}
        for one in found
    ]
    if as_json:
        output.give_json(rows)
        return 0
    for row in rows:
        output.give("  ".join(row.values()))
    if rows:
        output.say(
            _(
                "The relay may have accepted these mails, so they are not sent again. A person who received no mail can sign up again."
            )
        )
    return 0


def say_delay(error: Exception) -> None:
    """Print why confirmations are retried later."""
    is_ours = not isinstance(error, MozaMailError)
    reason = (
        _("this is a bug in moza-mail ({name})", name=type(error).__name__)
        if is_ours
        else getattr(error, "message", "")
    )
    output.say(_("Confirmations failed and are retried within 30 seconds: {reason}", reason=reason))
