"""`moza-mail send`: the plan, the question, and then the mailing itself."""

import asyncio
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from moza_mail import sending
from moza_mail.app import open_project, prepare_issue
from moza_mail.app.prepare_issue import PreparedIssue, now
from moza_mail.cli import dkim, findings, output, relay_alarm, report
from moza_mail.cli.render import example_reader
from moza_mail.compose import DkimKey
from moza_mail.errors import EmptyAudience, MozaMailError
from moza_mail.model.address import Address
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.mailing import Breaker, DeliveryState, Mailing, Outcome, SkipReason
from moza_mail.model.message import Recipient
from moza_mail.project import Project
from moza_mail.sending import DryRunResult, compose_without_sending
from moza_mail.store import Audience, Store, account
from moza_mail.transport import Outcomes

TEST_PREFIX = "[TEST] "


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person asked for on the command line."""

    issue: str
    list_slug: str
    yes: bool
    as_json: bool
    limit: int | None = None
    wait: timedelta = timedelta(0)
    retry_uncertain: bool = False
    segment: str = ""

    def dress(self, project: Project) -> PreparedIssue:
        """The issue as its list's readers, or those of the segment, would get it."""
        return prepare_issue.select_segment(
            prepare_issue.prepare_issue(project, self.issue, self.list_slug), self.segment
        )


def send(project: Project, wish: Wish) -> int:
    """Mail an issue to its list, after showing the plan; give the exit code."""
    return open_project.run_async(lambda: _send(project, wish))


async def _send(project: Project, wish: Wish) -> int:
    dressed = wish.dress(project)
    async with (
        open_project.open_transport(project) as transport,
        open_project.open_store(project) as store,
    ):
        drafted = dressed.draft_mailing()
        known = await sending.find_mailing(store, drafted)
        if await _nothing_left(store, known, wish):
            return await _tell(project, store, known or drafted, wish)
        if known:
            # Its audience is frozen, whatever the rule of the segment has become.
            drafted = replace(drafted, segment=known.segment)
        keys = dkim.signing_keys(project, dressed.mailing_list)
        # What is under way has its content frozen, and nobody is left out because a rule has changed meanwhile.
        found = () if known else prepare_issue.check_issue(dressed)
        if _refused(found):
            return _refuse(dressed, found, wish)
        await approved(store, dressed, drafted)
        output.say(await plan(store, dressed, known, found), own(dressed))
        output.say(dkim.plan_line(keys, dressed.mailing_list.sender.domain))
        if known and not wish.yes:
            for alarmed in await relay_alarm.in_files(store, known, relay_name(project)):
                output.say(alarmed)
        if wish.retry_uncertain and known and (doubtful := await _doubtful(store, known)):
            output.say(
                f"  again    {doubtful} of whom nobody knows whether they have it: some may get it twice"
            )
        if not wish.yes:
            output.confirm(f"Send {dressed.issue.slug} to {drafted.whom}?", "nothing was sent")
        async with store.sending(f"moza-mail send {dressed.issue.slug}"):
            # It may have been withdrawn while the question waited for its answer.
            await approved(store, dressed, drafted)
            mailing = await sending.begin_mailing(store, dressed.issue, dressed.mailing_list, drafted)
            compiled = dressed.compile(mailing, keys=keys)
            with (
                open_project.pause_garbage_collection(),
                stoppable() as stopped,
                bar(wish, await store.counts(mailing.id)) as progress,
            ):
                ends: list[Breaker] = []
                run = sending.SendSettings(
                    clock=now,
                    stop=stopped.event,
                    batch_size=project.config.batch_size,
                    limit=wish.limit,
                    wait=wish.wait,
                    retry_uncertain=wish.retry_uncertain,
                    rates=project.config.pace,
                    on_outcomes=progress,
                    on_end=ends.append,
                )
                try:
                    await sending.deliver(store, transport, mailing, compiled, run)
                except MozaMailError:
                    await _tell(project, store, mailing, wish, keys, *ends)
                    raise
        code = await _tell(project, store, mailing, wish, keys, *ends)
        return 128 + stopped.number if stopped.number else code


async def _doubtful(store: Store, known: Mailing) -> int:
    """How many a retry would mail again: a sender that died left some in `intent`, who become uncertain when it begins."""
    states = await store.counts(known.id)
    return states[DeliveryState.UNCERTAIN] + states[DeliveryState.INTENT]


async def approved(store: Store, dressed: PreparedIssue, drafted: Mailing) -> None:
    """Raise NotApproved when a list's mailings must be approved and this one is not, as it is now."""
    policy = dressed.project.approval_policy(dressed.mailing_list)
    await sending.require_approval(store, drafted, policy, account=account())


def _refused(found: Sequence[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in found)


def _refuse(dressed: PreparedIssue, found: Sequence[Finding], wish: Wish) -> int:
    """Say why an issue is not mailed, and what to do."""
    source = dressed.issue.source
    if wish.as_json:
        output.give_json(findings.as_data(source, found))
    output.say(findings.as_text(source, found))
    output.say(
        f"Nothing was sent. Mend the errors, look with: moza-mail check {source}, and send again."
        "\nA rule that does not suit your newsletter can be switched off: docs/check.md."
    )
    return output.NEEDS_A_HUMAN


async def _nothing_left(store: Store, known: Mailing | None, wish: Wish) -> bool:
    """Whether the mailing is done but for what a human must decide."""
    if known is None:
        return False
    states = await store.counts(known.id)
    waiting = [DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.INTENT, DeliveryState.DEFERRED]
    if wish.retry_uncertain:
        waiting.append(DeliveryState.UNCERTAIN)
    return not any(states[state] for state in waiting)


async def _tell(
    project: Project,
    store: Store,
    mailing: Mailing,
    wish: Wish,
    keys: tuple[DkimKey, ...] = (),
    breaker: Breaker = Breaker(),  # noqa: B008  # frozen
) -> int:
    """Report where the mailing stands, and what the replies said of the sending; give 3 when a human has to look at it."""
    progress = await sending.load_progress(store, mailing)
    alarms = relay_alarm.sentences(breaker, relay_name(project))
    alarms += await relay_alarm.in_files(store, mailing, relay_name(project))
    if wish.as_json:
        data = report.as_data(progress, relay_name(project))
        output.give_json({**data, "signed": dkim.as_data(keys), "alarms": alarms})
    else:
        output.give(report.as_text(progress, relay_name(project)))
        if where := outbox(project):
            output.say(f"The messages are in {where}.")
        if wish.limit is not None and progress.remaining:
            output.say(f"{progress.remaining} are left; run the same command again for the next.")
        if progress.states[DeliveryState.UNCERTAIN]:
            output.say(
                "Those uncertain are not mailed again by themselves: look them up in the relay's log by Message-ID."
            )
    for sentence in alarms:
        output.say(sentence)
    return output.NEEDS_A_HUMAN if progress.needs_attention or alarms else 0


def relay_name(project: Project) -> str:
    """The relay as reports show it."""
    return project.config.relay


def outbox(project: Project) -> str:
    """The folder where an outbox keeps its messages, empty for a real relay."""
    kind, _, path = project.config.relay.partition(":")
    return str(project.root / path / "new") if kind == "outbox" else ""


def own(dressed: PreparedIssue) -> list[str]:
    """The addresses in a plan that are ours and no reader's."""
    return [str(dressed.mailing_list.sender)]


async def plan(store: Store, dressed: PreparedIssue, known: Mailing | None, found: Sequence[Finding]) -> str:
    """What would be sent to whom, in lines; raise EmptyAudience when nobody would get it."""
    lines = [
        f"{dressed.issue.title} ({dressed.issue.source})",
        f"  subject  {dressed.issue.subject or dressed.issue.title}",
        f"  from     {dressed.mailing_list.sender_name} <{dressed.mailing_list.sender}>",
        f"  through  {relay_name(dressed.project)}",
    ]
    if known is None:
        audience = await store.audience(dressed.mailing_list.slug, dressed.rendered.fields, dressed.segment)
        if not audience.confirmed:
            raise EmptyAudience(
                f"nobody on the list {dressed.draft_mailing().whom} can be mailed{left_out(audience)}",
                hint=f"Bring people in: moza-mail subscribers import FILE --list {dressed.mailing_list.slug} --consent TEXT",
            )
        left = audience.confirmed
        lines.append(f"  to       {audience.confirmed} of {dressed.mailing_list.slug}{left_out(audience)}")
        if before := await sending.find_duplicate(store, dressed.draft_mailing()):
            lines.append(
                f"  look     it reads the same as {before.issue_slug}, sent on {before.at:%Y-%m-%d}: who got that one gets it twice"
            )
    else:
        states = await store.counts(known.id)
        left = states[DeliveryState.PENDING] + states[DeliveryState.DEFERRED] + states[DeliveryState.CLAIMED]
        done = states[DeliveryState.ACCEPTED]
        lines.append(
            f"  to       {dressed.mailing_list.slug}, continued: {done} of {sum(states.values())} are accepted"
        )
    if segment := known.segment if known else dressed.segment:
        lines.append(f"  segment  {segment.slug}: {segment}")
    if rates := dressed.project.config.pace:
        span = await relay_alarm.lasting(store, known or dressed.draft_mailing(), rates, left)
        lines.append(f"  rate     {rates}: about {relay_alarm.words(span)}")
    return "\n".join([*lines, *findings.in_plan(dressed.issue.source, found)])


def left_out(audience: Audience) -> str:
    """Who of the list is not mailed and why, with the fields for which they have no value."""
    lacking = " or ".join(
        f"{name} ({count})" if len(audience.missing) > 1 else name for name, count in audience.missing.items()
    )
    shown = ", ".join(
        f"{count} without a value for {lacking}"
        if reason == SkipReason.MISSING_VALUE
        else f"{count} {reason.replace('_', ' ')}"
        for reason, count in audience.left_out.items()
        if count
    )
    return f" (not: {shown})" if shown else ""


@dataclass(slots=True)
class Stopped:
    """Whether a signal asked to end, and which."""

    event: asyncio.Event
    number: int = 0


@contextmanager
def stoppable() -> Generator[Stopped]:
    """Let Ctrl-C and SIGTERM end the sending in good order; a second one ends it at once, like a crash would."""
    stopped = Stopped(event=asyncio.Event())
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def ask(number: int) -> None:
        if stopped.number and task is not None:
            task.cancel()
            return
        stopped.number = number
        stopped.event.set()
        output.say("\nFinishing what is in flight ...")

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, ask, number)
    try:
        yield stopped
    except asyncio.CancelledError:
        raise output.Interrupted(stopped.number) from None
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


@contextmanager
def bar(wish: Wish, states: dict[DeliveryState, int]) -> Generator[Callable[[Outcomes], None]]:
    """A progress bar on a terminal, and nothing elsewhere."""
    if wish.as_json or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        waiting = (
            states[DeliveryState.PENDING] + states[DeliveryState.DEFERRED] + states[DeliveryState.CLAIMED]
        )
        task = shown.add_task(
            "Sending", total=min(waiting, wish.limit) if wish.limit is not None else waiting
        )
        yield lambda settled: shown.advance(
            task, sum(outcome.state is not DeliveryState.PENDING for _, outcome in settled)
        )


def dry_run(project: Project, wish: Wish) -> int:
    """Compose every message, open no connection, change nothing; give the exit code."""
    return open_project.run_async(lambda: _dry_run(project, wish))


async def _dry_run(project: Project, wish: Wish) -> int:
    dressed = wish.dress(project)
    keys = dkim.signing_keys(project, dressed.mailing_list)
    drafted = dressed.draft_mailing()
    # The relay's settings are tried too, though nothing is said to it.
    async with open_project.open_transport(project), open_project.open_store(project) as store:
        known = await sending.find_mailing(store, drafted)
        found = () if known else prepare_issue.check_issue(dressed)
        compiled = dressed.compile(drafted, keys=keys)
        new = known is None and await _is_new(store, dressed)
        if not new:
            output.say(await plan(store, dressed, known, found), own(dressed))
            rehearsal = await compose_without_sending(store, drafted, compiled)
        else:
            output.say(
                f"Nobody is on the list {dressed.mailing_list.slug} yet: a message to an invented reader was composed.\n"
                f"  Bring people in: moza-mail subscribers import FILE --list {dressed.mailing_list.slug} --consent TEXT"
            )
            size = len(compiled.message(example_reader(dressed.rendered))[1].content)
            rehearsal = DryRunResult(messages=0, bytes_min=size, bytes_max=size)
        output.say(dkim.plan_line(keys, dressed.mailing_list.sender.domain))
        states = await store.counts(known.id) if known else dict.fromkeys(DeliveryState, 0)
    if wish.as_json:
        progress = sending.MailingProgress(mailing=known or drafted, states=states, skipped=rehearsal.skipped)
        data = report.as_data(progress, relay_name(project))
        audience = progress.audience if known else rehearsal.audience
        output.give_json(
            {
                **data,
                "mailing": known.id if known else None,
                "audience": audience,
                "dry_run": True,
                "signed": dkim.as_data(keys),
                "messages": rehearsal.messages,
                "unfit": rehearsal.unfit,
                "bytes_min": rehearsal.bytes_min,
                "bytes_max": rehearsal.bytes_max,
            }
        )
    else:
        composed = (
            f"a message to an invented reader, of {rehearsal.bytes_max} bytes, was composed"
            if new
            else f"{rehearsal.messages} messages of {rehearsal.bytes_min} to {rehearsal.bytes_max} bytes were composed"
        )
        output.give(f"Dry run: {composed}. None was sent.")
        if rehearsal.unfit:
            output.say(f"{rehearsal.unfit} readers have a name or a value that no mail can hold.")
        if _refused(found):
            output.say("It would not be sent as it is: mend the errors first.")
    return output.NEEDS_A_HUMAN if _refused(found) else 0


async def _is_new(store: Store, dressed: PreparedIssue) -> bool:
    """Whether there has never been anybody on the list."""
    audience = await store.audience(dressed.mailing_list.slug)
    return not audience.confirmed and not any(audience.left_out.values())


def test(project: Project, wish: Wish, address: str) -> int:
    """Send one marked copy to one address, outside the ledger; give the exit code."""
    return open_project.run_async(
        lambda: _test(project, wish, Address.parse(address, international=project.config.smtputf8))
    )


async def test_copy(dressed: PreparedIssue, address: Address, reader: Recipient | None) -> Outcome:
    """Send one marked copy to one address, as `reader` would get it; the example reader when none is given."""
    drafted = prepare_issue.mark_as_test(dressed.draft_mailing())
    keys = dkim.signing_keys(dressed.project, dressed.mailing_list)
    compiled = dressed.compile(drafted, subject_prefix=TEST_PREFIX, keys=keys)
    known = reader or example_reader(dressed.rendered)
    async with open_project.open_transport(dressed.project) as transport:
        return await sending.send_test(transport, compiled, address, known.values)


async def _test(project: Project, wish: Wish, address: Address) -> int:
    dressed = prepare_issue.prepare_issue(project, wish.issue, wish.list_slug)
    if told := findings.in_plan(dressed.issue.source, prepare_issue.check_issue(dressed)):
        output.say("\n".join(told))
    outcome = await test_copy(dressed, address, None)
    accepted = outcome.state is DeliveryState.ACCEPTED
    if wish.as_json:
        reply = str(outcome.reply or outcome.detail)
        output.give_json(
            {"test": True, "address": str(address), "state": outcome.state.value, "reply": reply}
        )
    else:
        output.give(
            f"Test copy to {address}: {outcome.state}{'' if accepted else f' ({outcome.reply or outcome.detail})'}"
        )
        if accepted and (where := outbox(project)):
            output.say(f"It is in {where}.")
    return 0 if accepted else output.NEEDS_A_HUMAN
