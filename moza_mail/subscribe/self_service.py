"""Sign-up, confirmation, unsubscribing and preferences, on the public pages.

A signed link identifies its user. Nobody can find out from a response whether an address is stored.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from moza_mail.errors import InvalidLink, SubscriptionError
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing_list import MailingList, OptIn
from moza_mail.model.sign_up import Confirmation, ConfirmResult, PreferenceChoice, Preferences, SignUp
from moza_mail.store import Store

# moza_mail.compose imports cryptography, which an import of subscribers does not need.
if TYPE_CHECKING:
    from moza_mail.compose import SignedLinks

SOURCE = "preferences page"
"""The source of a subscription that was made on the preferences page."""
UNSUBSCRIBED_LATER = "you unsubscribed from this list after you had signed up"
NOT_STORED = "the data that this link refers to is no longer stored"


@dataclass(frozen=True, slots=True)
class SelfService:
    """The changes that people can make to their own subscriptions and preferences.

    Each `token` comes from a link that `links` signed.
    """

    store: Store
    links: "SignedLinks"

    async def sign_up(self, request: SignUp, mailing_list: MailingList, *, stamp: str, now: datetime) -> bool:
        """Queue a sign-up form. The person then subscribes with the link in the mail.

        Return False if a form with this stamp was queued before. The result does not depend on the state of the
        address: otherwise anybody could find out who is on a list. Raise SubscriptionError if nobody can sign up for
        the list.
        """
        _require_double_opt_in(mailing_list)
        return await self.store.sign_ups.add(request, mailing_list, stamp=stamp, now=now)

    async def find_sign_up(self, list_slug: str, token: str, *, now: datetime) -> Confirmation:
        """Return the sign-up of a confirmation link without confirming it.

        Raise InvalidLink in the same cases as `confirm`.
        """
        found = await self.store.sign_ups.find(self.links.read_confirmation(list_slug, token, now=now))
        if found is None or found.list_slug != list_slug:
            raise InvalidLink(NOT_STORED, expired=True)
        if found.is_void:
            raise InvalidLink(UNSUBSCRIBED_LATER, expired=True)
        return found

    async def confirm(self, list_slug: str, token: str, *, now: datetime) -> Confirmation:
        """Subscribe the person of a confirmation link. Confirming twice changes nothing.

        Raise InvalidLink if the link is damaged, forged, expired or for another list. Also raise it if the
        person unsubscribed after the sign-up; they must then sign up again.
        """
        found = await self.find_sign_up(list_slug, token, now=now)
        result = await self.store.sign_ups.confirm(found.id, now=now)
        if result is ConfirmResult.LEFT:
            raise InvalidLink(UNSUBSCRIBED_LATER, expired=True)
        if result is ConfirmResult.GONE:
            raise InvalidLink(NOT_STORED, expired=True)
        return found

    async def unsubscribe(self, list_slug: str, token: str, *, now: datetime) -> None:
        """Unsubscribe the person of an unsubscribe link.

        Nothing changes if they are unsubscribed or erased already. Raise InvalidLink if the link is damaged,
        forged, or for another list.
        """
        subscriber_id = self.links.read_unsubscribe(list_slug, token)
        await self.store.subscribers.unsubscribe(subscriber_id, list_slug, now=now)

    async def load_preferences(self, token: str) -> Preferences:
        """Return the data of the person to whom a preferences link was sent.

        Raise InvalidLink if the link is damaged or forged, or if the person was erased.
        """
        found = await self.store.subscribers.load_preferences(self.links.read_preferences(token))
        if found is None:
            raise InvalidLink(NOT_STORED, expired=True)
        return found

    async def save_preferences(
        self, token: str, choice: PreferenceChoice, *, joined: Iterable[MailingList] = (), now: datetime
    ) -> Preferences:
        """Store the choice of the person who uses a preferences link; return their new data.

        The link proves that the address is theirs, so the lists that they join need no confirmation. Raise
        InvalidLink in the same cases as `load_preferences`, and SubscriptionError if nobody can sign up for a
        list.

        joined: the mailing lists that `choice.joins` names.
        """
        subscriber_id = self.links.read_preferences(token)
        for mailing_list in joined:
            _require_double_opt_in(mailing_list)
            await self.store.subscribers.save_list(mailing_list)
        if not await self.store.subscribers.save_preferences(subscriber_id, choice, source=SOURCE, now=now):
            raise InvalidLink(NOT_STORED, expired=True)
        return await self.load_preferences(token)


def _require_double_opt_in(mailing_list: MailingList) -> None:
    if mailing_list.opt_in is not OptIn.DOUBLE:
        raise SubscriptionError(
            _(
                "nobody can sign up for the list `{list_slug}`, because its subscribers are imported",
                list_slug=mailing_list.slug,
            )
        )
