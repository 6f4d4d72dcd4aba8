"""Unsubscribe, suppress or erase everybody in a file."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from moza_mail.app.clock import now
from moza_mail.app.erase_subscriber import describe_files, describe_unreachable, erase_files
from moza_mail.app.import_subscribers import read_addresses
from moza_mail.app.open_project import open_store
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.project import Project
from moza_mail.store import Store
from moza_mail.subscribe import SubscriberAdmin
from moza_mail.subscriber_file import RejectedRow


class BulkAction(StrEnum):
    """An action on every person in a file."""

    UNSUBSCRIBE = "unsubscribe"
    SUPPRESS = "suppress"
    ERASE = "erase"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPlan:
    """Plan of an action on every person in a file.

    addresses: all addresses in the file.
    todo: the addresses that need the action.
    done_before: the number of addresses for which the action was done already.
    unknown: the number of addresses about which nothing is stored.
    """

    action: BulkAction
    file: Path
    mailing_list: MailingList | None
    evidence: str
    addresses: tuple[Address, ...]
    todo: tuple[Address, ...]
    done_before: int
    unknown: int
    rejected: tuple[RejectedRow, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "action": self.action.value,
            "list": self.mailing_list.slug if self.mailing_list else None,
            "changed": len(self.todo),
            "done_before": self.done_before,
            "unknown": self.unknown,
            "refused": [{"line": row.line, "reason": row.reason} for row in self.rejected],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """Result of an action on every person in a file.

    remains: places that still contain the data of erased people. Repeat the action to erase the data there too.
    remarks: sentences about files, and about places that moza-mail cannot reach.
    """

    remains: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


async def plan_bulk_action(
    project: Project, action: BulkAction, path: Path, *, list_slug: str = "", evidence: str = ""
) -> BulkPlan:
    """Plan an action: read the addresses in a file, and look them up in the store.

    list_slug: the list to unsubscribe from; empty for the default list. Other actions are for all lists.
    evidence: the reason for a suppression.

    Raises ProjectError for a suppression without a reason.
    """
    if action is BulkAction.SUPPRESS and not evidence.strip():
        raise ProjectError(_("--evidence is empty"), hint=_("Write why, for the record: --evidence TEXT"))
    mailing_list = project.read_list(list_slug) if action is BulkAction.UNSUBSCRIBE else None
    addresses, rejected = read_addresses(path)
    async with open_store(project) as store:
        needs = [await _needs_action(store, action, address, mailing_list) for address in addresses]
    return BulkPlan(
        action=action,
        file=path,
        mailing_list=mailing_list,
        evidence=evidence.strip(),
        addresses=tuple(addresses),
        todo=tuple(address for address, need in zip(addresses, needs, strict=True) if need),
        done_before=needs.count(False),
        unknown=needs.count(None),
        rejected=tuple(rejected),
    )


async def _needs_action(
    store: Store, action: BulkAction, address: Address, mailing_list: MailingList | None
) -> bool | None:
    """Return True if the action changes something, False if it was done before.

    Returns None for an unknown address.
    """
    if action is BulkAction.SUPPRESS:
        return await store.suppressions.find(address) is None
    person = await store.subscribers.find(address)
    if action is BulkAction.ERASE:
        return True if person or await store.suppressions.find(address) else None
    subscriptions = person.subscriptions if person else ()
    slug = mailing_list.slug if mailing_list else ""
    states = [one.state for one in subscriptions if one.list_slug == slug]
    return states[0] is not SubscriptionState.UNSUBSCRIBED if states else None


async def run_bulk_action(
    project: Project, plan: BulkPlan, on_address: Callable[[int], None] = lambda _: None
) -> BulkResult:
    """Carry out a plan, with an audit entry for each person.

    on_address: receives the number of addresses that were just finished.
    """
    remains: tuple[str, ...] = ()
    remarks: list[str] = []
    is_published = False
    async with open_store(project) as store:
        admin = SubscriberAdmin(store)
        if plan.action is BulkAction.ERASE:
            result = await admin.erase_all(plan.todo, clock=now)
            remains, is_published = tuple(filter(None, [result.remains])), bool(result.issues)
            on_address(len(plan.todo))
        else:
            for address in plan.todo:
                await _apply_action(admin, plan, address)
                on_address(1)
    if plan.action is BulkAction.ERASE and plan.addresses:
        files = await erase_files(project, plan.addresses, is_published=is_published, left_out=plan.file)
        remarks += describe_files(project, files)
        if not files.is_complete:
            remains += (_("Not everything is erased from the files."),)
        remarks.append(_("{file} contains the addresses: delete it.", file=str(plan.file)))
        remarks += describe_unreachable(project)
    return BulkResult(remains=remains, remarks=tuple(remarks))


async def _apply_action(admin: SubscriberAdmin, plan: BulkPlan, address: Address) -> None:
    """Unsubscribe or suppress one address of a plan."""
    if plan.action is BulkAction.UNSUBSCRIBE and plan.mailing_list:
        await admin.unsubscribe(str(address), plan.mailing_list, now=now())
    else:
        await admin.suppress(str(address), plan.evidence, now=now())
