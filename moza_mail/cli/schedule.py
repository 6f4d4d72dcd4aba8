"""`moza-mail schedule`: print timers for `send --due`, and the next issues to be sent."""

from collections.abc import Iterator

from moza_mail.app import schedule as app
from moza_mail.app.open_project import open_store
from moza_mail.app.schedule import ScheduledSend, ScheduleReport
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


def show(project: Project, *, as_json: bool) -> None:
    """Print the line for cron, and the units for systemd."""
    files = app.write_schedule_files(project, app.find_program())
    if as_json:
        output.give_json({"user": files.account, "crontab": files.crontab, "systemd": dict(files.units)})
        return
    output.give(f"# cron: for the crontab of {files.account} (crontab -e)\n{files.crontab}")
    for name, unit in files.units.items():
        output.give(f"\n# systemd: /etc/systemd/system/{name}\n{unit}")
    output.say(_("Use one of the two. With systemd: systemctl enable --now {unit}.timer", unit=app.UNIT_NAME))
    output.say(
        _(
            "Cron does not read your environment. If the relay needs a password, set MOZA_MAIL_SMTP_PASSWORD_FILE in the crontab (docs/configuration.md)."
        )
    )


def check(project: Project, *, as_json: bool) -> int:
    """Print the next sends and the overdue ones; return 3 if a person must act."""

    async def work() -> ScheduleReport:
        async with open_store(project) as store:
            return await app.check_schedule(store, project)

    report = run_async(work)
    if as_json:
        output.give_json(report.as_data())
    else:
        output.give(output.shown_lines(_lines(report)))
        if older := report.describe_older():
            output.say(older)
        for error in report.errors:
            output.say(_("Unreadable: {message}", message=error.message))
    return output.NEEDS_ATTENTION if report.needs_attention else 0


def _lines(report: ScheduleReport) -> Iterator[str]:
    for one in report.overdue:
        yield _(
            "{moment} to {list_slug}: {source} is {state}{missing}",
            moment=_moment(one),
            list_slug=one.list_slug,
            source=one.source,
            state=one.mailing or str(one.state),
            missing=_missing(one),
        )
    if not report.upcoming:
        yield _("Nothing is scheduled: no list has a schedule, and no coming issue has a `send_at`.")
    for one in report.upcoming:
        parts = (one.source, _("ready") if one.is_ready else one.mailing, one.approval)
        yield _(
            "{moment} to {list_slug}: {parts}{missing}",
            moment=_moment(one),
            list_slug=one.list_slug,
            parts=output.shown_lines(filter(None, parts), ", "),
            missing=_missing(one),
        )


def _moment(one: ScheduledSend) -> str:
    """Format a time as `wed 2026-01-21 09:00 CET`."""
    return f"{one.at:%a %Y-%m-%d %H:%M} {one.at.tzname()}"


def _missing(one: ScheduledSend) -> str:
    reasons = output.shown_lines((reason for reason in one.missing if reason != one.approval), ", ")
    return f"{', ' if one.source and reasons else ''}{reasons}"
