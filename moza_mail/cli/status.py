"""`moza-mail status` and `settle`: print a mailing's status, settle uncertain deliveries."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from moza_mail.app import mailing_status as app
from moza_mail.app import settle as settling
from moza_mail.app.mailing_report import summary_as_csv
from moza_mail.app.mailing_status import MailingStatus, StatusOptions
from moza_mail.app.open_project import open_store
from moza_mail.app.report_text import (
    assumption_as_lines,
    gap_as_lines,
    mailings_as_lines,
    progress_as_lines,
    settlements_as_lines,
    summary_as_lines,
)
from moza_mail.app.settle import SettleReport
from moza_mail.cli import output, privacy
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.store_mark import RestoreGap
from moza_mail.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCommand:
    """The arguments of `moza-mail status`."""

    issue: str
    list_slug: str
    options: StatusOptions
    as_csv: bool
    as_json: bool


def status(project: Project, command: StatusCommand) -> int:
    """Print the status of a mailing; return 3 if a person must act."""

    async def load() -> MailingStatus:
        async with open_store(project) as store:
            return await app.load_status(store, project, command.issue, command.list_slug, command.options)

    found = run_async(load)
    if command.as_csv:
        output.give(summary_as_csv(found.summary))
    elif command.as_json:
        output.give_json(found.as_data(command.options))
    else:
        _print(found, command.options)
    return output.NEEDS_ATTENTION if found.needs_attention else 0


def _print(found: MailingStatus, options: StatusOptions) -> None:
    lines = summary_as_lines(found.summary)
    progress = progress_as_lines(found.progress, found.relay)
    output.give(output.shown_lines([*progress, *lines, *mailings_as_lines(found)]))
    for one in found.recipients:
        output.give(f"    {one['address']}  {one['message_id']}  {one['reply']}".rstrip())
    for one in found.suppressions:
        output.give(f"    {one['address']}  {one['reason']}  {one['evidence']}")
    states = found.summary.states
    if intents := states[DeliveryState.INTENT]:
        output.say(
            _(
                "{intents} messages were being sent to the relay, by a `send` that is still running or that died. If no `send` is running, find out which messages are uncertain: moza-mail send ISSUE, or moza-mail settle",
                intents=intents,
            )
        )
    privacy.report_problems(found.audit_check)
    for error in found.unreadable:
        output.say_error(error)
    if found.has_uncertain and not options.state:
        output.say(_("See the uncertain recipients, with their Message-IDs: moza-mail status --uncertain"))
    if found.earlier:
        output.say(_("See one of them: moza-mail status ISSUE"))


def settle(project: Project, issue: str, list_slug: str, log: Path, *, as_json: bool) -> int:
    """Settle uncertain deliveries from the relay's log; return 3 if a person must act."""

    async def work() -> SettleReport:
        async with open_store(project) as store:
            return await settling.settle(store, project, issue, list_slug, log)

    done = run_async(work)
    if as_json:
        for one in done.mailings:
            counts = {"settled": one.settled, "left": one.left}
            output.give_json({"issue": one.mailing.issue_slug, "list": one.mailing.list_slug, **counts})
    elif done.mailings:
        output.give(output.shown_lines(settlements_as_lines(done, log.name)))
    for line in gap_as_lines(done.gap, done.period):
        output.say(line)
    return output.NEEDS_ATTENTION if done.needs_attention else 0


def assume_sent(project: Project, until: datetime) -> int:
    """Record that all issues up to `until` were sent; return 3 if later issues are uncertain."""

    async def work() -> RestoreGap:
        async with open_store(project) as store:
            moment = until.replace(tzinfo=project.config.zone).astimezone(UTC)
            return await settling.assume_sent(store, project, moment)

    gap = run_async(work)
    for line in assumption_as_lines(gap):
        output.say(line)
    return output.NEEDS_ATTENTION if gap.is_open else 0
