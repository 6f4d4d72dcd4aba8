"""Send the issues that are due, each exactly once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from moza_mail.app.check_issue import check_issue, count_findings, locate
from moza_mail.app.clock import now
from moza_mail.app.login_backoff import RELAY, remember_refusal
from moza_mail.app.mailing_report import progress_as_data
from moza_mail.app.notify import describe_cause, notify_operator
from moza_mail.app.open_project import pause_garbage_collection
from moza_mail.app.outage import find_standby_warnings
from moza_mail.app.planned_issues import PlannedIssues, find_unreported_lost
from moza_mail.app.prepare_issue import prepare_issue
from moza_mail.app.relay_alarms import describe_breaker, find_outbox_alarms
from moza_mail.app.send import send_settings
from moza_mail.app.signing import load_signing_keys
from moza_mail.app.wrong_clock import require_right_clock
from moza_mail.errors import AuthenticationRefused, MailingError, MozaMailError, SenderRefused, TransportError
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Severity
from moza_mail.model.mailing import StartedMailing
from moza_mail.project import Project
from moza_mail.sending import due
from moza_mail.sending.due import DueResult
from moza_mail.sending.schedule import PlannedIssue, make_lost_mailing_key
from moza_mail.store import Store, current_account
from moza_mail.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class DueIssueReport:
    """The result of one issue, and warnings about its deliveries."""

    result: DueResult
    relay: str
    alarms: Sequence[str] = ()

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        result = self.result
        return {
            "issue": result.plan.issue_slug,
            "list": result.plan.list_slug,
            "due": result.plan.at.isoformat(),
            "state": result.state.value,
            "finished": result.finished,
            "busy": result.is_busy,
            "error": type(result.error).__name__ if result.error else None,
            "message": result.error.message if result.error else "",
            "reported_before": not result.is_news,
            "alarms": [*describe_breaker(result.breaker, self.relay), *self.alarms],
            "mailing": progress_as_data(result.progress, self.relay) if result.progress else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReport:
    """The outcome of one run of `send --due`.

    issues: a report for each issue that was due.
    errors: errors that belong to no report in `issues`, such as unreadable issues and lists or a wrong clock. Errors that
        an earlier run reported are left out.
    """

    issues: Sequence[DueIssueReport]
    errors: Sequence[MozaMailError]

    @property
    def is_relay_unavailable(self) -> bool:
        """True if the relay could not be used, so the next run must try again."""
        errors = [one.result.error for one in self.issues]
        waiting_for_person = (AuthenticationRefused, SenderRefused)
        return any(
            isinstance(error, TransportError) and not isinstance(error, waiting_for_person)
            for error in errors
        )

    @property
    def needs_attention(self) -> bool:
        """True if a person must act on something that no earlier run reported."""
        results = [one.result for one in self.issues]
        return bool(self.errors) or any(
            one.needs_attention or (one.error and one.is_news and not one.is_busy) for one in results
        )

    @property
    def exit_code(self) -> int:
        """Return 75 if the next run must try again, 3 if a person must act, otherwise 0."""
        if self.is_relay_unavailable:
            return TransportError.exit_code
        return 3 if self.needs_attention else 0

    def describe_causes(self) -> list[str]:
        """Return a text for each problem in this run that needs a person."""
        causes = [describe_cause(error) for error in self.errors]
        for one in self.issues:
            result, slug = one.result, one.result.plan.issue_slug
            is_temporary = isinstance(result.error, TransportError) and result.error.exit_code == 75
            if result.error and result.is_news and not (result.is_busy or is_temporary):
                causes.append(describe_cause(result.error))
            causes += [
                f"{slug}: {alarm}" for alarm in (*describe_breaker(result.breaker, one.relay), *one.alarms)
            ]
            if result.needs_attention:
                causes.append(
                    f"{slug}: some recipients are refused or uncertain\n  Look at them: moza-mail status {slug}"
                )
        return causes

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        errors = [{"error": type(error).__name__, "message": error.message} for error in self.errors]
        return {"issues": [one.as_data() for one in self.issues], "errors": errors}


async def send_due(
    project: Project,
    store: Store,
    transport: Transport,
    planned: PlannedIssues,
    *,
    stop: asyncio.Event,
    on_issue: Callable[[DueIssueReport], None],
) -> DueReport:
    """Send every issue that is due.

    stop: set to end the run in good order.
    on_issue: receives the report of each issue when the issue is done.
    """
    relay = project.config.relay
    errors = await _find_new_errors(store, planned)
    try:
        await require_right_clock(store)
    except MailingError as error:
        is_news = await store.notices.report_once("clock is wrong", now=now())
        report = DueReport(issues=(), errors=[*errors, *([error] if is_news else [])])
        await notify_operator(project, store, report.describe_causes())
        return report
    await store.notices.forget("clock is wrong")
    reports: list[DueIssueReport] = []
    settings = due.DueSettings(
        prepare=lambda plan, begun: _prepare_mailing(project, plan, is_begun=begun),
        send_settings=lambda on_end: send_settings(project, stop=stop, on_end=on_end),
        clock=now,
        stop=stop,
        account=current_account(),
        max_age=project.config.max_lateness,
    )
    with pause_garbage_collection():
        async for result in due.send_due(store, transport, planned.issues, settings):
            alarms: Sequence[str] = ()
            if result.progress and result.finished:
                alarms = [
                    *await find_outbox_alarms(store, result.progress.mailing, relay),
                    *await find_standby_warnings(store, result.progress.mailing),
                ]
            reports.append(DueIssueReport(result=result, relay=relay, alarms=alarms))
            on_issue(reports[-1])
    if any(isinstance(one.result.error, AuthenticationRefused) for one in reports):
        await remember_refusal(store, project, RELAY)
    report = DueReport(issues=reports, errors=errors)
    await notify_operator(project, store, report.describe_causes())
    return report


async def _find_new_errors(store: Store, planned: PlannedIssues) -> list[MozaMailError]:
    """Return the errors that no earlier run reported, and remember them as reported."""
    errors: list[MozaMailError] = [
        error
        for error in planned.errors
        if await store.notices.report_once(f"unreadable {error.message}", now=now())
    ]
    for mailing in await find_unreported_lost(store, planned, now()):
        await store.notices.report_once(make_lost_mailing_key(mailing), now=now())
        errors.append(_make_lost_error(mailing))
    return errors


def _make_lost_error(mailing: StartedMailing) -> MailingError:
    slug = mailing.issue_slug
    return MailingError(
        _(
            "the mailing of {slug} to {list_slug}, begun on {created_at} UTC, is not finished, but no issue has the slug {slug}, so the remaining recipients are not mailed",
            slug=slug,
            list_slug=mailing.list_slug,
            created_at=f"{mailing.created_at:%Y-%m-%d %H:%M}",
        ),
        hint=_(
            "Put the file back under its old name, or write `slug: {slug}` in its front matter. See who is left: moza-mail status {slug}",
            slug=slug,
        ),
    )


def _prepare_mailing(project: Project, plan: PlannedIssue, *, is_begun: bool) -> due.PreparedMailing:
    """Prepare an issue for its list.

    Raises MailingError if the mailing has not begun and the check of the issue finds an error.
    """
    prepared = prepare_issue(project, plan.source, plan.list_slug)
    findings = () if is_begun else check_issue(prepared)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise MailingError(
            _(
                "{source} is not sent: check finds {findings}, first: {place}: {message}",
                source=plan.source,
                findings=count_findings(errors),
                place=locate(errors[0]),
                message=errors[0].message,
            ),
            hint=_(
                "Fix it and the issue is sent automatically. See all: moza-mail check {source}",
                source=plan.source,
            ),
        )
    keys = load_signing_keys(project, prepared.mailing_list)
    return due.PreparedMailing(
        issue=prepared.issue,
        mailing_list=prepared.mailing_list,
        drafted=prepared.draft_mailing(),
        policy=project.approval_policy(prepared.mailing_list),
        compile=lambda mailing: prepared.compile(mailing, keys=keys),
    )
