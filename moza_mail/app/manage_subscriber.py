"""Add, unsubscribe, suppress and show one person by their address."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moza_mail import subscribe, subscriber_file
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.subscriber import AddResult, NewSubscriber, Suppression
from moza_mail.model.subscriber_record import SubscriberRecord
from moza_mail.project import Project

# Results after which the person is still not mailed. A new consent does not undo them.
NOT_MAILED = frozenset({AddResult.UNSUBSCRIBED, AddResult.SUPPRESSED, AddResult.ERASED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRequest:
    """The values of one person to add, as typed on the command line."""

    address: str
    name: str
    consent: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedSubscriber:
    """Result of adding a person to a list."""

    address: Address
    list_slug: str
    arrival: AddResult

    @property
    def is_mailed(self) -> bool:
        """True unless the person left the list, was erased, or has a suppressed address."""
        return self.arrival not in NOT_MAILED

    def as_data(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"list": self.list_slug, "address": str(self.address), "arrival": self.arrival.value}


async def add_subscriber(project: Project, person: AddRequest, list_slug: str) -> AddedSubscriber:
    """Add a person to a list; raise AddressError or ProjectError for an invalid value.

    list_slug: the list; empty for the default list.
    """
    newcomer = _validate(person, international=project.config.smtputf8)
    mailing_list = project.read_list(list_slug)
    async with open_store(project) as store:
        arrival = await subscribe.SubscriberAdmin(store).add(newcomer, mailing_list, now=now())
    return AddedSubscriber(address=newcomer.address, list_slug=mailing_list.slug, arrival=arrival)


def _validate(person: AddRequest, *, international: bool) -> NewSubscriber:
    if CONTROL_CHARACTER.search(person.name):
        raise ProjectError(_("the name contains a control character"), hint=_("Type it again: --name NAME"))
    if not person.consent.strip():
        raise ProjectError(
            _("--consent is empty"), hint=_("Write what they consented to, and how: --consent TEXT")
        )
    for name, value in person.attributes.items():
        if not subscriber_file.is_attribute_name(name):
            raise ProjectError(
                _("--set {name}: this name cannot be stored", name=name),
                hint=subscriber_file.COLUMN_NAMES_HINT,
            )
        longest = subscriber_file.MAX_VALUE_LENGTH
        if CONTROL_CHARACTER.search(value) or len(value) > longest:
            raise ProjectError(
                _(
                    "--set {name}: a value is one line of at most {longest} characters",
                    name=name,
                    longest=longest,
                ),
                hint=_("Type it again: --set {name}=VALUE", name=name),
            )
    return NewSubscriber(
        address=Address.parse(person.address, international=international),
        name=person.name.strip(),
        attributes=person.attributes,
        consent=person.consent.strip(),
    )


async def unsubscribe(project: Project, address: str, list_slug: str) -> str:
    """Unsubscribe a person from a list; return the list's slug.

    Raises AddressError if the person is not on the list.
    """
    mailing_list = project.read_list(list_slug)
    async with open_store(project) as store:
        await subscribe.SubscriberAdmin(store).unsubscribe(address, mailing_list, now=now())
    return mailing_list.slug


async def suppress(project: Project, address: str, evidence: str) -> None:
    """Suppress an address, so that no list mails it again."""
    async with open_store(project) as store:
        await subscribe.SubscriberAdmin(store).suppress(address, evidence.strip(), now=now())


async def remove_suppression(
    project: Project, address: str, reason: str, *, is_requested: bool
) -> Suppression:
    """Remove the suppression of an address. Earlier bounces of the address no longer count.

    is_requested: True if the person asked to be mailed again.

    Raises SubscriptionError if the person may have asked for the suppression and `is_requested` is False.
    """
    if not reason.strip() or CONTROL_CHARACTER.search(reason):
        raise ProjectError(
            _("--reason is empty or contains a control character"),
            hint=_("Write why, on one line: --reason TEXT"),
        )
    async with open_store(project) as store:
        admin = subscribe.SubscriberAdmin(store)
        return await admin.unsuppress(address, reason.strip(), is_requested=is_requested, now=now())


async def find_record(project: Project, address: str) -> SubscriberRecord | subscribe.NonSubscriber:
    """Return the record of an address; raise AddressError if nothing is stored about it."""
    async with open_store(project) as store:
        return await subscribe.SubscriberAdmin(store).find(address)


async def export_record(project: Project, address: str) -> dict[str, Any]:
    """Return all data that is stored about an address, for GDPR requests (articles 15 and 20)."""
    async with open_store(project) as store:
        tables = await subscribe.SubscriberAdmin(store).export(address, now=now())
    first = next(iter(tables["subscribers"] or tables["suppressions"]), {})
    for row in tables["subscriptions"]:
        row["list"] = row["list_slug"]
    for row in tables["deliveries"]:
        values = row.pop("merge_values") or {}
        row["values"] = {name: value for name, value in values.items() if value is not None}
    return {
        "email": first.get("address", ""),
        "name": first.get("name", ""),
        "attributes": first.get("attributes", {}),
        **tables,
    }


def describe_suppression(suppression: Suppression) -> str:
    """Return a suppression, current or removed, as lines."""
    text = _(
        "{reason} since {date}{evidence}",
        reason=suppression.reason.value,
        date=f"{suppression.created_at:%Y-%m-%d}",
        evidence=f" {suppression.evidence}" if suppression.evidence else "",
    )
    if suppression.removed_at is None:
        return _("  suppressed: {text}", text=text)
    return _(
        "  was suppressed: {text}\n    removed {date}: {reason}",
        text=text,
        date=f"{suppression.removed_at:%Y-%m-%d}",
        reason=suppression.removal_reason,
    )


def describe_record(record: SubscriberRecord | subscribe.NonSubscriber) -> Iterator[str]:
    """Return what is stored about an address, as lines."""
    current = [record.suppression] if record.suppression else []
    suppressions = map(describe_suppression, [*current, *record.removed_suppressions])
    if not isinstance(record, SubscriberRecord):
        yield _("{address} is not a subscriber", address=str(record.address))
        yield from suppressions
        return
    subscriber = record.subscriber
    yield f"{subscriber.address} ({subscriber.name})" if subscriber.name else str(subscriber.address)
    for key, value in subscriber.attributes.items():
        yield f"  {key}: {value}"
    for subscription in record.subscriptions:
        since = subscription.unsubscribed_at or subscription.confirmed_at or subscription.created_at
        yield _(
            "  {list_slug}: {state} since {date}",
            list_slug=subscription.list_slug,
            state=subscription.state.value,
            date=f"{since:%Y-%m-%d}",
        )
        yield _(
            "    from: {source}, on {date}",
            source=subscription.source,
            date=f"{subscription.created_at:%Y-%m-%d}",
        )
        if subscription.consent:
            yield _("    consent: {consent}", consent=subscription.consent)
    yield from suppressions
    for slug, delivery in record.deliveries:
        yield f"  {slug}: {delivery.state} {delivery.reply or delivery.detail}".rstrip()
        for key, value in delivery.values.items():
            yield f"    {key}: {value}"
    for slug, bounce in record.bounces:
        yield f"  {slug}: {bounce.kind} reported {bounce.created_at:%Y-%m-%d} {bounce.reply or ''}".rstrip()
