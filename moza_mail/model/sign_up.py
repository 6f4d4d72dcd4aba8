"""Sign-ups: the form, the confirmation link, and the preferences of a subscriber."""

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
# A lone surrogate cannot be stored, and a control character may not occur in a mail header.
UNSTORABLE = re.compile(f"{CONTROL_CHARACTER.pattern}|[\ud800-\udfff]")
LANGUAGE = re.compile(f"(?:{LANGUAGE_TAG})?")

LINK_LIFETIME = timedelta(days=7)
"""How long a confirmation link is valid. An unconfirmed sign-up is kept longer."""
MAIL_INTERVAL = timedelta(minutes=5)
"""The minimum time between two confirmation mails to one mailbox."""
MAIL_LIMIT_PERIOD, MAIL_LIMIT = timedelta(days=7), 3
"""The maximum number of confirmation mails to one mailbox in this period."""
FORM_LIFETIME = timedelta(hours=24)
"""How long a form can be sent after it was shown."""
LONGEST_DELAY = timedelta(hours=48)
"""A confirmation mail that could not be sent in this time is given up."""

NO_MAILING = 0
"""The mailing number in the return address of a confirmation mail. No mailing has it."""


def clean_name(text: str) -> str:
    """Return a name to store, stripped of spaces; raise SubscriptionError if it is unusable."""
    name = text.strip()
    if UNSTORABLE.search(name):
        raise SubscriptionError(_("the name contains a control character"), hint=_("Type it again."))
    if len(name) > LONGEST_NAME:
        raise SubscriptionError(
            _("the name is longer than {longest} characters", longest=LONGEST_NAME), hint=_("Shorten it.")
        )
    return name


def check_language(tag: str) -> str:
    """Return a language tag (RFC 5646) to store, such as `nl` or `en-GB`, or empty.

    Raises SubscriptionError for any other text.
    """
    if not LANGUAGE.fullmatch(tag):
        raise SubscriptionError(_("the language is not a tag such as nl or en"))
    return tag


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A request to join a list, sent with a sign-up form. It has an address and a consent.

    The address is not verified yet, so the name and language are stored only after the confirmation. Raises SubscriptionError
    for an unusable name, language or source.

    source: the place of the form, such as its URL.
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
            raise SubscriptionError(
                _("the source of the sign-up is too long, or contains a control character")
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A sign-up with a confirmation link that was sent or waits to be sent.

    The link becomes void if the person unsubscribes later.
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
        """The time at which the link expires."""
        return self.created_at + LINK_LIFETIME


class ConfirmResult(StrEnum):
    """The result of using a confirmation link."""

    NOW = "now"
    ALREADY = "already"
    LEFT = "left"
    """No effect: the person has left the list since the sign-up."""
    GONE = "gone"
    """No effect: the sign-up is no longer kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The preferences that a subscriber sees. A suppressed address gets no mail from any list."""

    subscriber: Subscriber
    subscriptions: tuple[Subscription, ...] = ()
    is_suppressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChoice:
    """The choices of a subscriber.

    joins: the lists to join, each with the consent text that was shown.
    leaves: the lists to leave. Other lists do not change.

    Raises SubscriptionError if the name or the language of the subscriber is unusable.
    """

    name: str
    lang: str
    joins: Mapping[str, Consent] = field(default_factory=lambda: MappingProxyType({}))
    leaves: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_name(self.name))
        check_language(self.lang)
