"""Record mailings that the relay's log shows and a restored store does not have."""

from collections.abc import AsyncGenerator, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace

from moza_mail.app.clock import now
from moza_mail.app.mailing_status import make_message_id_function
from moza_mail.app.prepare_issue import load_issue, prepare_issue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.relay_log import AcceptanceProof
from moza_mail.model.segment import Segment
from moza_mail.project import Project
from moza_mail.store import Store

FindProofs = Callable[[Container[str]], Sequence[AcceptanceProof]]
"""Returns the proofs of acceptance in the relay's log. The argument has the Message-IDs to look for."""


class MessageIdsAt:
    """A container that contains every Message-ID with one of the given domains.

    It makes `read_relay_log` find the messages of all mailings.
    """

    def __init__(self, domains: frozenset[str]) -> None:
        self._domains = domains

    def __contains__(self, message_id: object) -> bool:
        return str(message_id).rpartition("@")[2].removesuffix(">") in self._domains


@dataclass(frozen=True, slots=True, kw_only=True)
class LostMailing:
    """An issue that the relay accepted for a list, although the store has no mailing of it.

    source: the file of the issue.
    accepted: the ids of the subscribers whose messages the relay accepted.
    """

    source: str
    list_slug: str
    accepted: frozenset[int]


async def record_lost_mailings(store: Store, project: Project, find_proofs: FindProofs) -> None:
    """Record a mailing for each issue that is in the relay's log but not in the store.

    Every delivery of such a mailing is uncertain. Raises IssueError for an unreadable issue and ListError for an unusable
    list, because the log may contain messages of such an issue or list.
    """
    for fault in project.find_list_faults().values():
        raise fault
    known = project.read_lists()
    domains = frozenset(one.sender.domain for one in known.values())
    accepted = frozenset(proof.message_id for proof in find_proofs(MessageIdsAt(domains)))
    if not accepted:
        return
    async for lost in _iter_lost(store, project, known, accepted):
        prepared = prepare_issue(project, lost.source, lost.list_slug)
        segment = await _find_segment(store, prepared.mailing_list, lost.accepted)
        await store.subscribers.save_list(prepared.mailing_list)
        mailing = replace(prepared.draft_mailing(), segment=segment)
        await store.ledger.create_uncertain_mailing(mailing, now=now())


async def _iter_lost(
    store: Store, project: Project, known: Mapping[str, MailingList], accepted: frozenset[str]
) -> AsyncGenerator[LostMailing]:
    for list_slug in known:
        recipients = [one.subscriber_id async for one in store.subscribers.iter_recipients(list_slug)]
        for path in project.list_issues():
            issue = load_issue(project, str(path))
            if await store.ledger.find_mailing(issue.slug, list_slug):
                continue
            message_id = make_message_id_function(project, list_slug, f"{list_slug}/{issue.slug}")
            if found := frozenset(number for number in recipients if message_id(number) in accepted):
                yield LostMailing(source=str(path), list_slug=list_slug, accepted=found)


async def _find_segment(store: Store, mailing_list: MailingList, accepted: frozenset[int]) -> Segment | None:
    """Return the segment that a mailing went to.

    Returns None for the whole list, or if the segment is uncertain. A segment is certain if the relay accepted a message
    to each of its members and to nobody else, and if no other segment has the same members. Otherwise, the whole list is
    the safe answer: nobody on it gets the issue again automatically.
    """
    slug = mailing_list.slug
    if accepted == await _list_members(store, slug, None):
        return None
    matches = [
        segment
        for segment in mailing_list.segments.values()
        if accepted == await _list_members(store, slug, segment)
    ]
    return matches[0] if len(matches) == 1 else None


async def _list_members(store: Store, list_slug: str, segment: Segment | None) -> frozenset[int]:
    members = store.subscribers.iter_recipients(list_slug, (), segment)
    return frozenset([one.subscriber_id async for one in members])
