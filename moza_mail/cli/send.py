"""`moza-mail send`: show the plan, ask, send, and report."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from moza_mail.app import report_text
from moza_mail.app import send as app
from moza_mail.app.check_issue import check_issue, findings_as_data
from moza_mail.app.dry_run_text import dry_run_as_lines, dry_run_warnings
from moza_mail.app.open_project import open_store, open_transport, outbox_folder
from moza_mail.app.outage import find_standby_warnings, wait_for_database
from moza_mail.app.plan_send import SendOptions, SendPlan, plan_send
from moza_mail.app.prepare_issue import PreparedIssue, prepare_issue
from moza_mail.app.send import OutcomesCallback, SendReport
from moza_mail.app.signing import describe_signing
from moza_mail.cli import findings, output
from moza_mail.cli.run import run_async, stop_on_signal
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import Outcome
from moza_mail.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCommand:
    """The arguments of `moza-mail send ISSUE`."""

    issue: str
    list_slug: str
    segment: str
    yes: bool
    as_json: bool
    options: SendOptions

    def prepare(self, project: Project) -> PreparedIssue:
        """Return the issue prepared for sending to its list or segment."""
        return prepare_issue(project, self.issue, self.list_slug, self.segment)


def send(project: Project, command: SendCommand) -> int:
    """Send an issue to its list, after showing the plan; return the exit code."""
    return run_async(lambda: _send(project, command))


async def _send(project: Project, command: SendCommand) -> int:
    prepared, options = command.prepare(project), command.options
    async with open_transport(project) as transport, open_store(project) as store:
        plan = await plan_send(store, prepared, options)
        if plan.is_finished(options):
            output.say(report_text.describe_finished(plan))
            return _report(project, await app.report_mailing(store, project, plan.mailing), command)
        if plan.has_errors:
            return _refuse(plan, command)
        _say_plan(plan, options, asks=not command.yes)
        if not command.yes:
            output.confirm(
                _(
                    "Send {slug} to {audience_name}?",
                    slug=prepared.issue.slug,
                    audience_name=plan.mailing.audience_name,
                ),
                _("nothing was sent"),
            )
        for warning in await find_standby_warnings(store, plan.mailing):
            output.say(warning)
        with stop_on_signal() as stop, _progress_bar(plan, command) as on_outcomes:
            wait_for_database(store, output.say, stop.event, options.wait)
            done = await app.send(store, transport, plan, options, stop=stop.event, on_outcomes=on_outcomes)
    code = _report(project, done, command)
    if done.error:
        raise done.error
    return 128 + stop.number if stop.number else code


def _say_plan(plan: SendPlan, options: SendOptions, *, asks: bool) -> None:
    output.say(plan_as_text(plan), own_addresses(plan.prepared))
    output.say(describe_signing(plan.keys, plan.prepared.mailing_list.sender.domain))
    for alarm in plan.alarms if asks else ():
        output.say(alarm)
    for line in report_text.verdicts_as_lines(plan.retried_verdicts(options)):
        output.say(_("  again    {verdict}", verdict=line.strip()))
    if options.retry_uncertain and plan.uncertain:
        output.say(
            _(
                "  again    {uncertain} uncertain recipients: some may get the message twice",
                uncertain=plan.uncertain,
            )
        )


def _refuse(plan: SendPlan, command: SendCommand) -> int:
    """Print the errors that keep an issue from being sent."""
    source = plan.prepared.issue.source
    if command.as_json:
        output.give_json(findings_as_data(source, plan.findings))
    output.say(findings.as_text(source, plan.findings))
    output.say(
        _(
            "Nothing was sent. Fix the errors, check again, then send: moza-mail check {source}\nA rule that does not suit your newsletter can be switched off: docs/check.md",
            source=source,
        )
    )
    return output.NEEDS_ATTENTION


def _report(project: Project, done: SendReport, command: SendCommand) -> int:
    """Print the report of a mailing; return 3 if a person must act."""
    progress = done.progress
    if command.as_json:
        output.give_json(done.as_data())
    else:
        output.give(output.shown_lines(report_text.progress_as_lines(progress, done.relay)))
        if folder := outbox_folder(project):
            output.say(_("The messages are in {folder}.", folder=str(folder)))
        if command.options.limit is not None and progress.remaining:
            output.say(
                _(
                    "{remaining} are left. Run the same command again to continue.",
                    remaining=progress.remaining,
                )
            )
        if progress.states[DeliveryState.UNCERTAIN]:
            output.say(
                _(
                    "Uncertain recipients are not mailed again automatically. Look up their Message-IDs in the relay's log: moza-mail status --uncertain"
                )
            )
    for alarm in done.alarms:
        output.say(alarm)
    return output.NEEDS_ATTENTION if done.needs_attention else 0


def own_addresses(prepared: PreparedIssue) -> list[str]:
    """Return the sender's addresses, which need not be masked in a plan."""
    return [str(prepared.mailing_list.sender)]


def plan_as_text(plan: SendPlan) -> str:
    """Describe the plan of a send, with the findings of `check`."""
    found = findings.as_plan_lines(plan.prepared.issue.source, plan.findings)
    return output.shown_lines([*report_text.plan_as_lines(plan), *found])


@contextmanager
def _progress_bar(plan: SendPlan, command: SendCommand) -> Generator[OutcomesCallback]:
    limit = command.options.limit
    total = plan.remaining if limit is None else min(plan.remaining, limit)
    with output.progress_bar(_("Sending"), total, quiet=command.as_json) as advance:
        yield lambda outcomes: advance(
            sum(outcome.state is not DeliveryState.PENDING for _, outcome in outcomes)
        )


def dry_run(project: Project, command: SendCommand) -> int:
    """Compose every message, and send none; return the exit code."""
    return run_async(lambda: _dry_run(project, command))


async def _dry_run(project: Project, command: SendCommand) -> int:
    prepared = command.prepare(project)

    def say_plan(plan: SendPlan) -> None:
        output.say(plan_as_text(plan), own_addresses(prepared))

    # Opening the transport checks the relay's settings, and makes no connection.
    async with open_transport(project), open_store(project) as store:
        done = await app.dry_run(store, prepared, say_plan)
    if not done.has_subscribers:
        output.say(
            _(
                "The list {slug} has no subscribers, so a message to an example recipient was composed.\n  Import subscribers: moza-mail subscribers import FILE --list {slug} --consent TEXT",
                slug=prepared.mailing_list.slug,
            )
        )
    output.say(describe_signing(done.plan.keys, prepared.mailing_list.sender.domain))
    if command.as_json:
        output.give_json(done.as_data())
    else:
        output.give(output.shown_lines(dry_run_as_lines(done)))
    for line in dry_run_warnings(done):
        output.say(line)
    return output.NEEDS_ATTENTION if done.plan.has_errors else 0


def test(project: Project, command: SendCommand, addresses: Sequence[str]) -> int:
    """Send a test copy to each address, and record nothing; return the exit code."""
    recipients = [
        Address.parse(address, international=project.config.smtputf8) for address in dict.fromkeys(addresses)
    ]
    prepared = command.prepare(project)
    if lines := findings.as_plan_lines(prepared.issue.source, check_issue(prepared)):
        output.say("\n".join(lines))
    outcomes = [run_async(partial(app.send_test_copy, prepared, recipient)) for recipient in recipients]
    for recipient, outcome in zip(recipients, outcomes, strict=True):
        _print_test(recipient, outcome, as_json=command.as_json)
    is_accepted = all(outcome.state is DeliveryState.ACCEPTED for outcome in outcomes)
    if is_accepted and not command.as_json and (folder := outbox_folder(project)):
        output.say(_("It is in {folder}.", folder=str(folder)))
    return 0 if is_accepted else output.NEEDS_ATTENTION


def _print_test(recipient: Address, outcome: Outcome, *, as_json: bool) -> None:
    reply = str(outcome.reply or outcome.detail)
    if as_json:
        state = outcome.state.value
        output.give_json({"test": True, "address": str(recipient), "state": state, "reply": reply})
        return
    is_accepted = outcome.state is DeliveryState.ACCEPTED
    output.give(
        _(
            "Test copy to {recipient}: {state}",
            recipient=str(recipient),
            state=outcome.state.value if is_accepted else f"{outcome.state} ({reply})",
        )
    )
