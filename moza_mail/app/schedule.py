"""Write timers that run `send --due` every minute, and report the issues to be sent next."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from moza_mail.app.check_issue import check_issue, count_findings
from moza_mail.app.clock import now
from moza_mail.app.planned_issues import load_planned_issues
from moza_mail.app.prepare_issue import PreparedIssue, prepare_issue
from moza_mail.errors import MozaMailError
from moza_mail.i18n import gettext as _
from moza_mail.i18n import ngettext
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.finding import Severity
from moza_mail.project import Project
from moza_mail.sending.approval import ApprovalState, find_approval_status
from moza_mail.sending.due import require_sendable
from moza_mail.sending.schedule import DueState, PlannedIssue, list_due_states, make_handover_key
from moza_mail.store import Store, current_account

UNIT_NAME = "moza-mail-due"
MOST_UPCOMING = 3
# Issues that were due longer ago than this need no attention.
RECENT = timedelta(days=7)
OPEN_STATES = frozenset({DueState.DUE, DueState.BEGUN, DueState.STALE, DueState.DRAFT})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFiles:
    """The line for a crontab, and the systemd units by file name.

    account: the operating system account that runs the command.
    """

    account: str
    crontab: str
    units: Mapping[str, str]


def find_program() -> list[str]:
    """Return the command that runs this installation of moza-mail, with absolute paths."""
    called = Path(sys.argv[0])
    installed = Path(sys.executable).with_name("moza-mail")
    for path in (called if called.name == "moza-mail" else installed, installed):
        if path.is_file() and os.access(path, os.X_OK):
            return [str(path.absolute())]
    return [sys.executable, "-m", "moza_mail"]


def write_schedule_files(project: Project, program: Sequence[str]) -> ScheduleFiles:
    """Return the crontab line and the systemd units that run `send --due` every minute.

    program: the command that runs moza-mail, with absolute paths.
    """
    command = [*program, "--project", str(project.root), "send", "--due"]
    return ScheduleFiles(
        account=current_account(),
        crontab=f"* * * * * {_quote_for_cron(command)}",
        units={
            f"{UNIT_NAME}.service": _format_service_unit(project, command),
            f"{UNIT_NAME}.timer": _format_timer_unit(),
        },
    )


def _quote_for_cron(command: Sequence[str]) -> str:
    r"""Quote a command for the shell, and escape `%`, which cron treats specially (crontab(5))."""
    return shlex.join(command).replace("%", r"\%")


def _quote_for_systemd(command: Sequence[str]) -> str:
    """Quote a command for ExecStart=, in which `%` and `$` must be doubled.

    See systemd.service(5) and systemd.unit(5).
    """

    def quote(word: str) -> str:
        word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
        return f'"{word}"' if any(character in word for character in " \t'\"\\;") else word

    return " ".join(map(quote, command))


def _format_service_unit(project: Project, command: Sequence[str]) -> str:
    folder = str(project.root).replace("%", "%%")
    return f"""[Unit]
Description=Send the due issues of the newsletter in {folder}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={current_account()}
WorkingDirectory={folder}
ExecStart={_quote_for_systemd(command)}
# 130 and 143 are an orderly stop. 3 (a person must look) and 75 (relay unavailable) count as failures, for OnFailure=.
SuccessExitStatus=130 143
TimeoutStopSec=120
"""


def _format_timer_unit() -> str:
    return """[Unit]
Description=Check every minute whether an issue of the newsletter is due

[Timer]
OnCalendar=*-*-* *:*:00
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledSend:
    """One upcoming or overdue send.

    at: the send time, in the list's time zone.
    source: the issue's file; empty if there is no issue yet.
    missing: the reasons why the issue cannot be sent yet, as clauses.
    approval: the approval status; empty if no approval is needed and none was given.
    mailing: says that the issue was sent or is being sent; empty if its mailing has not begun.
    is_refused: True if `send --due` will refuse the issue, even if its text gets no errors.
    state: the state of an overdue send; None for an upcoming one.
    """

    at: datetime
    list_slug: str
    source: str = ""
    missing: tuple[str, ...] = ()
    approval: str = ""
    mailing: str = ""
    is_refused: bool = False
    state: DueState | None = None

    @property
    def is_ready(self) -> bool:
        """True if there is an issue, its mailing has not begun, and nothing keeps it from being sent."""
        return bool(self.source) and not (self.missing or self.mailing)

    def as_data(self) -> dict[str, Any]:
        """Return the send as JSON values."""
        return {
            "at": self.at.astimezone(UTC).isoformat(),
            "local": self.at.isoformat(),
            "list": self.list_slug,
            "issue": self.source or None,
            "ready": self.is_ready,
            "missing": list(self.missing),
            "approval": self.approval or None,
            "mailing": self.mailing or None,
            "refused": self.is_refused,
            **({"state": self.state.value} if self.state else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleReport:
    """The next sends and the sends that are overdue.

    overdue: sends that were due in the last 7 days.
    older: the number of sends that have been overdue for longer.
    errors: an error for each issue that could not be read.
    """

    checked_at: datetime
    overdue: Sequence[ScheduledSend]
    upcoming: Sequence[ScheduledSend]
    older: int
    errors: Sequence[MozaMailError]

    @property
    def needs_attention(self) -> bool:
        """True if a send is overdue or refused, an issue is unreadable, or the next send lacks something."""
        is_refused = any(one.is_refused for one in self.upcoming)
        return bool(
            self.overdue or self.errors or is_refused or any(one.missing for one in self.upcoming[:1])
        )

    def describe_older(self) -> str:
        """Return a sentence about the sends that are not in `overdue`; empty if there are none."""
        if not self.older:
            return ""
        return ngettext(
            "{count} older issue was never sent, and is not sent automatically.",
            "{count} older issues were never sent, and are not sent automatically.",
            self.older,
        )

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "now": self.checked_at.isoformat(),
            "overdue": [one.as_data() for one in self.overdue],
            "next": [one.as_data() for one in self.upcoming],
            "errors": [error.message for error in self.errors],
        }


async def check_schedule(store: Store, project: Project) -> ScheduleReport:
    """Report the issues that are sent next and the issues that are overdue."""
    planned, moment = load_planned_issues(project), now()
    states = await list_due_states(store, planned.issues, moment, project.config.max_lateness)
    late = [(plan, state) for plan, state in states if state in OPEN_STATES and plan.at <= moment]
    recent = [(plan, state) for plan, state in late if moment - plan.at <= RECENT]
    return ScheduleReport(
        checked_at=moment,
        overdue=[await _inspect(store, project, plan, state) for plan, state in recent],
        upcoming=[await _inspect(store, project, plan) for plan in _find_upcoming(project, states, moment)],
        older=len(late) - len(recent),
        errors=planned.errors,
    )


def _find_upcoming(
    project: Project, states: Sequence[tuple[PlannedIssue, DueState]], moment: datetime
) -> list[PlannedIssue]:
    """Return the next sends: issues with a later send time, and send times without an issue."""
    waiting = [plan for plan, state in states if plan.at > moment and state is not DueState.DONE]
    taken = {(plan.list_slug, plan.at) for plan in waiting}
    free = [
        PlannedIssue(issue_slug="", list_slug=slug, source="", at=at)
        for slug, mailing_list in project.read_lists().items()
        if mailing_list.schedule
        for at in mailing_list.schedule.next_send_times(moment, MOST_UPCOMING)
        if (slug, at) not in taken
    ]
    return sorted([*waiting, *free], key=lambda plan: (plan.at, plan.list_slug, plan.source))[:MOST_UPCOMING]


async def _inspect(
    store: Store, project: Project, plan: PlannedIssue, state: DueState | None = None
) -> ScheduledSend:
    """Return a planned send with the reasons why it cannot be sent yet."""
    at = plan.at.astimezone(_find_time_zone(project, plan.list_slug))
    if not plan.source:
        missing = (_("no issue yet: moza-mail new --date {date}", date=str(at.date())),)
        return ScheduledSend(at=at, list_slug=plan.list_slug, missing=missing)
    send = ScheduledSend(at=at, list_slug=plan.list_slug, source=plan.source, state=state)
    started = {(one.issue_slug, one.list_slug): one for one in await store.ledger.list_started()}
    if begun := started.get(plan.key):
        is_done = not begun.has_unsent and begun.next_attempt is None
        since = _format_time(begun.created_at.astimezone(at.tzinfo))
        clause = _("sent on {at}", at=since) if is_done else _("being sent since {at}", at=since)
        send = replace(send, mailing=clause)
        if is_done:
            return send
    reasons: list[str] = [_("it is a draft")] if plan.draft and not begun else []
    refusals: list[str] = []
    approval = ""
    try:
        prepared = prepare_issue(project, plan.source, plan.list_slug)
        errors = [one for one in check_issue(prepared) if one.severity is Severity.ERROR] if not begun else []
        reasons += [_("check finds {findings}", findings=count_findings(errors))] if errors else []
        status = await find_approval_status(store, prepared.draft_mailing())
        policy = project.approval_policy(prepared.mailing_list)
        is_required = policy is not ApprovalPolicy.OFF
        approval = status.describe() if is_required or status.approval else ""
        is_lacking = is_required and status.state is not ApprovalState.APPROVED
        reasons += [status.describe()] if is_lacking else []
        refusals = await _find_refusals(store, plan, prepared, ApprovalPolicy.OFF if is_lacking else policy)
    except MozaMailError as error:
        reasons.append(error.message)
    return replace(send, missing=(*reasons, *refusals), approval=approval, is_refused=bool(refusals))


async def _find_refusals(
    store: Store, plan: PlannedIssue, prepared: PreparedIssue, policy: ApprovalPolicy
) -> list[str]:
    """Return the reasons why `send --due` will refuse an issue, whatever its text contains."""
    refusals: list[str] = []
    try:
        drafted = prepared.draft_mailing()
        await require_sendable(store, plan, prepared.issue, drafted, policy, account=current_account())
        if await store.notices.was_reported(make_handover_key(plan)):
            refusals.append(
                _("no longer continued automatically: moza-mail status {slug}", slug=plan.issue_slug)
            )
    except MozaMailError as error:
        refusals.append(_("will be refused: {reason}", reason=error.message))
    return refusals


def _format_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname()}"


def _find_time_zone(project: Project, list_slug: str) -> tzinfo:
    schedule = project.read_list(list_slug).schedule
    return schedule.zone if schedule else project.config.zone
