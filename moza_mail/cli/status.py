"""`moza-mail status` and `settle`: where a mailing stands, and what a relay's log proves of the doubtful."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from moza_mail import sending
from moza_mail.app import open_project
from moza_mail.app.prepare_issue import load_issue, now
from moza_mail.bounces import read_relay_log
from moza_mail.cli import outcome, output, report
from moza_mail.compose import Links
from moza_mail.errors import IssueError, ProjectError, UnknownMailing
from moza_mail.model.mailing import Delivery, DeliveryState, Mailing
from moza_mail.model.subscriber import Suppression
from moza_mail.project import Project
from moza_mail.sending import log_access
from moza_mail.store import Store

DOUBTFUL = (DeliveryState.UNCERTAIN, DeliveryState.INTENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be shown beside the counts: each reader in a state, each address that was suppressed."""

    state: DeliveryState | None = None
    suppressed: bool = False
    domains: bool = False
    as_csv: bool = False
    as_json: bool = False


def status(project: Project, issue: str, list_slug: str, asked: Asked) -> int:
    """Print the newest mailing, or the newest of an issue (a slug or a file); give 3 when a human must decide about readers."""
    return open_project.run_async(lambda: _status(project, issue, list_slug, asked))


async def _status(project: Project, issue: str, list_slug: str, asked: Asked) -> int:
    async with open_project.open_store(project) as store:
        known = await mailings(project, store, issue, list_slug)
        number = known[0].id
        progress = await sending.load_progress(store, known[0])
        happened = await store.summary(number, domains=asked.domains or asked.as_csv)
        progress = replace(progress, states=dict(happened.states), skipped=happened.skipped)
        identify = message_ids(project, known[0])
        await _noted(store, known[0], asked, happened.states)
        doubtful = [str(delivery.address) async for delivery in store.deliveries(number, DOUBTFUL)]
        states = [asked.state] if asked.state else []
        rows = [_row(delivery, identify) async for delivery in store.deliveries(number, states)]
        dead = [_dead(one) async for one in store.suppressions(number)] if asked.suppressed else []
    code = output.NEEDS_A_HUMAN if any(happened.states[state] for state in DOUBTFUL) else 0
    if asked.as_csv:
        output.give(outcome.as_csv(happened))
        return code
    if asked.as_json:
        data = {
            **report.as_data(progress, project.config.relay),
            **outcome.as_data(happened),
            "uncertain": doubtful,
        }
        lists = {"readers": rows} if asked.state else {}
        output.give_json({**data, **lists, **({"suppressions": dead} if asked.suppressed else {})})
        return code
    output.give("\n".join([report.as_text(progress, project.config.relay), *outcome.as_lines(happened)]))
    for row in rows:
        output.give(f"    {row['address']}  {row['message_id']}  {row['reply']}".rstrip())
    for one in dead:
        output.give(f"    {one['address']}  {one['reason']}  {one['evidence']}")
    if being_handed := happened.states[DeliveryState.INTENT]:
        output.say(
            f"{being_handed} were being handed to the relay: by a `send` that runs now, or by one that died. If none runs,"
            " `moza-mail send` or `moza-mail settle` finds out which of them may have got it."
        )
    if doubtful and not asked.state:
        output.say("The uncertain ones, with their Message-IDs: moza-mail status --uncertain")
    if len(known) > 1:
        output.say(f"There are {len(known) - 1} earlier mailings; name an issue to see one.")
    return code


async def _noted(store: Store, mailing: Mailing, asked: Asked, states: Mapping[DeliveryState, int]) -> None:
    """Note that addresses are shown, when they are: as JSON the doubtful always are."""
    if asked.as_csv:
        return
    doubtful = asked.as_json and any(states[state] for state in DOUBTFUL)
    words = [
        f"state {asked.state}" if asked.state else "",
        "the doubtful" if doubtful and asked.state not in DOUBTFUL else "",
        "suppressed by its replies" if asked.suppressed else "",
    ]
    if shown := "; ".join(filter(None, words)):
        told = f"readers of {mailing.issue_slug} looked at: {shown}"
        await log_access(store, told, now=now(), list_slug=mailing.list_slug, mailing=mailing.id)


def _dead(suppression: Suppression) -> dict[str, str]:
    return {
        "address": str(suppression.address),
        "reason": suppression.reason.value,
        "at": suppression.at.isoformat(),
        "evidence": suppression.evidence,
    }


async def mailings(project: Project, store: Store, issue: str, list_slug: str) -> list[Mailing]:
    """The mailings asked for, newest first; raise UnknownMailing when there is none."""
    slug = issue_slug(project, issue) if issue else ""
    known = [mailing for mailing in await store.mailings(slug) if list_slug in {"", mailing.list_slug}]
    if not known:
        what = f"of {slug} " if slug else ""
        raise UnknownMailing(
            f"there is no mailing {what}in the ledger yet", hint="Begin one: moza-mail send ISSUE"
        )
    return known


def message_ids(project: Project, mailing: Mailing) -> Callable[[int], str]:
    """Gives the Message-ID of a mailing by subscriber, the same that the message carries."""
    links = Links(secret=project.read_secret(), public_url=project.config.public_url)
    domain = project.read_list(mailing.list_slug).sender.domain
    return lambda subscriber: links.message_id(mailing.key, subscriber, domain)


def _row(delivery: Delivery, identify: Callable[[int], str]) -> dict[str, Any]:
    return {
        "address": str(delivery.address),
        "message_id": identify(delivery.subscriber),
        "attempts": delivery.attempts,
        "reply": delivery.reply or delivery.detail or delivery.skip_reason,
        "queue_id": delivery.queue_id,
    }


def issue_slug(project: Project, issue: str) -> str:
    """The slug of an issue that is given as a file, or the text itself when it is none."""
    try:
        return load_issue(project, issue).slug
    except IssueError:
        return issue


def settle(project: Project, issue: str, list_slug: str, log: Path, *, as_json: bool) -> int:
    """Settle those uncertain readers whose message a relay's log proves to have been taken; give the exit code."""
    return open_project.run_async(lambda: _settle(project, issue, list_slug, log, as_json=as_json))


async def _settle(project: Project, issue: str, list_slug: str, log: Path, *, as_json: bool) -> int:
    async with open_project.open_store(project) as store:
        mailing = (await mailings(project, store, issue, list_slug))[0]
        identify = message_ids(project, mailing)
        async with store.sending(f"moza-mail settle {mailing.issue_slug}"):
            await store.recover(mailing.id, now=now())
            doubtful = {
                identify(delivery.subscriber): delivery
                async for delivery in store.deliveries(mailing.id, DOUBTFUL)
            }
            try:
                with log.open(encoding="utf-8", errors="replace") as lines:
                    proofs = list(read_relay_log(lines, doubtful.keys()))
            except OSError as error:
                raise ProjectError(
                    f"{log} cannot be read: {error.strerror}", hint="Name the relay's log."
                ) from None
            for proof in proofs:
                await store.prove(
                    doubtful[proof.message_id].id, queue_id=proof.queue_id, evidence=proof.line, now=now()
                )
    left = len(doubtful) - len(proofs)
    if as_json:
        output.give_json(
            {"issue": mailing.issue_slug, "list": mailing.list_slug, "settled": len(proofs), "left": left}
        )
    else:
        output.give(
            f"{len(proofs)} of {len(doubtful)} uncertain are shown by {log.name} to have been taken; {left} are left."
        )
    return output.NEEDS_A_HUMAN if left else 0
