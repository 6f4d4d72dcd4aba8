"""The progress of a mailing: how many of its deliveries are in each state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from moza_mail.model.approval import Approval
from moza_mail.model.mailing import DeliveryState, Mailing, SkipReason, VerdictCount
from moza_mail.model.sender_claims import SenderClaims
from moza_mail.model.verdict import Verdict
from moza_mail.store import Store

Skipped = Mapping[tuple[SkipReason, str], int]
"""The number of skipped recipients, by reason and detail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingProgress:
    """The deliveries of a mailing by state.

    next_attempt: when the first deferred delivery is due; None if none is deferred.
    suppressed: the number of addresses that were suppressed because of replies to this mailing.
    held: the number of addresses whose suppression waits for a person's decision, by provider and verdict.
    verdicts: the number of deliveries that were not accepted, by state and verdict, each with an example reply.
    claims: the deliveries that other senders have claimed and not finished, by sender.
    approval: the approval that covers the mailing, None if nobody approved it.
    """

    mailing: Mailing
    states: dict[DeliveryState, int]
    next_attempt: datetime | None = None
    skipped: Skipped = field(default_factory=dict)
    suppressed: int = 0
    held: Mapping[tuple[str, Verdict], int] = field(default_factory=dict)
    verdicts: Sequence[VerdictCount] = ()
    approval: Approval | None = None
    claims: Sequence[SenderClaims] = ()

    @property
    def audience(self) -> int:
        """Return the number of recipients of the mailing."""
        return sum(self.states.values())

    @property
    def remaining(self) -> int:
        """Return how many recipients can still be mailed without a person's decision."""
        return sum(
            self.states[state]
            for state in (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED)
        )

    @property
    def needs_attention(self) -> bool:
        """Return True if running `send` again now would not complete the mailing."""
        return bool(self.held or self.claims) or any(
            self.states[state]
            for state in (DeliveryState.DEFERRED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN)
        )


async def load_progress(store: Store, mailing: Mailing) -> MailingProgress:
    """Read the progress of a mailing from the ledger."""
    approvals = await store.approvals.list_for_issue(mailing.issue_slug, mailing.list_slug)
    return MailingProgress(
        mailing=mailing,
        states=await store.ledger.count_by_state(mailing.id),
        next_attempt=await store.ledger.find_next_attempt(mailing.id),
        skipped=await store.ledger.count_skipped(mailing.id),
        held=await store.suppressions.count_held(mailing.id),
        verdicts=await store.ledger.count_verdicts(mailing.id),
        claims=await store.ledger.find_other_claims(mailing.id),
        suppressed=await store.suppressions.count_from_mailing(mailing.id),
        approval=next((approval for approval in approvals if approval.covers(mailing)), None),
    )
