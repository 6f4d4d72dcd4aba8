"""What tells an automatic answer from a failure: holiday replies, challenges, and who writes reports."""

import re
from email.message import Message

from moza_mail.bounces.header import decode_field, find_addresses

# RFC 3834 2 and 5; the X- fields are those of Exchange, of vacation programs and of large providers.
AUTO_REPLY_FIELDS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Reply",
    "X-AutoReply-From",
    "X-Vacation",
)
AUTO_REPLY_PRECEDENCE = {"auto_reply", "auto-reply", "autoreply"}
AWAY_SUBJECT = re.compile(
    r"^(?:re:\s*)?(?:automatic reply|auto(?:matic)?[ -]?(?:reply|response)|autoreply|out of (?:the )?office|away from|"
    r"on (?:vacation|holiday|leave)|i am (?:away|on leave)|vacation reply|automatisch(?:e)? (?:antwoord|bericht)|afwezig|"
    r"niet aanwezig|buiten (?:het )?kantoor|ik ben (?:afwezig|met vakantie|op vakantie|met verlof)|vakantie(?:bericht|melding)?\b|"
    r"met (?:vakantie|verlof|zwangerschapsverlof)|ontvangstbevestiging|wij hebben uw (?:bericht|mail|e-mail) ontvangen)",
    re.IGNORECASE,
)
CHALLENGE_SUBJECT = re.compile(
    r"(?:sender|message|mail|e-?mail) (?:verification|confirmation) (?:required|request|needed)|awaiting (?:your )?verification|"
    r"(?:confirm|verify) (?:your (?:message|e-?mail|identity)|that you are (?:human|a person))|please (?:confirm|verify).{0,40}\b(?:message|e-?mail|delivery)|"
    r"challenge[ /-]response|bevestig (?:uw|je) (?:bericht|e-?mail|verzending|identiteit)|uw bericht wacht op (?:bevestiging|goedkeuring)|"
    r"verificatie van de afzender",
    re.IGNORECASE,
)
CHALLENGE_FIELDS = ("X-TMDA-Confirm", "X-Challenge-Response", "X-ASK-Auth", "X-Boxbe-Challenge")
UNSUBSCRIBE_SUBJECT = re.compile(
    r"\W{0,3}(?:re:\s*)?(?:unsubscribe|afmelden|uitschrijven|meld mij af|schrijf mij uit)\W{0,3}",
    re.IGNORECASE,
)
MAIL_SYSTEM_ADDRESS = re.compile(
    r"(?:mailer-?daemon|post-?master|mail-?daemon|mdaemon|mailerdaemon|mail delivery (?:subsystem|system))",
    re.IGNORECASE,
)


def is_challenge(message: Message) -> bool:
    """Whether somebody's filter asks a person to prove that they are one."""
    return any(message[name] for name in CHALLENGE_FIELDS) or bool(
        CHALLENGE_SUBJECT.search(decode_field(message, "Subject"))
    )


def has_away_subject(message: Message) -> bool:
    """Whether its subject says that a person is away."""
    return bool(AWAY_SUBJECT.match(decode_field(message, "Subject")))


def is_auto_submitted(message: Message) -> bool:
    """Whether a header says that no person wrote it (RFC 3834 5)."""
    submitted = decode_field(message, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = decode_field(message, "Precedence").strip().lower()
    if submitted not in {"", "no"} or precedence in AUTO_REPLY_PRECEDENCE:
        return True
    return any(message[name] for name in AUTO_REPLY_FIELDS)


def suppresses_auto_replies(message: Message) -> bool:
    """Whether it asks Exchange not to answer it, as its automatic answers and many programs do."""
    return bool(message["X-Auto-Response-Suppress"])


def is_unsubscribe_request(message: Message) -> bool:
    """Whether all that its subject says is that the reader wants to leave (RFC 2369 3.2)."""
    return bool(UNSUBSCRIBE_SUBJECT.fullmatch(decode_field(message, "Subject")))


def is_from_mail_system(message: Message) -> bool:
    """Whether a mail system wrote it: by its return path (RFC 5321 4.5.5), its sender, or the addresses it says failed."""
    path = message["Return-Path"]
    if (path is not None and str(path).strip() == "<>") or message["X-Failed-Recipients"]:
        return True
    return any(MAIL_SYSTEM_ADDRESS.match(address) for address in find_addresses(message, "From"))
