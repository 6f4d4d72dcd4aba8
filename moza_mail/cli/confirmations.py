"""`moza-mail confirmations`: mail the confirmations of sign-ups that are due."""

from moza_mail.app.confirmations import send_confirmations
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import MozaMailError, StoreLocked
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


def confirmations(project: Project, *, as_json: bool) -> int:
    """Mail the due confirmations and print a report. Return 0 even if another process does so."""
    try:
        report = run_async(lambda: send_confirmations(project, say_delay))
    except StoreLocked as error:
        output.say(output.shown_lines((error.message, error.hint), " "))
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
    return 0


def say_delay(error: Exception) -> None:
    """Print why confirmations are retried later."""
    is_ours = not isinstance(error, MozaMailError)
    reason = (
        _("this is our mistake ({name})", name=type(error).__name__)
        if is_ours
        else getattr(error, "message", "")
    )
    output.say(_("Confirmations are retried within 30 seconds: {reason}", reason=reason))
