"""`moza-mail send --due` when there is something to do, or to tell."""

from collections.abc import Callable
from typing import Any

from moza_mail import send as sending
from moza_mail import weekly
from moza_mail.cli import alarm, dkim, dressing, findings, report, send, talk, timetable, wires
from moza_mail.cli.timetable import Plans
from moza_mail.errors import MailingError, MozaMailError, TransportError
from moza_mail.model.finding import Severity
from moza_mail.model.mailing import Begun, Breaker
from moza_mail.project import Project
from moza_mail.store import Store, account
from moza_mail.weekly import due


def ready(project: Project, plan: weekly.Planned, *, begun: bool) -> due.Ready:
    """An issue dressed for its list; raises MailingError when check finds what must not be mailed."""
    dressed = dressing.dress(project, plan.source, plan.list_slug)
    if not begun:
        found = dressing.findings(dressed)
        errors = [finding for finding in found if finding.severity is Severity.ERROR]
        if errors:
            raise MailingError(
                f"{plan.source} is not sent: check finds {findings.counted(errors)}, first: "
                f"{findings.place(errors[0])}: {errors[0].message}",
                hint=f"Mend it, and it goes by itself: moza-mail check {plan.source}",
            )
    keys = dkim.signing_keys(project, dressed.mailing_list)
    return due.Ready(
        issue=dressed.issue,
        mailing_list=dressed.mailing_list,
        drafted=dressed.draft(),
        policy=project.approval(dressed.mailing_list),
        compiled=lambda mailing: dressed.compiled(mailing, keys=keys),
    )


def send_due(project: Project, known: Plans, *, as_json: bool, verbose: bool) -> int:
    """Send what is due; give 0 when all is well, 3 when there is news that a human must look at, 75 when the relay is away."""
    return wires.run(lambda: _send_due(project, known, as_json=as_json, verbose=verbose))


async def _send_due(project: Project, known: Plans, *, as_json: bool, verbose: bool) -> int:
    results: list[due.Done] = []
    async with wires.opened_transport(project) as transport, wires.opened_store(project) as store:
        if verbose:
            await _say_where(project, store, known)
        troubles = [error for error in known.troubles if await _is_news(store, error)]
        for one in await timetable.untold(store, known, dressing.now()):
            await store.tell_once(weekly.lost_notice(one), now=dressing.now())
            troubles.append(_lost(one))
        with send.stoppable() as stopped, wires.unswept():

            def run(ended: Callable[[Breaker], None]) -> sending.Run:
                return sending.Run(
                    clock=dressing.now,
                    stop=stopped.event,
                    batch_size=project.config.batch_size,
                    rates=project.config.pace,
                    ended=ended,
                )

            terms = due.Terms(
                ready=lambda plan, begun: ready(project, plan, begun=begun),
                run=run,
                clock=dressing.now,
                stop=stopped.event,
                sender=account(),
                max_age=project.config.stale_after,
            )
            async for done in due.send_due(store, transport, known.found, terms):
                results.append(done)
                _tell(project, done, as_json=as_json, verbose=verbose)
                if done.progress and done.mailed:
                    for sentence in await alarm.in_files(
                        store, done.progress.mailing, send.relay_name(project)
                    ):
                        talk.say(sentence)
    return _told(project, results, troubles, as_json=as_json, stopped=stopped.number)


def _lost(one: Begun) -> MailingError:
    return MailingError(
        f"the mailing of {one.issue_slug} to {one.list_slug}, begun on {one.created_at:%Y-%m-%d %H:%M} UTC, is not finished, and no"
        f" file in issues/ has the slug {one.issue_slug}: nobody would mail those who are left",
        hint=f"Put its file back under its old name, or with `slug: {one.issue_slug}` in its front matter, and it goes on."
        f" Who is left: moza-mail status {one.issue_slug}",
    )


async def _is_news(store: Store, error: MozaMailError) -> bool:
    return await store.tell_once(f"unreadable {error.message}", now=dressing.now())


async def _say_where(project: Project, store: Store, known: Plans) -> None:
    for plan, where in await weekly.standing(store, known.found, dressing.now(), project.config.stale_after):
        talk.say(f"{plan.source}: {where}, {plan.at:%Y-%m-%d %H:%M} UTC to {plan.list_slug}")
    for error in known.troubles:
        talk.say(f"passed over: {error.message}")


def _tell(project: Project, done: due.Done, *, as_json: bool, verbose: bool) -> None:
    """Say what became of an issue, as far as that is news."""
    relay = send.relay_name(project)
    if done.is_busy:
        if verbose and done.error:
            talk.say(done.error.message)
        return
    if done.progress and done.mailed and not as_json:
        talk.give(report.as_text(done.progress, relay))
    if done.error and (done.is_news or verbose):
        talk.say(f"moza-mail: {done.error.message}")
        if done.error.hint:
            talk.say(f"  {done.error.hint}")
    for sentence in alarm.sentences(done.breaker, relay):
        talk.say(sentence)
    if done.breaker.tripped:
        talk.say(f"It does not go on by itself: moza-mail send {done.plan.issue_slug}")


def _told(
    project: Project,
    results: list[due.Done],
    troubles: list[MozaMailError],
    *,
    as_json: bool,
    stopped: int,
) -> int:
    """Say the rest and give the exit code."""
    if as_json:
        told = [{"error": type(error).__name__, "message": error.message} for error in troubles]
        talk.give_json({"issues": [_as_data(project, done) for done in results], "passed_over": told})
    for error in troubles:
        talk.say(f"moza-mail: {error.message}")
        if error.hint:
            talk.say(f"  {error.hint}")
    if stopped:
        return 128 + stopped
    if any(isinstance(done.error, TransportError) for done in results):
        return TransportError.exit_code
    news = any(done.error and done.is_news and not done.is_busy for done in results) or bool(troubles)
    return talk.NEEDS_A_HUMAN if news or any(done.needs_a_human for done in results) else 0


def _as_data(project: Project, done: due.Done) -> dict[str, Any]:
    return {
        "issue": done.plan.issue_slug,
        "list": done.plan.list_slug,
        "due": done.plan.at.isoformat(),
        "stand": done.stand.value,
        "mailed": done.mailed,
        "busy": done.is_busy,
        "error": type(done.error).__name__ if done.error else None,
        "message": done.error.message if done.error else "",
        "told_before": not done.is_news,
        "alarms": alarm.sentences(done.breaker, send.relay_name(project)),
        "mailing": report.as_data(done.progress, send.relay_name(project)) if done.progress else None,
    }
