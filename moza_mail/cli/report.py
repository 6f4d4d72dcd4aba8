"""What became of a mailing, for a person and for a program."""

from typing import Any

from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.sending import MailingProgress

MEANINGS = {
    DeliveryState.PENDING: "not tried yet",
    DeliveryState.CLAIMED: "in a sender's hands",
    DeliveryState.INTENT: "being handed to the relay",
    DeliveryState.ACCEPTED: "taken by the relay",
    DeliveryState.DEFERRED: "put off by the relay, to be tried again",
    DeliveryState.REFUSED: "refused by the relay",
    DeliveryState.SKIPPED: "not to be mailed",
    DeliveryState.UNCERTAIN: "may have been taken: a human must decide",
}

WHY_SKIPPED = {
    SkipReason.UNSUBSCRIBED: "unsubscribed since",
    SkipReason.SUPPRESSED: "suppressed since",
    SkipReason.ERASED: "erased since",
    SkipReason.MISSING_VALUE: "lacking a value",
}


def as_data(progress: MailingProgress, relay: str) -> dict[str, Any]:
    """The report as JSON values."""
    mailing = progress.mailing
    return {
        "mailing": mailing.id,
        "issue": mailing.issue_slug,
        "list": mailing.list_slug,
        "segment": {"name": mailing.segment.slug, "rule": str(mailing.segment)} if mailing.segment else None,
        "relay": relay,
        "digest": mailing.digest,
        "created_at": mailing.created_at.isoformat(),
        "audience": progress.audience,
        "states": {state.value: progress.states[state] for state in DeliveryState},
        "skipped": [
            {"reason": reason.value, "detail": detail, "count": count}
            for (reason, detail), count in progress.skipped.items()
        ],
        "next_attempt": progress.next_attempt.isoformat() if progress.next_attempt else None,
        "suppressed": progress.suppressed,
        "approved_by": progress.approval.by if progress.approval else None,
        "approved_at": progress.approval.at.isoformat() if progress.approval else None,
    }


def as_text(progress: MailingProgress, relay: str) -> str:
    """The report as lines."""
    mailing = progress.mailing
    lines = [
        f"{mailing.issue_title} ({mailing.issue_slug}) to {mailing.whom}, through {relay}",
        f"  begun {mailing.created_at:%Y-%m-%d %H:%M} UTC, audience {progress.audience}",
    ]
    lines += [
        f"  {progress.states[state]:>8}  {state}: {_meaning(state, progress)}"
        for state in DeliveryState
        if progress.states[state]
    ]
    if progress.suppressed:
        lines.append(
            f"  {progress.suppressed:>8}  addresses suppressed for what was said of them: moza-mail status --suppressed"
        )
    if given := progress.approval:
        lines.insert(2, f"  approved by {given.by} on {given.at:%Y-%m-%d %H:%M} UTC")
    if progress.next_attempt:
        lines.append(f"  Send again after {progress.next_attempt:%Y-%m-%d %H:%M} UTC for those put off.")
    return "\n".join(lines)


def _meaning(state: DeliveryState, progress: MailingProgress) -> str:
    why = ", ".join(
        f"{count} {detail or WHY_SKIPPED[reason]}" for (reason, detail), count in progress.skipped.items()
    )
    return why if state is DeliveryState.SKIPPED and why else MEANINGS[state]
