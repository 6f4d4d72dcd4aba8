"""What tells an automatic answer from a failure: holiday replies, challenges, and who writes reports."""

import re
from email.message import Message

from moza_mail.bounces.header import addresses, text

# RFC 3834 2 and 5; the X- fields are those of Exchange, of vacation programs and of large providers.
ANSWERS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Reply",
    "X-AutoReply-From",
    "X-Vacation",
)
ANSWER_PRECEDENCE = {"auto_reply", "auto-reply", "autoreply"}
AWAY = re.compile(
    r"^(?:re:\s*)?(?:automatic reply|auto(?:matic)?[ -]?(?:reply|response)|autoreply|out of (?:the )?office|away from|"
    r"on (?:vacation|holiday|leave)|i am (?:away|on leave)|vacation reply|automatisch(?:e)? (?:antwoord|bericht)|afwezig|"
    r"niet aanwezig|buiten (?:het )?kantoor|ik ben (?:afwezig|met vakantie|op vakantie|met verlof)|vakantie(?:bericht|melding)?\b|"
    r"met (?:vakantie|verlof|zwangerschapsverlof)|ontvangstbevestiging|wij hebben uw (?:bericht|mail|e-mail) ontvangen)",
    re.IGNORECASE,
)
CHALLENGE = re.compile(
    r"(?:sender|message|mail|e-?mail) (?:verification|confirmation) (?:required|request|needed)|awaiting (?:your )?verification|"
    r"(?:confirm|verify) (?:your (?:message|e-?mail|identity)|that you are (?:human|a person))|please (?:confirm|verify).{0,40}\b(?:message|e-?mail|delivery)|"
    r"challenge[ /-]response|bevestig (?:uw|je) (?:bericht|e-?mail|verzending|identiteit)|uw bericht wacht op (?:bevestiging|goedkeuring)|"
    r"verificatie van de afzender",
    re.IGNORECASE,
)
CHALLENGE_FIELDS = ("X-TMDA-Confirm", "X-Challenge-Response", "X-ASK-Auth", "X-Boxbe-Challenge")
LEAVE = re.compile(
    r"\W{0,3}(?:re:\s*)?(?:unsubscribe|afmelden|uitschrijven|meld mij af|schrijf mij uit)\W{0,3}",
    re.IGNORECASE,
)
REPORTER = re.compile(
    r"(?:mailer-?daemon|post-?master|mail-?daemon|mdaemon|mailerdaemon|mail delivery (?:subsystem|system))",
    re.IGNORECASE,
)


def is_challenge(message: Message) -> bool:
    """Whether somebody's filter asks a person to prove that they are one."""
    return any(message[name] for name in CHALLENGE_FIELDS) or bool(CHALLENGE.search(text(message, "Subject")))


def is_away(message: Message) -> bool:
    """Whether its subject says that a person is away."""
    return bool(AWAY.match(text(message, "Subject")))


def is_automatic(message: Message) -> bool:
    """Whether a header says that no person wrote it (RFC 3834 5)."""
    submitted = text(message, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = text(message, "Precedence").strip().lower()
    if submitted not in {"", "no"} or precedence in ANSWER_PRECEDENCE:
        return True
    return any(message[name] for name in ANSWERS)


def is_quieted(message: Message) -> bool:
    """Whether it asks Exchange not to answer it, as its automatic answers and many programs do."""
    return bool(message["X-Auto-Response-Suppress"])


def asks_to_leave(message: Message) -> bool:
    """Whether all that its subject says is that the reader wants to leave (RFC 2369 3.2)."""
    return bool(LEAVE.fullmatch(text(message, "Subject")))


def is_reporter(message: Message) -> bool:
    """Whether a mail system wrote it: by its return path (RFC 5321 4.5.5), its sender, or the addresses it says failed."""
    path = message["Return-Path"]
    if (path is not None and str(path).strip() == "<>") or message["X-Failed-Recipients"]:
        return True
    return any(REPORTER.match(address) for address in addresses(message, "From"))
