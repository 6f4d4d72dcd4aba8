"""What every store promises: the people, and the ledger of who was mailed."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.approval import Approval
from moza_mail.model.audit import Entry
from moza_mail.model.bounce import Bounce, BounceEffect, SentMessage
from moza_mail.model.mailing import Begun, Delivery, DeliveryState, Mailing, Outcome, SentIssue, SkipReason
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import Recipient
from moza_mail.model.rate import Domains, Rate
from moza_mail.model.retention import Periods, Retained
from moza_mail.model.segment import Condition, Segment
from moza_mail.model.sign_up import Choice, Confirmation, Confirmed, Preferences, SignUp
from moza_mail.model.subscriber import (
    Arrival,
    Newcomer,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from moza_mail.model.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """All that is held about one subscriber."""

    subscriber: Subscriber
    subscriptions: tuple[Subscription, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    lifted: tuple[Suppression, ...] = ()
    """Those that a human has lifted, oldest first."""
    deliveries: tuple[tuple[str, Delivery], ...] = ()
    """The issue's slug and the delivery, for each mailing they were in the audience of."""
    bounces: tuple[tuple[str, Bounce], ...] = ()
    """The issue's slug and what a report said of the message, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who would be mailed now, and who of the list would not: `left_out` counts by reason.

    `missing` tells of those left out as `missing_value` how many have no value for each field; one may lack several.
    """

    confirmed: int
    left_out: Mapping[str, int]
    missing: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What erasing did: rows by table, when it was done (now, or earlier when there was nothing left), and what is left.

    `issues` name the address in their own text, which was published and stays. `remains` says why it can still be read from
    the database's files, and is empty when it cannot.
    """

    rows: Mapping[str, int]
    at: datetime | None
    issues: tuple[str, ...] = ()
    remains: str = ""
    complete: bool = True
    """Whether doing it again would do no more."""


class Rights(Protocol):
    """What the law gives a person (AVG 15, 17 and 20), of a store that was opened with the secret; raises StoreError."""

    async def everything(self, address: Address) -> Mapping[str, list[dict[str, Any]]]:
        """All rows about an address by table, every column by its name, its audit entries among them."""

    async def erase(self, address: Address, *, now: datetime) -> Erased | None:
        """Take the person and the address out of every table and of the database's files, or None while a message is under way.

        Deliveries stay, of nobody: what was accepted is still counted. What was still to be mailed to them is skipped. Left is
        a pseudonym, by which an import or an `add` does not bring them back. Doing it again finishes what was not finished.
        """

    async def retain(self, periods: Periods, *, now: datetime, dry_run: bool) -> Retained:
        """Take away what has had its time, a thousand rows in a transaction; with `dry_run` only count it.

        A delivery that is done loses whom it went to and the words of the reply, a bounce the words of its report; its codes
        stay, and so does every suppression. A sign-up that was never confirmed goes, with its person when nothing else is held
        of them. What is still open is kept. Doing it twice changes nothing.
        """


Misfits = Mapping[int, StoreError]
"""Those of a batch that do not fit what their deliveries stand at, each with why; empty when all were stored."""


class Confirmations(Protocol):
    """The ledger of the mails that ask to confirm a sign-up. Every method is one transaction, and raises StoreError."""

    def sending(self, who: str) -> AbstractAsyncContextManager[None]:
        """Hold a right to mail confirmations: another than that to send, so that they go out during a long mailing too.

        It is as `Store.sending` says else: one for a SQLite file, one for each store that is open on PostgreSQL.
        """

    async def recover(self, *, now: datetime) -> None:
        """With the right held: what a dead one left claimed becomes pending, what it left in intent uncertain.

        That stays so, for whoever got no mail asks for another.
        """

    async def claim(self, *, limit: int, now: datetime) -> list[Confirmation]:
        """Take up to `limit` that are due, those first that have waited longest, and mark them claimed.

        Who has left, has been suppressed or confirmed since is skipped, and what is older than 48 hours is given up.
        """

    async def intend(self, numbers: Sequence[int], *, now: datetime) -> None:
        """Mark claimed ones as intent, durably; all, or when one is not claimed by this sender, none (StoreError)."""

    async def settle(self, outcomes: Sequence[tuple[int, Outcome]], *, now: datetime) -> None:
        """Record what became of attempts; as `Store.settle`, but that one given back waits a minute.

        An address of which the reply says that it does not exist is suppressed in the same commit. One that is not in this
        sender's hands is left as it is.
        """

    async def release(self, numbers: Sequence[int]) -> None:
        """Give back claimed ones that were never tried; the others are left as they are."""

    async def next_due(self) -> datetime | None:
        """When the next may go; None when none waits."""

    async def counts(self) -> dict[DeliveryState, int]:
        """How many stand in each state; every state is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Some of a list: those in a state, and those for whom a condition holds; None is all."""

    state: SubscriptionState | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """What a dry run of several calls keeps between them: those who are named `again`, by address key, as they would be by then."""

    again: AbstractSet[str] = frozenset()
    people: dict[str, Any] = field(default_factory=dict)


class Store(Protocol):
    """People and ledger. Every method is one transaction, durable when it returns; each raises StoreError.

    A store belongs to the event loop that opened it. Several processes may hold one store open. On SQLite one of them may
    send; on PostgreSQL several may, from several machines, and they share each mailing: no delivery is claimed twice, and
    of a delivery only the sender who claimed it can report. What was asked by a caller who is cancelled may still be
    stored, and so may, when the connection to a server is lost, what then raised StoreError: stored whole or not at all.
    The next call connects anew. The readers that page hold no transaction between pages, so a row that changes meanwhile
    is given as it then is.
    """

    @property
    def confirmations(self) -> Confirmations:
        """The mails that ask to confirm a sign-up, which `sign_up` queues."""

    @property
    def rights(self) -> Rights:
        """What the law gives a person."""

    async def close(self) -> None:
        """Finish what is queued and let go of the file or the server; closing twice is closing once."""

    async def put_list(self, mailing_list: MailingList) -> None:
        """Make the list known; a changed title is taken over."""

    async def welcome(
        self,
        newcomers: Sequence[Newcomer],
        *,
        list_slug: str,
        state: SubscriptionState,
        source: str,
        now: datetime,
    ) -> list[Arrival]:
        """Bring people onto a list and say of each, in order, what became of them.

        A known address keeps its subscriber and its spelling; a name that is given or an attribute that differs is
        updated, one that is absent is kept. Of one who unsubscribed from the list, and of a suppressed address, nothing
        is stored or changed. An unconfirmed subscription becomes confirmed when `state` says so, with this consent and
        source; a confirmed one keeps its own and never becomes less. Someone named twice is taken twice, in order.
        Doing it twice changes nothing. The list must be known (StoreError). A call takes a chunk, a thousand or so: it
        is in memory whole.
        """

    async def foresee_welcome(
        self, newcomers: Sequence[Newcomer], *, list_slug: str, state: SubscriptionState, foresight: Foresight
    ) -> list[Arrival]:
        """What `welcome` would say now, also of a list that is not known yet; nothing is changed.

        The calls that share a `foresight` say what as many calls of `welcome` would, one after another.
        """

    async def person(self, address: Address) -> Person | None:
        """All that is held about an address in whatever case, or None when it is nobody's (even if suppressed)."""

    def people(
        self,
        list_slug: str,
        chosen: Chosen = Chosen(),  # frozen
    ) -> AsyncGenerator[tuple[Subscriber, Subscription]]:
        """Everyone of a list who is chosen, whatever their state else, by subscriber number, read in pages."""

    async def attribute_names(self, list_slug: str) -> list[str]:
        """The names of all attributes that anybody on the list has, sorted."""

    async def unsubscribe(self, subscriber: int, list_slug: str, *, now: datetime) -> None:
        """Take someone off a list, at once; doing it twice, or to someone already erased, changes nothing.

        A sign-up of theirs for this list that waits for its link is void from then on. Calls that wait together are
        committed together, here and in `sign_up`, `confirm` and `choose`; one that fails fails alone.
        """

    async def sign_up(self, wish: SignUp, mailing_list: MailingList, *, now: datetime) -> None:
        """Keep a sign-up as unconfirmed and queue the mail that asks to confirm it, as far as the limits allow one more.

        Of who is confirmed, and of a suppressed address, nothing is stored or changed. Who left stays unsubscribed until
        the link is used. One address is sent one mail in an hour and three in a week over all lists (model/sign_up.py):
        what is asked for beyond that is served by the mail that is there, or by none.
        """

    async def confirmation(self, number: int) -> Confirmation | None:
        """A sign-up by its number; None when it is not kept any more."""

    async def confirm(self, number: int, *, now: datetime) -> Confirmed:
        """The link of a sign-up was used: confirm it with the consent, name and language that were given with it.

        It changes nothing for one who is confirmed, nor for one who has left the list since they signed up.
        """

    async def preferences(self, subscriber: int) -> Preferences | None:
        """What a reader sees of themselves; None when there is nobody of that number."""

    async def choose(self, subscriber: int, choice: Choice, *, source: str, now: datetime) -> bool:
        """Take over what a reader chose for themselves, which confirms them on the lists they join; those must be known.

        False, and nothing changed, when there is nobody of that number.
        """

    async def suppress(self, suppression: Suppression) -> None:
        """Never mail this address again, over all lists; the first reason is kept."""

    async def lift(self, address: Address, because: str, *, now: datetime) -> Suppression | None:
        """End a suppression and keep it as history; None when there is none. But a complaint, what was said no longer counts."""

    async def lifted(self, address: Address) -> tuple[Suppression, ...]:
        """The suppressions of an address that were lifted, oldest first, whether or not it is a subscriber's."""

    async def suppression(self, address: Address) -> Suppression | None:
        """Why an address, in whatever case and whether or not it is a subscriber's, must not be mailed; None when it may be."""

    async def suppressed(self, mailing: int) -> int:
        """How many addresses were suppressed for what relays said in this mailing."""

    def suppressions(self, mailing: int) -> AsyncGenerator[Suppression]:
        """Those addresses, read in pages."""

    async def audience(
        self, list_slug: str, fields: Sequence[MergeField] = (), segment: Segment | None = None
    ) -> Audience:
        """Count who would be mailed if a mailing with these fields, to this segment, were prepared now.

        The reasons of `left_out` are unconfirmed, unsubscribed and suppressed, then not_in_segment, then missing_value, each person
        counted for the first that holds; one that nobody has is absent.
        """

    def recipients(
        self, list_slug: str, fields: Sequence[MergeField] = (), segment: Segment | None = None
    ) -> AsyncGenerator[Recipient]:
        """Those who would be in the audience of a mailing prepared now, with the values its fields ask for, in pages."""

    async def create_mailing(self, mailing: Mailing) -> Mailing:
        """Store the mailing with its content and freeze its audience in one transaction; give it back with its number.

        The audience is one pending delivery per confirmed, unsuppressed subscriber of the list and of the mailing's segment, with the values that the
        mailing's fields ask for as they are now. Who lacks a value for a field without a default is in it as skipped. When
        nobody would be mailed EmptyAudience is raised and nothing stored. A mailing of that issue to that list must not exist yet
        (StoreError).
        """

    async def mailing(self, issue_slug: str, list_slug: str) -> Mailing | None:
        """The mailing of an issue to a list, or None."""

    async def mailings(self, issue_slug: str = "") -> list[Mailing]:
        """All mailings, or those of one issue, newest first."""

    async def sent_issues(self, list_slug: str) -> list[SentIssue]:
        """The issues of a list of which a relay has taken at least one message, newest first."""

    async def begun(self) -> list[Begun]:
        """Every mailing, oldest first, without its content, and whether anything of it is left to do."""

    async def counts(self, mailing: int) -> dict[DeliveryState, int]:
        """How many deliveries stand in each state; every state is in it."""

    async def skipped(self, mailing: int) -> dict[tuple[SkipReason, str], int]:
        """How many deliveries are skipped, by reason and what there is to add to it: the values that are missing."""

    async def summary(self, mailing: int, *, domains: bool = False) -> Summary:
        """What happened to a mailing, all of one moment, by domain too when asked; StoreError when it does not add up."""

    async def next_attempt(self, mailing: int) -> datetime | None:
        """When the earliest deferred delivery may be tried again."""

    def deliveries(self, mailing: int, states: Iterable[DeliveryState]) -> AsyncGenerator[Delivery]:
        """The deliveries in those states, by number, read in pages."""

    def sending(self, who: str) -> AbstractAsyncContextManager[None]:
        """Hold a right to send: what is claimed while it is held is this sender's.

        On SQLite there is one such right for a file, on PostgreSQL one for each store that is open; StoreLocked, naming who
        holds it, when it is taken. The right ends with the process, however it ends. It outlives a lost connection to a
        server, unless another sender has taken this one for dead by then and recovered what it had claimed.
        """

    async def recover(self, mailing: int, *, now: datetime) -> dict[DeliveryState, int]:
        """With a right to send held: what a dead sender left claimed becomes pending, what it left in intent uncertain.

        What this sender and others alive have claimed is not touched, so it may be called at any time. What was claimed
        without a right to send is taken for a dead sender's. Gives how many moved into each of the two states.
        """

    async def claim(
        self, mailing: int, *, limit: int, now: datetime, domains: Domains | None = None
    ) -> list[Delivery]:
        """Take up to `limit` deliveries that are pending, or deferred and due, and mark them claimed.

        Pending ones come first, the lowest numbers first; then the deferred, the longest due first. Subscription and
        suppression are looked at again here: who left since is marked skipped, with the reason, and not given out. An
        empty list means that nothing is left to do now for this sender; another may be at work on the last ones. Fewer are
        given when another process waits to write, so that it need not wait for long. With
        `domains` only these readers are taken, and of the pending only those behind its number `after`.
        """

    async def waiting(
        self,
        list_slug: str,
        domains: Domains,
        mailing: int | None = None,
        segment: Segment | None = None,
    ) -> int:
        """How many of these readers a mailing has still to mail, or, without one, would be mailed if it were prepared now."""

    async def take_turns(self, name: str, rate: Rate, count: int, *, now: datetime) -> timedelta:
        """Take turns (a burst of the rate at most) of the bucket of that name, and give how long to wait for them.

        All who send from one store share the bucket, and what was used of it outlives them. They share it as well as their
        clocks agree.
        """

    async def claim_uncertain(self, mailing: int, *, now: datetime) -> int:
        """A human has decided to mail the uncertain again: mark them pending, and say how many."""

    async def prove(self, delivery: int, *, queue_id: str, evidence: str, now: datetime) -> bool:
        """An uncertain delivery was taken after all, as the relay's own log shows: mark it accepted.

        Gives False, and changes nothing, when the delivery is not uncertain.
        """

    async def intend(self, deliveries: Sequence[int], *, now: datetime) -> Misfits:
        """Mark claimed deliveries as intent, durably. Calls that wait together are committed together, none before an earlier one.

        One that is not claimed by this sender fails alone: it is among the misfits, its body must not be sent, and the
        others are stored. StoreError is raised when the commit fails: then nothing that waited in it is stored.
        """

    async def settle(self, outcomes: Sequence[tuple[int, Outcome]], *, now: datetime) -> Misfits:
        """Record what became of attempts, durably, in their order. Calls that wait together are committed together.

        accepted, refused, uncertain: final, with reply and queue id. deferred: with the time of the next attempt, or
        refused when 48 hours have passed. pending: given back, the attempt is not counted. An address of which the reply,
        or it and those of earlier mailings, says that it is dead (model/threshold.py, suppresses) is suppressed in the same
        commit. A delivery that is neither
        claimed nor in intent by this sender is among the misfits; StoreError as with `intend`.
        """

    async def release(self, deliveries: Sequence[int]) -> None:
        """Give back claimed deliveries that were never tried; all or, when one is not claimed, none (StoreError)."""

    async def sent(self, mailing: int, subscriber: int) -> SentMessage | None:
        """The delivery of a mailing to a subscriber, or None."""

    async def sent_to(self, address: Address) -> list[SentMessage]:
        """Every delivery to an address that is a subscriber's, newest first."""

    async def record_bounce(self, bounce: Bounce) -> BounceEffect:
        """Add the fact of a report and do what follows from it, in one commit; one that was counted before changes nothing.

        A complaint suppresses its address at once; a failure by what it, the other bounces and the replies of all mailings
        to that address say (model/threshold.py, suppresses), each at the time its message was sent. An unsubscription takes
        the person off the mailing's list. Nothing follows from a bounce without `sent`.
        """

    async def foresee_bounce(self, bounce: Bounce) -> BounceEffect:
        """What `record_bounce` would do now; nothing is changed."""

    async def note(self, entry: Entry, about: Address | None = None) -> None:
        """Add an entry to the audit trail, of something that changes nothing else in the store; `about` as its pseudonym.

        Every method here that changes something about a person or a mailing notes that by itself, in the same transaction.
        """

    def audit(self, about: Address | None = None, since: datetime | None = None) -> AsyncGenerator[Entry]:
        """The audit trail, oldest first, read in pages: all of it, or what is about an address, also of one who was erased."""

    async def audit_holds(self) -> tuple[bool, int, str]:
        """Whether no entry was changed or taken out from among the others, and the number and the seal of the last one.

        When it does not hold, the number is that of the first entry whose seal does not fit the one before.
        """

    async def adopt_secret(self, *, now: datetime) -> bool:
        """Go on with the secret this store was opened with (`any_secret`); False when it is the store's own already.

        Links that were mailed before no longer work, and who was erased before is no longer known to have been.
        """

    async def approvals(self, issue_slug: str, list_slug: str) -> list[Approval]:
        """Every approval of an issue for a list, those that no longer stand too, newest first."""

    async def approve(self, approval: Approval) -> None:
        """Add an approval; none is ever changed but by `withdraw_approvals`."""

    async def withdraw_approvals(self, issue_slug: str, list_slug: str, *, by: str, now: datetime) -> int:
        """Withdraw every approval that stands of an issue for a list, and say how many."""

    async def told(self, what: str) -> bool:
        """Whether `tell_once` was asked this before."""

    async def tell_once(self, what: str, *, now: datetime) -> bool:
        """Whether this is to be told now: it is, once for all who send from this store, whatever becomes of them."""
