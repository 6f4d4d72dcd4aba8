"""The rule for a message that is larger than a relay accepts.

The message is nearly the same for all recipients, so the rule stops the whole mailing.
"""

from moza_mail.errors import MailingError
from moza_mail.i18n import gettext as _
from moza_mail.model.classify_reply import classify_reply
from moza_mail.model.reply import Reply
from moza_mail.model.verdict import Verdict

# How the detail of an outcome begins when our own relay announced a limit that the message exceeds.
TOO_LARGE = "the message is too large for the relay"


def size_limit(parameter: str) -> int | None:
    """Return the limit in bytes that a relay announces with SIZE (RFC 1870 4).

    None if the relay announces no number, or 0.
    """
    digits = parameter.strip()
    return int(digits) or None if digits.isascii() and digits.isdecimal() else None


def refuses_size(reply: Reply) -> bool:
    """Return True if the reply refuses the message for its size (RFC 3463 3.4).

    A full mailbox is another reason and does not count.
    """
    bare = reply.code == 552 and not reply.enhanced and classify_reply(str(reply)) is Verdict.TOO_LARGE
    return bare or reply.enhanced == "5.3.4"


def message_too_large(relay: str, detail: str) -> MailingError:
    """Return the error that stops a mailing.

    detail: the relay's reply or its limit.
    """
    return MailingError(
        _("the message is too large for the relay {relay}: {detail}", relay=relay, detail=detail),
        hint=_(
            "No recipient was refused. Ask the relay's operator for a larger limit and run the same command again,"
            " or send a shorter issue with its own `slug`."
        ),
    )
