"""Dry run: compose every message of a mailing without sending any."""

from collections import Counter
from dataclasses import dataclass, field

from moza_mail.compose import CompiledMailing
from moza_mail.errors import AddressError
from moza_mail.model.mailing import DeliveryState, Mailing, SkipReason, describe_missing
from moza_mail.model.message import Recipient
from moza_mail.sending.mailings import find_mailing
from moza_mail.sending.progress import Skipped
from moza_mail.store import Store

# Showing more recipients would be bulk access, which the audit log records.
MOST_RECIPIENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunResult:
    """The messages that a dry run composed.

    bytes_min, bytes_max: size of the smallest and the largest message.
    example: the first message, as it would be sent.
    recipients: the addresses of the first recipients.
    skipped: recipients without a value for a merge field.
    unmailable: recipients whose name or values cannot be written in a mail.
    """

    messages: int
    bytes_min: int
    bytes_max: int
    example: bytes = b""
    recipients: tuple[str, ...] = ()
    skipped: Skipped = field(default_factory=dict)
    unmailable: int = 0

    @property
    def audience(self) -> int:
        """Return the number of recipients that the mailing would have."""
        return self.messages + self.unmailable + sum(self.skipped.values())


async def compose_without_sending(store: Store, drafted: Mailing, compiled: CompiledMailing) -> DryRunResult:
    """Compose the messages of all recipients who would be mailed now.

    Sends and stores nothing.
    """
    sizes = _Sizes()
    if known := await find_mailing(store, drafted):
        due = store.ledger.iter_deliveries(
            known.id, (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED)
        )
        async for delivery in due:
            sizes.add(compiled, delivery)
    else:
        async for recipient in store.subscribers.iter_recipients(
            drafted.list_slug, drafted.rendered.fields, drafted.segment
        ):
            sizes.add(compiled, recipient)
    return DryRunResult(
        messages=sizes.count,
        bytes_min=sizes.smallest,
        bytes_max=sizes.largest,
        example=sizes.example,
        recipients=tuple(sizes.recipients),
        skipped=dict(sizes.skipped),
        unmailable=sizes.unmailable,
    )


@dataclass(slots=True)
class _Sizes:
    count: int = 0
    smallest: int = 0
    largest: int = 0
    example: bytes = b""
    recipients: list[str] = field(default_factory=list)
    skipped: Counter[tuple[SkipReason, str]] = field(default_factory=Counter)
    unmailable: int = 0

    def add(self, compiled: CompiledMailing, recipient: Recipient) -> None:
        if missing := recipient.missing_fields(compiled.fields_by_placeholder.values()):
            self.skipped[SkipReason.MISSING_VALUE, describe_missing(missing)] += 1
            return
        try:
            content = compiled.compose_message(recipient)[1].content
        except AddressError:
            self.unmailable += 1
            return
        self.example = self.example or content
        if len(self.recipients) < MOST_RECIPIENTS:
            self.recipients.append(str(recipient.address))
        size = len(content)
        self.smallest = min(self.smallest, size) if self.count else size
        self.largest = max(self.largest, size)
        self.count += 1
