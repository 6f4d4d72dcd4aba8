"""Special features of the exports of known services.

Other exports need no entry here: their headings and values show what the columns mean.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from moza_mail.subscriber_file.headings import ColumnRole, normalise_heading
from moza_mail.subscriber_file.row_state import RowState

NO_ROLES: Mapping[str, ColumnRole] = MappingProxyType({})
NO_WORDS: Mapping[str, RowState | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """The export of a service.

    headings: normalised headings that are always present; no other service has all of them.
    roles: roles of columns whose heading suggests something else.
    words: the service's own words in the status column; None if a word says nothing about mail.
    is_subscribed: True if each row is a subscriber of the newsletter unless a column says otherwise.
    month_first: True if dates have the month before the day.
    """

    name: str
    headings: frozenset[str]
    roles: Mapping[str, ColumnRole] = field(default_factory=lambda: NO_ROLES)
    words: Mapping[str, RowState | None] = field(default_factory=lambda: NO_WORDS)
    is_subscribed: bool = False
    month_first: bool = False


def _headings(text: str) -> frozenset[str]:
    return frozenset(text.split(", "))


BUTTONDOWN_TYPES: Mapping[str, RowState | None] = MappingProxyType(
    {
        "regular": RowState.CONFIRMED,
        "premium": RowState.CONFIRMED,
        "gifted": RowState.CONFIRMED,
        "trialed": RowState.CONFIRMED,
        "churning": RowState.CONFIRMED,
        "churned": RowState.CONFIRMED,
        "past due": RowState.CONFIRMED,
        "upcoming": RowState.UNCONFIRMED,
    }
)
BREVO_CHOICES: Mapping[str, RowState | None] = MappingProxyType(
    {
        "1": RowState.CONFIRMED,
        "2": RowState.UNCONFIRMED,
        "no": RowState.UNCONFIRMED,
        "non": RowState.UNCONFIRMED,
        "nee": RowState.UNCONFIRMED,
        "nein": RowState.UNCONFIRMED,
    }
)
"""The choices of the attribute DOUBLE_OPT-IN, by number or by name."""
SERVICES: tuple[ExportFormat, ...] = (
    ExportFormat(name="Mailchimp", headings=_headings("email address, member rating")),
    ExportFormat(name="Mailchimp", headings=_headings("email address, leid, euid")),
    ExportFormat(name="Mailchimp", headings=_headings("email address, unsub time")),
    ExportFormat(name="Mailchimp", headings=_headings("email address, clean time")),
    ExportFormat(
        name="Brevo",
        headings=_headings("email, added time, modified time"),
        roles={
            "email blacklisted": ColumnRole.UNSUBSCRIBED,
            "double optin": ColumnRole.OPTIONAL_STATUS,
        },
        words=BREVO_CHOICES,
    ),
    ExportFormat(
        name="Brevo",
        headings=_headings("email, sms, double optin"),
        roles={"double optin": ColumnRole.OPTIONAL_STATUS},
        words=BREVO_CHOICES,
    ),
    ExportFormat(
        name="Brevo",
        headings=_headings("email, blacklisted, lists, added time"),
        roles={"blacklisted": ColumnRole.UNSUBSCRIBED},
    ),
    ExportFormat(
        name="Brevo",
        headings=_headings("email, blacklisted, blacklisted sms"),
        roles={"blacklisted": ColumnRole.UNSUBSCRIBED},
    ),
    ExportFormat(name="Laposta", headings=_headings("emailadres, status, ingeschreven op")),
    ExportFormat(name="Laposta", headings=_headings("member id, email, state, signup date")),
    ExportFormat(name="Spotler", headings=_headings("emailadres, permissie datum, bounced")),
    ExportFormat(name="Copernica", headings=_headings("id, email, nieuwsbrief, aangemaakt")),
    ExportFormat(name="MailerLite", headings=_headings("subscriber, status, opens, clicks")),
    ExportFormat(name="MailerLite", headings=_headings("email, status, opens count, clicks count")),
    ExportFormat(
        name="MailerLite",
        headings=_headings("subscriber, date subscribed, type"),
        roles={"type": ColumnRole.STATUS},
    ),
    ExportFormat(
        name="Substack", headings=_headings("email, active subscription, email disabled"), is_subscribed=True
    ),
    ExportFormat(name="Substack", headings=_headings("email, expiry, email disabled"), is_subscribed=True),
    ExportFormat(
        name="Substack",
        headings=_headings("email, stripe plan, cancel date"),
        roles={"cancel date": ColumnRole.UNRELATED},
    ),
    ExportFormat(name="Ghost", headings=_headings("email, subscribed to emails, complimentary plan")),
    ExportFormat(
        name="Buttondown",
        headings=_headings("metadata, tags, type, creation date"),
        roles={"type": ColumnRole.STATUS},
        words=BUTTONDOWN_TYPES,
    ),
    ExportFormat(
        name="Buttondown",
        headings=_headings("email, subscriber type, creation date"),
        roles={"subscriber type": ColumnRole.STATUS},
        words=BUTTONDOWN_TYPES,
    ),
    # The account is enabled; the export does not say on which lists its owner is, or if they confirmed.
    ExportFormat(
        name="listmonk", headings=_headings("uuid, email, attributes, status"), words={"enabled": None}
    ),
    ExportFormat(name="Kit", headings=_headings("first name, email address, state, created at")),
    ExportFormat(
        name="HubSpot",
        headings=_headings("email, unsubscribed from all email"),
        roles={
            "marketing contact status": ColumnRole.OPTIONAL_STATUS,
            "marketing email confirmation status": ColumnRole.OPTIONAL_STATUS,
        },
        words={"marketing contact": None},
    ),
    # A file of active addresses also has addresses that somebody imported, with the date of that import.
    ExportFormat(
        name="Campaign Monitor",
        headings=_headings("email address, name, date subscribed, consent to track"),
        roles={"date subscribed": ColumnRole.CREATED},
    ),
    ExportFormat(
        name="Campaign Monitor", headings=_headings("email address, name, date, state, consent to track")
    ),
    ExportFormat(
        name="ActiveCampaign", headings=_headings("email, first name, last name, tags, date created, status")
    ),
    # The numbers of its API: https://developers.activecampaign.com/reference/contact
    ExportFormat(
        name="ActiveCampaign",
        headings=_headings("status, sdate, udate"),
        roles={"sdate": ColumnRole.CONSENT_DATE, "udate": ColumnRole.UNRELATED},
        words={
            "0": RowState.UNCONFIRMED,
            "1": RowState.CONFIRMED,
            "2": RowState.UNSUBSCRIBED,
            "3": RowState.BOUNCED,
        },
    ),
    ExportFormat(
        name="phpList",
        headings=_headings("email, is this subscriber confirmed, is this subscriber blacklisted"),
        roles={
            "did this subscriber manually confirm": ColumnRole.UNRELATED,
            "list membership": ColumnRole.OPTIONAL_STATUS,
        },
        words={"no lists": RowState.UNSUBSCRIBED, "*": None},
    ),
    ExportFormat(name="Mailman", headings=_headings("email, delivery status, subscription mode")),
    ExportFormat(
        name="Mailman",
        headings=_headings("email, role, delivery status"),
        roles={"role": ColumnRole.OPTIONAL_STATUS},
        words={"member": None, "owner": RowState.UNCONFIRMED, "moderator": RowState.UNCONFIRMED},
    ),
    ExportFormat(name="Sendy", headings=_headings("name, email, last activity, status")),
    ExportFormat(
        name="Constant Contact", headings=_headings("email address, email status, email permission status")
    ),
    # Somebody who did not confirm yet is not active either; `deactivated` says who left.
    ExportFormat(
        name="CleverReach",
        headings=_headings("email, registered, activated, deactivated"),
        roles={"active": ColumnRole.VERIFIED},
    ),
    # MailPoet calls a subscriber inactive who has not opened a mail for a long time.
    ExportFormat(
        name="MailPoet",
        headings=_headings("email, list status, global status"),
        words={"inactive": RowState.CONFIRMED},
    ),
    ExportFormat(
        name="AWeber",
        headings=_headings("email, stop time, stop status, verified"),
        roles={"message": ColumnRole.UNRELATED},
        month_first=True,
    ),
    ExportFormat(
        name="Mailtrain",
        headings=_headings("email, cid, status"),
        words={
            "1": RowState.CONFIRMED,
            "2": RowState.UNSUBSCRIBED,
            "3": RowState.BOUNCED,
            "4": RowState.COMPLAINED,
        },
    ),
    ExportFormat(
        name="Google Groups",
        headings=_headings("email address, group status, email status"),
        roles={
            "group status": ColumnRole.OPTIONAL_STATUS,
            "email status": ColumnRole.OPTIONAL_STATUS,
            "email preference": ColumnRole.OPTIONAL_STATUS,
            "posting permissions": ColumnRole.PRIVATE,
        },
        words={
            "member": None,
            "manager": None,
            "owner": None,
            "all email": None,
            "each email": None,
            "daily digest": None,
            "digest": None,
            "abridged": None,
            "no email": RowState.UNSUBSCRIBED,
        },
    ),
    ExportFormat(
        name="Shopify",
        headings=_headings("email, email marketing status, email marketing level"),
        roles={"email marketing level": ColumnRole.UNRELATED},
    ),
    ExportFormat(name="Shopify", headings=_headings("email, accepts email marketing, tax exempt")),
    ExportFormat(name="GetResponse", headings=_headings("email, created on, origin")),
    ExportFormat(name="Zoho Campaigns", headings=_headings("contact email, contact status")),
    ExportFormat(
        name="Mailjet",
        headings=_headings("email, is unsubscribed, is excluded from campaigns"),
        is_subscribed=True,
    ),
    ExportFormat(
        name="beehiiv",
        headings=_headings("email, status, tier, created at"),
        words={"invalid": RowState.UNCONFIRMED},
    ),
    ExportFormat(
        name="beehiiv",
        headings=_headings("email, status, created at, subscription tier"),
        words={"invalid": RowState.UNCONFIRMED},
    ),
    ExportFormat(
        name="Mautic",
        headings=_headings("email, dnc reason"),
        roles={"dnc reason": ColumnRole.OPTIONAL_STATUS, "dnc comments": ColumnRole.PRIVATE},
        words={
            "0": None,
            "1": RowState.UNSUBSCRIBED,
            "2": RowState.BOUNCED,
            "3": RowState.SUPPRESSED,
        },
    ),
    ExportFormat(
        name="The Newsletter Plugin",
        headings=_headings("email, name, surname, status, token"),
        words={
            "c": RowState.CONFIRMED,
            "s": RowState.UNCONFIRMED,
            "u": RowState.UNSUBSCRIBED,
            "b": RowState.BOUNCED,
            "p": RowState.COMPLAINED,
        },
    ),
    # `Do Not Mail` is about letters on paper. Each other way to reach a person has a column of its own.
    ExportFormat(
        name="CiviCRM",
        headings=_headings("email, on hold, contact id"),
        roles={
            "on hold": ColumnRole.OPTIONAL_STATUS,
            "do not mail": ColumnRole.OTHER_CHANNEL,
            "do not phone": ColumnRole.OTHER_CHANNEL,
            "do not sms": ColumnRole.OTHER_CHANNEL,
            "do not trade": ColumnRole.UNRELATED,
        },
        words={
            "0": None,
            "no": None,
            "1": RowState.BOUNCED,
            "2": RowState.UNSUBSCRIBED,
            "on hold bounce": RowState.BOUNCED,
            "on hold opt out": RowState.UNSUBSCRIBED,
            "added": RowState.CONFIRMED,
        },
    ),
    ExportFormat(
        name="Odoo",
        headings=_headings("email, mailing list, optout"),
        roles={"mailing list": ColumnRole.UNRELATED, "contact": ColumnRole.NAME},
    ),
    # The column `status` is that of the account; the subscription has a status of its own.
    ExportFormat(
        name="Simplenews",
        headings=_headings("mail, newsletter id, subscription status"),
        roles={"status": ColumnRole.UNRELATED},
        words={"0": RowState.UNSUBSCRIBED, "1": RowState.CONFIRMED, "2": RowState.UNCONFIRMED},
    ),
    # Its numbers differ between versions, and the column `status` has the same in words.
    ExportFormat(
        name="Mailster",
        headings=_headings("email, statuscode, status"),
        roles={"statuscode": ColumnRole.UNRELATED, "confirm": ColumnRole.UNRELATED},
    ),
    ExportFormat(
        name="TYPO3",
        headings=_headings("email, module sys dmail newsletter, hidden"),
        roles={"hidden": ColumnRole.SUPPRESSED, "module sys dmail newsletter": ColumnRole.PERMISSION},
    ),
    ExportFormat(
        name="Tripolis",
        headings=_headings("emailaddress, optin date, subscriptiontype, status"),
        roles={"subscriptiontype": ColumnRole.UNRELATED},
    ),
    ExportFormat(
        name="LISTSERV",
        headings=_headings("email, mail status, options"),
        words={"mail": RowState.CONFIRMED, "digest": RowState.CONFIRMED, "index": RowState.CONFIRMED},
    ),
    ExportFormat(
        name="Sympa",
        headings=_headings("email, reception, visibility"),
        roles={
            "reception": ColumnRole.STATUS,
            "suspend": ColumnRole.SUPPRESSED,
            "subscribed": ColumnRole.UNRELATED,
            "included": ColumnRole.UNRELATED,
        },
        words=dict.fromkeys(
            ("mail", "digest", "digestplain", "summary", "notice", "txt", "html", "urlize", "not me"),
            RowState.CONFIRMED,
        ),
    ),
    ExportFormat(
        name="Salesforce Marketing Cloud",
        headings=_headings("subscriber key, email address, status"),
        words={"held": RowState.BOUNCED},
    ),
)
SERVICE_NAMES = tuple(dict.fromkeys(service.name for service in SERVICES))


def find_services(header: Iterable[str], name: str = "") -> list[ExportFormat]:
    """Return the formats whose headings are all in the header, one for each service.

    name: only this service, if the person who imports the file named it.
    """
    headings = {normalise_heading(heading) for heading in header}
    found: dict[str, ExportFormat] = {}
    for service in sorted(SERVICES, key=lambda one: -len(one.headings)):
        if service.headings <= headings and name.casefold() in {"", service.name.casefold()}:
            found.setdefault(service.name, service)
    return list(found.values())
