"""Recognise messages that are not delivery reports.

Such messages are automatic replies, receipts, challenges and unsubscribe requests. Also recognises messages
written by a mail system.
"""

import re
from email.message import Message

from moza_mail.bounces.header import decode_field, find_addresses

# RFC 3834 2 and 5. The X- fields are those of Exchange, of vacation programs and of large providers.
AUTO_REPLY_FIELDS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Reply",
    "X-AutoReply-From",
    "X-Vacation",
)
AUTO_REPLY_PRECEDENCE = {"auto_reply", "auto-reply", "autoreply"}
REPLY_PREFIX = r"^(?:(?:re|aw|antw|antwort|sv|tr|r[eé]f?)\s*:\s*)?"
AWAY_SUBJECT = re.compile(
    REPLY_PREFIX
    + r"(?:automatic reply|auto(?:matic)?[ -]?(?:reply|response|respons)|auto:|out of (?:the )?office|away from|"
    r"on (?:vacation|holiday|leave)|i am (?:away|on leave|out of)|vacation reply|(?:currently )?away:|"
    r"automatisch(?:e)? (?:antwoord|bericht|reactie|beantwoording)|afwezig|niet (?:aanwezig|op kantoor|bereikbaar)|"
    r"buiten (?:het )?kantoor|ik ben (?:afwezig|met vakantie|op vakantie|met verlof|niet aanwezig)|"
    r"(?:op |met )?vakantie(?:bericht|melding)?\b|met (?:vakantie|verlof|zwangerschapsverlof)|"
    r"wij hebben uw (?:bericht|mail|e-mail) ontvangen|"
    r"abwesen|automatische (?:antwort|r[uü]ckantwort|nachricht)|nicht im b[uü]ro|au(?:ß|ss)er haus|urlaub|ich bin (?:im urlaub|abwesend)|"
    r"r[ée]ponse automatique|absence|absent\b|message d.absence|en (?:cong[ée]|vacances)|hors du bureau|"
    r"risposta automatica|fuori sede|respuesta autom|fuera de (?:la )?oficina)",
    re.IGNORECASE,
)
RECEIPT_SUBJECT = re.compile(
    r"^(?:read|not read|read receipt|return receipt(?: \(displayed\))?|gelezen|niet gelezen|ongelezen verwijderd|leesbevestiging|"
    r"ontvangstbevestiging|gelesen|ungelesen gel[öo]scht|nicht gelesen|lesebest[äa]tigung|empfangsbest[äa]tigung(?: \(angezeigt\))?|"
    r"eingangsbest[äa]tigung|lu|non lu|accus[ée] de (?:r[ée]ception|lecture)|confirmation de lecture)\s*(?:[:-]|$)",
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
UNSUBSCRIBE_WORDS = re.compile(
    r"\W{0,3}(?:(?:re|aw|antw)\s*:\s*)?(?:please |graag |bitte |wilt u mij |svp )?"
    r"(?:unsubscribe(?: me)?|stop|remove(?: me)?|opt[ -]?out|cancel|no more e-?mails?|take me off(?: (?:the|this|your) list)?|"
    r"afmelden|uitschrijven|(?:meld|schrijf) (?:mij|me) (?:af|uit)(?: a\.?u\.?b\.?| s\.?v\.?p\.?)?|stoppen|opzeggen|verwijder (?:mij|me)|verwijderen|"
    r"geen (?:e-?)?mails?(?: meer)?|"
    r"abmelden|austragen|abbestellen|entfernen|k[üu]ndigen|keine (?:weiteren )?(?:e-?mails|werbung)(?: mehr)?|"
    r"(?:me |se )?d[ée]s(?:abonner|inscrire)|d[ée]s(?:inscription|abonnement)|me retirer|ne plus recevoir|r[ée]silier)"
    r"\W{0,3}",
    re.IGNORECASE,
)
MAIL_SYSTEM = re.compile(
    r"(?:mailer[-_. ]?daemon|post[-_. ]?master|mail[-_. ]?daemon|mdaemon|"
    r"mail[-_. ]?delivery[-_. ]?(?:sub)?-?system|delivery[-_. ]subsystem|"
    r"microsoft exchange|mmsc ndr)",
    re.IGNORECASE,
)
FAILURE_SUBJECT = re.compile(
    r"^(?:\[postmaster\] )?(?:undeliver(?:able|ed)|delivery (?:status notification|failure|has failed|error|notification|report)|"
    r"mail delivery (?:failed|failure|error)|(?:mail )?delivery failed|e?mail delivery failure|returned mail|failure notice|mail system error|"
    r"message (?:undeliverable|not delivered|could not be delivered)|could not send|non[- ]?deliver|permanent delivery failure|"
    r"onbestelbaar|niet (?:bezorgd|afgeleverd)|bezorging mislukt|retour afzender|bericht niet (?:afgeleverd|bezorgd)|"
    r"aflevering (?:is )?mislukt|uw bericht kan niet|"
    r"unzustellbar|nicht (?:zustellbar|zugestellt)|zustellung fehlgeschlagen|[üu]bermittlungsfehler|r[üu]cksendung|"
    r"(?:fehler bei der )?(?:nachrichten)?zustellung|"
    r"non remis|[ée]chec de (?:la )?(?:remise|distribution)|retour [àa] l.exp|impossible d.envoyer|message non (?:distribu|remis)|"
    r"non recapitabile|mancato recapito|no se puede entregar|メールエラー)",
    re.IGNORECASE,
)

# Matches only at the beginning of a line, so that a person who quotes a report is not taken for a mail
# system.
FAILURE_TEXT = re.compile(
    r"^[ \t*-]{0,8}(?:this is the mail system at|hi\. this is the .{0,20}-send program|a message that you sent could not be delivered|"
    r"your message did not reach some or all|the following recipient(?:\(s\)|s)? could not be reached|delivery has failed to these|"
    r"delivery to the following recipients? failed|(?:your )?message (?:could not be|was not|wasn't) delivered|could not be delivered to|"
    r"error: (?:invalid user|no valid recipients)|your message cannot be delivered to|unable to deliver (?:the |your )?message|"
    r"uw bericht (?:kan niet worden|is niet) (?:bezorgd|afgeleverd)|bezorging (?:bij|is mislukt)|uw document: .{0,200}is niet afgeleverd|"
    r"ihre nachricht (?:konnte nicht|hat einige)|folgende empf[äa]nger|fehler bei der nachrichtenzustellung|ihr dokument: |"
    r"[ée]chec de la remise|votre message n.(?:a pas|est pas)|impossible de contacter|votre document ?: )",
    re.IGNORECASE | re.MULTILINE,
)


def has_failure_text(text: str) -> bool:
    """Return True if a line near the beginning is typical of mail systems."""
    return bool(FAILURE_TEXT.search(text[:2000].replace("\u2019", "'")))


def is_challenge(message: Message) -> bool:
    """Return True if the message is from a filter that asks the sender for confirmation."""
    return any(message[name] for name in CHALLENGE_FIELDS) or bool(
        CHALLENGE_SUBJECT.search(decode_field(message, "Subject"))
    )


def has_away_subject(message: Message) -> bool:
    """Return True if the subject says that a person is away or that the message was received."""
    return bool(AWAY_SUBJECT.match(decode_field(message, "Subject")))


def is_receipt(message: Message) -> bool:
    """Return True if the subject says that the message was read or received."""
    return bool(RECEIPT_SUBJECT.match(decode_field(message, "Subject")))


def has_failure_subject(message: Message) -> bool:
    """Return True if the subject is typical of failure reports."""
    return bool(FAILURE_SUBJECT.match(decode_field(message, "Subject")))


def is_auto_submitted(message: Message) -> bool:
    """Return True if a header says that a program wrote the message (RFC 3834 5)."""
    submitted = decode_field(message, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = decode_field(message, "Precedence").strip().lower()
    if submitted not in {"", "no"} or precedence in AUTO_REPLY_PRECEDENCE:
        return True
    return any(message[name] for name in AUTO_REPLY_FIELDS)


def suppresses_auto_replies(message: Message) -> bool:
    """Return True if a header asks Exchange not to reply.

    Exchange and many other programs write this header in their automatic replies.
    """
    return bool(message["X-Auto-Response-Suppress"])


def is_unsubscribe_request(message: Message, text: str) -> bool:
    """Return True if the subject or the first line only asks to unsubscribe (RFC 2369 3.2).

    Quoted and empty lines do not count as the first line.
    """
    lines = (line.strip() for line in text[:4000].splitlines())
    first = next((line for line in lines if line and not line.startswith(">")), "")
    subject = decode_field(message, "Subject")
    return any(UNSUBSCRIBE_WORDS.fullmatch(line[:80]) for line in (subject, first))


def is_mail_system(message: Message) -> bool:
    """Return True if the sender is a mail system.

    This is judged by the sender's address and name, and by a header that lists the failed addresses.
    """
    sender = decode_field(message, "From")
    named = sender.partition("<")[0].strip(' "')
    return (
        bool(message["X-Failed-Recipients"])
        or any(MAIL_SYSTEM.match(address) for address in find_addresses(message, "From"))
        or bool(MAIL_SYSTEM.match(named))
    )


def has_null_return_path(message: Message) -> bool:
    """Return True if the return path is empty (RFC 5321 4.5.5).

    Delivery reports and automatic replies have an empty return path.
    """
    path = message["Return-Path"]
    return path is not None and str(path).strip() == "<>"
