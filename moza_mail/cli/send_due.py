"""`moza-mail send --due` when there is something to do, or to tell."""

from collections.abc import Callable
from typing import Any

from moza_mail import sending
from moza_mail.app import open_project, prepare_issue
from moza_mail.cli import dkim, due_precheck, findings, output, relay_alarm, report, send
from moza_mail.cli.due_precheck import Plans
from moza_mail.errors import MailingError, MozaMailError, TransportError
from moza_mail.model.finding import Severity
from moza_mail.model.mailing import Begun, Breaker
from moza_mail.project import Project
from moza_mail.sending import due
from moza_mail.store import Store, account


def ready(project: Project, plan: sending.PlannedIssue, *, begun: bool) -> due.PreparedMailing:
    """An issue dressed for its list; raises MailingError when check finds what must not be mailed."""
    dressed = prepare_issue.prepare_issue(project, plan.source, plan.list_slug)
    if not begun:
        found = prepare_issue.check_issue(dressed)
        errors = [finding for finding in found if finding.severity is Severity.ERROR]
        if errors:
            raise MailingError(
                f"{plan.source} is not sent: check finds {findings.counted(errors)}, first: "
                f"{findings.place(errors[0])}: {errors[0].message}",
                hint=f"Mend it, and it goes by itself: moza-mail check {plan.source}",
            )
    keys = dkim.signing_keys(project, dressed.mailing_list)
    return due.PreparedMailing(
        issue=dressed.issue,
        mailing_list=dressed.mailing_list,
        drafted=dressed.draft_mailing(),
        policy=project.approval_policy(dressed.mailing_list),
        compile=lambda mailing: dressed.compile(mailing, keys=keys),
    )


def send_due(project: Project, known: Plans, *, as_json: bool, verbose: bool) -> int:
    """Send what is due; give 0 when all is well, 3 when there is news that a human must look at, 75 when the relay is away."""
    return open_project.run_async(lambda: _send_due(project, known, as_json=as_json, verbose=verbose))


async def _send_due(project: Project, known: Plans, *, as_json: bool, verbose: bool) -> int:
    results: list[due.DueResult] = []
    async with (
        open_project.open_transport(project) as transport,
        open_project.open_store(project) as store,
    ):
        if verbose:
            await _say_where(project, store, known)
        troubles = [error for error in known.troubles if await _is_news(store, error)]
        for one in await due_precheck.untold(store, known, prepare_issue.now()):
            await store.tell_once(sending.lost_mailing_key(one), now=prepare_issue.now())
            troubles.append(_lost(one))
        with send.stoppable() as stopped, open_project.pause_garbage_collection():

            def run(ended: Callable[[Breaker], None]) -> sending.SendSettings:
                return sending.SendSettings(
                    clock=prepare_issue.now,
                    stop=stopped.event,
                    batch_size=project.config.batch_size,
                    rates=project.config.pace,
                    on_end=ended,
                )

            terms = due.DueSettings(
                prepare=lambda plan, begun: ready(project, plan, begun=begun),
                send_settings=run,
                clock=prepare_issue.now,
                stop=stopped.event,
                account=account(),
                max_age=project.config.stale_after,
            )
            async for done in due.send_due(store, transport, known.found, terms):
                results.append(done)
                _tell(project, done, as_json=as_json, verbose=verbose)
                if done.progress and done.finished:
                    for sentence in await relay_alarm.in_files(
                        store, done.progress.mailing, send.relay_name(project)
                    ):
                        output.say(sentence)
    return _told(project, results, troubles, as_json=as_json, stopped=stopped.number)


def _lost(one: Begun) -> MailingError:
    return MailingError(
        f"the mailing of {one.issue_slug} to {one.list_slug}, begun on {one.created_at:%Y-%m-%d %H:%M} UTC, is not finished, and no"
        f" file in issues/ has the slug {one.issue_slug}: nobody would mail those who are left",
        hint=f"Put its file back under its old name, or with `slug: {one.issue_slug}` in its front matter, and it goes on."
        f" Who is left: moza-mail status {one.issue_slug}",
    )


async def _is_news(store: Store, error: MozaMailError) -> bool:
    return await store.tell_once(f"unreadable {error.message}", now=prepare_issue.now())


async def _say_where(project: Project, store: Store, known: Plans) -> None:
    for plan, where in await sending.list_due_states(
        store, known.found, prepare_issue.now(), project.config.stale_after
    ):
        output.say(f"{plan.source}: {where}, {plan.at:%Y-%m-%d %H:%M} UTC to {plan.list_slug}")
    for error in known.troubles:
        output.say(f"passed over: {error.message}")


def _tell(project: Project, done: due.DueResult, *, as_json: bool, verbose: bool) -> None:
    """Say what became of an issue, as far as that is news."""
    relay = send.relay_name(project)
    if done.is_busy:
        if verbose and done.error:
            output.say(done.error.message)
        return
    if done.progress and done.finished and not as_json:
        output.give(report.as_text(done.progress, relay))
    if done.error and (done.is_news or verbose):
        output.say(f"moza-mail: {done.error.message}")
        if done.error.hint:
            output.say(f"  {done.error.hint}")
    for sentence in relay_alarm.sentences(done.breaker, relay):
        output.say(sentence)
    if done.breaker.tripped:
        output.say(f"It does not go on by itself: moza-mail send {done.plan.issue_slug}")


def _told(
    project: Project,
    results: list[due.DueResult],
    troubles: list[MozaMailError],
    *,
    as_json: bool,
    stopped: int,
) -> int:
    """Say the rest and give the exit code."""
    if as_json:
        told = [{"error": type(error).__name__, "message": error.message} for error in troubles]
        output.give_json({"issues": [_as_data(project, done) for done in results], "passed_over": told})
    for error in troubles:
        output.say(f"moza-mail: {error.message}")
        if error.hint:
            output.say(f"  {error.hint}")
    if stopped:
        return 128 + stopped
    if any(isinstance(done.error, TransportError) for done in results):
        return TransportError.exit_code
    news = any(done.error and done.is_news and not done.is_busy for done in results) or bool(troubles)
    return output.NEEDS_A_HUMAN if news or any(done.needs_attention for done in results) else 0


def _as_data(project: Project, done: due.DueResult) -> dict[str, Any]:
    return {
        "issue": done.plan.issue_slug,
        "list": done.plan.list_slug,
        "due": done.plan.at.isoformat(),
        "stand": done.state.value,
        "mailed": done.finished,
        "busy": done.is_busy,
        "error": type(done.error).__name__ if done.error else None,
        "message": done.error.message if done.error else "",
        "told_before": not done.is_news,
        "alarms": relay_alarm.sentences(done.breaker, send.relay_name(project)),
        "mailing": report.as_data(done.progress, send.relay_name(project)) if done.progress else None,
    }
