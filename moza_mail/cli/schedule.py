"""`moza-mail schedule`: what calls `send --due` every minute, and what it will send next."""

import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from moza_mail import sending
from moza_mail.app import open_project, prepare_issue
from moza_mail.cli import due_precheck, findings, output
from moza_mail.errors import MozaMailError
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.finding import Severity
from moza_mail.project import Project
from moza_mail.sending import DueState, PlannedIssue, list_due_states
from moza_mail.store import Store, account

NEXT = 3
# What has passed longer ago than this is an archive, and no longer anybody's trouble.
RECENT = timedelta(days=7)
OPEN = frozenset({DueState.DUE, DueState.BEGUN, DueState.STALE, DueState.DRAFT})
NAME = "moza-mail-due"


def show(project: Project, *, as_json: bool) -> None:
    """Print the line for cron, and the units for systemd."""
    crontab = f"* * * * * {_in_crontab(_command(project))}"
    units = {f"{NAME}.service": _service(project), f"{NAME}.timer": _timer()}
    if as_json:
        output.give_json({"user": account(), "crontab": crontab, "systemd": units})
        return
    output.give(f"# cron: for the crontab of {account()} (crontab -e)\n{crontab}")
    for name, unit in units.items():
        output.give(f"\n# systemd: /etc/systemd/system/{name}\n{unit}")
    output.say(f"One of the two is enough. With systemd: systemctl enable --now {NAME}.timer")
    output.say(
        "Cron knows no environment: name the file of the relay's password in it (docs/configuration.md)."
    )


def _command(project: Project) -> list[str]:
    """How this moza-mail is called for this project, by paths that hold anywhere."""
    return [*_program(), "--project", str(project.root), "send", "--due"]


def _program() -> list[str]:
    called = Path(sys.argv[0])
    beside = Path(sys.executable).with_name("moza-mail")
    for path in (called if called.name == "moza-mail" else beside, beside):
        if path.is_file() and os.access(path, os.X_OK):
            return [str(path.absolute())]
    return [sys.executable, "-m", "moza_mail"]


def _in_crontab(command: list[str]) -> str:
    r"""A command for the shell; cron itself takes a bare `%` for the end of it (crontab(5))."""
    return shlex.join(command).replace("%", r"\%")


def _in_unit(command: list[str]) -> str:
    """A command for ExecStart=, in its own quotes; `%` and `$` are said twice (systemd.service(5), systemd.unit(5))."""

    def quoted(word: str) -> str:
        word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
        return f'"{word}"' if any(sign in word for sign in " \t'\"\\;") else word

    return " ".join(map(quoted, command))


def _service(project: Project) -> str:
    folder = str(project.root).replace("%", "%%")
    return f"""[Unit]
Description=Send what is due of the newsletter in {folder}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={account()}
WorkingDirectory={folder}
ExecStart={_in_unit(_command(project))}
# Stopped in good order; 3 (news for a human) and 75 (the relay is away) count as failures, for OnFailure= to tell.
SuccessExitStatus=130 143
TimeoutStopSec=120
"""


def _timer() -> str:
    return """[Unit]
Description=Look every minute whether an issue of the newsletter is due

[Timer]
OnCalendar=*-*-* *:*:00
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """One of the next sends: its moment and list, the issue when there is one, and what still keeps it from going."""

    at: datetime
    list_slug: str
    source: str = ""
    wants: tuple[str, ...] = ()
    approval: str = ""


def check(project: Project, *, as_json: bool) -> int:
    """Say when the next sends are and what would go; give 3 when something keeps the first one from going."""
    return open_project.run_async(lambda: _check(project, as_json=as_json))


async def _check(project: Project, *, as_json: bool) -> int:
    known = due_precheck.plans(project)
    now = prepare_issue.now()
    async with open_project.open_store(project) as store:
        stands = await list_due_states(store, known.found, now, project.config.stale_after)
        late = [(plan, where) for plan, where in stands if where in OPEN and plan.at <= now]
        recent = [(plan, where) for plan, where in late if now - plan.at <= RECENT]
        overdue = [(await _looked_at(project, store, plan), where) for plan, where in recent]
        coming = [await _looked_at(project, store, one) for one in _next(project, stands, now)]
    if as_json:
        troubles = [error.message for error in known.troubles]
        told = [{**_as_data(project, one), "stand": where.value} for one, where in overdue]
        told_next = [_as_data(project, one) for one in coming]
        output.give_json(
            {"now": now.isoformat(), "overdue": told, "next": told_next, "passed_over": troubles}
        )
    else:
        output.give("\n".join(_lines(project, overdue, coming)))
        if older := len(late) - len(recent):
            output.say(f"Older, and never sent: {older}. They do not go by themselves.")
        for error in known.troubles:
            output.say(f"Passed over: {error.message}")
    wanting = overdue or known.troubles or any(one.wants for one in coming[:1])
    return output.NEEDS_A_HUMAN if wanting else 0


def _next(project: Project, stands: list[tuple[PlannedIssue, DueState]], now: datetime) -> list[PlannedIssue]:
    """The next moments: those of the issues that wait, and those of slots for which there is no issue yet."""
    waiting = [plan for plan, where in stands if plan.at > now and where is not DueState.DONE]
    taken = {(plan.list_slug, plan.at) for plan in waiting}
    free = [
        PlannedIssue(issue_slug="", list_slug=slug, source="", at=at)
        for slug, mailing_list in project.read_lists().items()
        if mailing_list.schedule
        for at in mailing_list.schedule.next_send_times(now, NEXT)
        if (slug, at) not in taken
    ]
    return sorted([*waiting, *free], key=lambda plan: (plan.at, plan.list_slug, plan.source))[:NEXT]


async def _looked_at(project: Project, store: Store, plan: PlannedIssue) -> Coming:
    """A coming send with what keeps it from going, as things are now."""
    if not plan.source:
        day = plan.at.astimezone(_zone(project, plan.list_slug)).date()
        return Coming(
            at=plan.at, list_slug=plan.list_slug, wants=(f"no issue yet: moza-mail new --date {day}",)
        )
    wants = ["it is a draft"] if plan.draft else []
    approval = ""
    try:
        dressed = prepare_issue.prepare_issue(project, plan.source, plan.list_slug)
        errors = [found for found in prepare_issue.check_issue(dressed) if found.severity is Severity.ERROR]
        wants += [f"check finds {findings.counted(errors)}"] if errors else []
        policy = project.approval_policy(dressed.mailing_list)
        verdict = await sending.find_approval_status(store, dressed.draft_mailing())
        approval = str(verdict) if policy is not ApprovalPolicy.OFF or verdict.approval else ""
        wants += (
            [str(verdict)]
            if policy is not ApprovalPolicy.OFF and verdict.state != sending.ApprovalState.APPROVED
            else []
        )
    except MozaMailError as error:
        wants.append(error.message)
    return Coming(
        at=plan.at, list_slug=plan.list_slug, source=plan.source, wants=tuple(wants), approval=approval
    )


def _zone(project: Project, list_slug: str) -> tzinfo:
    slot = project.read_list(list_slug).schedule
    return slot.zone if slot else project.config.zone


def _local(project: Project, one: Coming) -> str:
    """`wed 2026-01-21 09:00 CET`."""
    here = one.at.astimezone(_zone(project, one.list_slug))
    return f"{here:%a %Y-%m-%d %H:%M} {here.tzname()}"


def _lines(project: Project, overdue: list[tuple[Coming, DueState]], coming: list[Coming]) -> Iterator[str]:
    for one, where in overdue:
        yield f"{_local(project, one)} to {one.list_slug}: {one.source} is {where}{_wanting(one)}"
    if not coming:
        yield "Nothing is sent by itself: no list has a slot, and no issue to come a send_at."
    for one in coming:
        ready = "ready" if one.source and not one.wants else ""
        about = ", ".join(part for part in (one.source, ready, one.approval) if part)
        yield f"{_local(project, one)} to {one.list_slug}: {about}{_wanting(one)}"


def _wanting(one: Coming) -> str:
    wants = [want for want in one.wants if want != one.approval]
    return f"{', ' if one.source else ''}{', '.join(wants)}" if wants else ""


def _as_data(project: Project, one: Coming) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "local": one.at.astimezone(_zone(project, one.list_slug)).isoformat(),
        "list": one.list_slug,
        "issue": one.source or None,
        "ready": bool(one.source) and not one.wants,
        "wants": list(one.wants),
        "approval": one.approval or None,
    }
