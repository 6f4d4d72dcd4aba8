"""What readers do for themselves: sign up, confirm, leave, and choose what they receive.

Each answers one who holds a link of ours by what that link proves. Nothing here says to anybody else whether an address is
known: `sign_up` gives no answer at all.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from moza_mail.errors import InvalidLink, SubscriptionError
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing_list import MailingList, OptIn
from moza_mail.model.sign_up import Confirmation, ConfirmResult, PreferenceChoice, Preferences, SignUp
from moza_mail.store import Store

# It brings in cryptography, which an import of people does without.
if TYPE_CHECKING:
    from moza_mail.compose import SignedLinks

BY_CHOICE = "preferences page"
LEFT = "you have left this list after you asked for it"
GONE = "nothing is kept any more of what this link is for"


async def sign_up(store: Store, wish: SignUp, mailing_list: MailingList, *, now: datetime) -> None:
    """Take a sign-up to a list; the person is on it when they have used the link that is mailed to them.

    Gives nothing, whether the address is new, waiting, on the list, off it or suppressed, so that nobody can ask who is. Raises
    SubscriptionError for a list that is joined by a recorded consent alone.
    """
    if mailing_list.opt_in is not OptIn.DOUBLE:
        raise SubscriptionError(
            _(
                "the list `{list_slug}` is closed to sign-ups: its subscribers are imported",
                list_slug=mailing_list.slug,
            )
        )
    await store.sign_ups.add(wish, mailing_list, now=now)


async def asked(
    store: Store, links: "SignedLinks", list_slug: str, token: str, *, now: datetime
) -> Confirmation:
    """The sign-up of a confirmation link, to show before it is confirmed; changes nothing. Raises InvalidLink as `confirm`."""
    number = links.read_confirmation(list_slug, token, now=now)
    found = await store.sign_ups.find(number)
    if found is None or found.list_slug != list_slug:
        raise InvalidLink(GONE, expired=True)
    if found.is_void:
        raise InvalidLink(LEFT, expired=True)
    return found


async def confirm(
    store: Store, links: "SignedLinks", list_slug: str, token: str, *, now: datetime
) -> Confirmation:
    """Put the person of a confirmation link on the list; doing it twice is doing it once.

    Raises InvalidLink when the link is not whole, not ours, for another list, expired, or older than their leaving the list:
    to come back one signs up anew.
    """
    found = await asked(store, links, list_slug, token, now=now)
    became = await store.sign_ups.confirm(found.id, now=now)
    if became in {ConfirmResult.LEFT, ConfirmResult.GONE}:
        raise InvalidLink(LEFT if became is ConfirmResult.LEFT else GONE, expired=True)
    return found


async def leave(store: Store, links: "SignedLinks", list_slug: str, token: str, *, now: datetime) -> int:
    """Take the reader of an unsubscribe link off its list, at once; give their number.

    It is the same for one who has left already or is not held any more. Raises InvalidLink when the link is not whole, not
    ours, or for another list.
    """
    subscriber = links.read_unsubscribe(list_slug, token)
    await store.subscribers.unsubscribe(subscriber, list_slug, now=now)
    return subscriber


async def preferences(store: Store, links: "SignedLinks", token: str) -> Preferences:
    """What the reader of a preferences link may see of themselves.

    Raises InvalidLink when the link is not whole or not ours, or when nothing is held of its reader any more.
    """
    found = await store.subscribers.load_preferences(links.read_preferences(token))
    if found is None:
        raise InvalidLink(GONE, expired=True)
    return found


async def set_preferences(
    store: Store,
    links: "SignedLinks",
    token: str,
    choice: PreferenceChoice,
    *,
    joined: Iterable[MailingList] = (),
    now: datetime,
) -> Preferences:
    """Do what the reader of a preferences link chose, and give how they stand then.

    The link proves their address, so a list they join needs no further mail; one they leave is left at once. `joined` are the
    lists of `choice.joins`. Raises InvalidLink as `preferences`, and SubscriptionError for a list that nobody signs up to.
    """
    subscriber = links.read_preferences(token)
    for mailing_list in joined:
        if mailing_list.opt_in is not OptIn.DOUBLE:
            raise SubscriptionError(
                _(
                    "the list `{list_slug}` is closed to sign-ups: its subscribers are imported",
                    list_slug=mailing_list.slug,
                )
            )
        await store.subscribers.save_list(mailing_list)
    if not await store.subscribers.save_preferences(subscriber, choice, source=BY_CHOICE, now=now):
        raise InvalidLink(GONE, expired=True)
    return await preferences(store, links, token)
