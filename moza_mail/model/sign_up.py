"""Coming onto a list by one's own wish: what was asked for, the mail that asks to confirm it, and what its reader may choose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from moza_mail.errors import SubscriptionError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.mailing_list import LANGUAGE_TAG, Consent
from moza_mail.model.subscriber import Subscriber, Subscription
from moza_mail.model.timestamps import require_utc

LONGEST_NAME = 120
LONGEST_SOURCE = 200
# Half a character cannot be stored, and a control character has no place in a name or in a mail.
UNSTORABLE = re.compile(f"{CONTROL_CHARACTER.pattern}|[\ud800-\udfff]")
LANGUAGE = re.compile(f"(?:{LANGUAGE_TAG})?")

LINK_LIFETIME = timedelta(days=7)
"""How long the link of a confirmation holds; an unconfirmed sign-up is kept longer than that."""
MAIL_INTERVAL = timedelta(hours=1)
"""The least time between two confirmation mails to one address."""
MAIL_LIMIT_PERIOD, MAIL_LIMIT = timedelta(days=7), 3
"""So many confirmation mails to one address in so long a time, and no more."""
LONGEST_DELAY = timedelta(hours=48)
"""A confirmation that could not be mailed in this time is given up: the person asks again."""

NO_MAILING = 0
"""Stands for a mailing's number in the return address of a confirmation; no mailing has it."""


def clean_name(text: str) -> str:
    """A name as it is kept, spaces around it gone; raise SubscriptionError for one that is no name."""
    name = text.strip()
    if UNSTORABLE.search(name):
        raise SubscriptionError(_("the name holds a control character"), hint=_("Type it again."))
    if len(name) > LONGEST_NAME:
        raise SubscriptionError(
            _("the name is longer than {longest} characters", longest=LONGEST_NAME), hint=_("Shorten it.")
        )
    return name


def check_language(tag: str) -> str:
    """A language tag as it is kept, `nl` or `en-GB` (RFC 5646), or none; raise SubscriptionError for anything else."""
    if not LANGUAGE.fullmatch(tag):
        raise SubscriptionError(_("the language is not a tag such as nl or en"))
    return tag


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """What somebody asks for in a form: to come on a list, under this address, by this consent.

    Nothing shows yet that the address is theirs, so name and language are taken over only when they confirm. `source` says
    where it was asked, such as the form's address. Raises SubscriptionError for a name, a language or a source that cannot be
    kept.
    """

    address: Address
    consent: Consent
    source: str
    name: str = ""
    lang: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_name(self.name))
        check_language(self.lang)
        if UNSTORABLE.search(self.source) or len(self.source) > LONGEST_SOURCE:
            raise SubscriptionError(_("the source of the sign-up is not one short line"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """One sign-up whose link is in somebody's mailbox, or on its way there.

    `void` says that the person has left the list since, so that this link confirms nothing any more.
    """

    id: int
    subscriber_id: int
    list_slug: str
    address: Address
    consent: str
    lang: str = ""
    created_at: datetime
    is_void: bool = False

    def __post_init__(self) -> None:
        require_utc(self.created_at)

    @property
    def expires_at(self) -> datetime:
        """Until when its link holds."""
        return self.created_at + LINK_LIFETIME


class ConfirmResult(StrEnum):
    """What became of a sign-up when its link was used."""

    NOW = "now"
    ALREADY = "already"
    LEFT = "left"
    """Nothing: the person has left the list after they had asked for it."""
    GONE = "gone"
    """Nothing: the sign-up is not kept any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a reader sees of themselves; `suppressed` says that their address is mailed for no list at present."""

    subscriber: Subscriber
    subscriptions: tuple[Subscription, ...] = ()
    is_suppressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChoice:
    """What a reader chose on their page: which lists to be on, by slug with the consent that was shown, and which not.

    A list that is in neither is left as it is. Raises SubscriptionError for a name or a language that cannot be kept.
    """

    name: str
    lang: str
    joins: Mapping[str, Consent] = field(default_factory=lambda: MappingProxyType({}))
    leaves: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_name(self.name))
        check_language(self.lang)
