"""`moza-mail send --due`: send the due issues. Cron runs this command every minute.

The command asks nothing, and prints nothing if no issue is due. Usually no issue is due. So the modules that are
needed only for sending are imported inside the functions that send.
"""

from typing import TYPE_CHECKING

from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store
from moza_mail.app.outage import report_outage_once, wait_for_database
from moza_mail.app.planned_issues import PlannedIssues, is_idle, list_states, load_planned_issues
from moza_mail.cli import output
from moza_mail.cli.run import run_async, stop_on_signal
from moza_mail.i18n import gettext as _
from moza_mail.project import Project
from moza_mail.store import Store

if TYPE_CHECKING:
    from moza_mail.app.send_due import DueIssueReport


def send_due(project: Project, *, as_json: bool, verbose: bool) -> int:
    """Send the due issues. Return 3 if a person must act, 75 if the relay fails, otherwise 0."""
    return report_outage_once(
        project, lambda: _send_planned(project, as_json=as_json, verbose=verbose), repeat=as_json or verbose
    )


def _send_planned(project: Project, *, as_json: bool, verbose: bool) -> int:
    planned = load_planned_issues(project)
    is_quiet = not (planned.errors or as_json or verbose)
    if is_quiet and run_async(lambda: is_idle(project, planned)):
        return 0
    return run_async(lambda: _send_due(project, planned, as_json=as_json, verbose=verbose))


async def _send_due(project: Project, planned: PlannedIssues, *, as_json: bool, verbose: bool) -> int:
    from moza_mail.app import send_due as app
    from moza_mail.app.login_backoff import open_relay_for_cron

    async with open_store(project) as store, open_relay_for_cron(project, store) as transport:
        if verbose:
            await _say_states(project, store, planned)
        with stop_on_signal() as stop:
            wait_for_database(store, output.say, stop.event)
            report = await app.send_due(
                project,
                store,
                transport,
                planned,
                stop=stop.event,
                on_issue=lambda one: _print_issue(one, as_json=as_json, verbose=verbose),
            )
    if as_json:
        output.give_json(report.as_data())
    for error in report.errors:
        output.say_error(error)
    return 128 + stop.number if stop.number else report.exit_code


async def _say_states(project: Project, store: Store, planned: PlannedIssues) -> None:
    """Print the state of every issue with a send time."""
    for plan, state in await list_states(project, store, planned):
        output.say(
            _(
                "{source}: {state}, {at} UTC to {list_slug}",
                source=plan.source,
                state=state,
                at=f"{plan.at:%Y-%m-%d %H:%M}",
                list_slug=plan.list_slug,
            )
        )
    for error in planned.errors:
        output.say(_("unreadable: {message}", message=error.message))


def _print_issue(report: "DueIssueReport", *, as_json: bool, verbose: bool) -> None:
    """Print the report of one issue, without errors that an earlier run reported."""
    from moza_mail.app.relay_alarms import describe_breaker
    from moza_mail.app.report_text import progress_as_lines

    result = report.result
    if result.is_busy:
        if verbose and result.error:
            output.say(result.error.message)
        return
    if result.progress and result.finished and not as_json:
        output.give(output.shown_lines(progress_as_lines(result.progress, report.relay)))
    if result.error and (result.is_news or verbose):
        output.say_error(result.error)
    for alarm in (*describe_breaker(result.breaker, report.relay), *report.alarms):
        output.say(alarm)
    if until := result.breaker.pause_until(now()):
        output.say(
            _(
                "It is paused, and continues automatically after {until} UTC. Or continue it now: moza-mail send {issue_slug}",
                until=f"{until:%Y-%m-%d %H:%M}",
                issue_slug=result.plan.issue_slug,
            )
        )
