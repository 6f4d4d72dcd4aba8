"""Divide a reply into its codes and its words, and mask the names in it.

So rules match only the words of the reply, and never a part of a name or an address.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from moza_mail.model.reply_word import WordRole
from moza_mail.model.reply_words import join_words

STATUS = r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]|\.\d)"
CODE = re.compile(rf'(?:(?<![\d.:\[#-])|(?<=RCPT TO:))([45]\d\d)(?:[ -]|(?=[:;,"]))\s*["\']?#?(?:{STATUS})?')
# The form of the codes in reports of Exchange: `#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##`.
EXCHANGE_CODE = re.compile(r"#[45]\d\d [45]\.\d\.\d")
MARKED_STATUS = re.compile(rf"\(?#{STATUS}\)?")
# Mimecast writes the status after a label: `Additional information follows : -- 5.4.1 Access denied`.
LEADING_STATUS = re.compile(rf"(?:^|(?<=: )|(?<=-- )){STATUS}")
TYPE_PREFIX = re.compile(r"^(?:smtp|x-[\w.-]+|lmtp|dns|unix)\s*;\s*", re.IGNORECASE)
ANY_ADDRESS = re.compile(r"[\w.+=-]+@[\w-]+(?:\.[\w-]+)*")
BRACKETED_ADDRESS = re.compile(r"<([^<>\s]+@[^<>\s]+)>")
IP_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
# Postfix and qmail begin with this text, whatever the reason is: `Recipient address rejected: Greylisted`.
NEUTRAL_PREFIX = re.compile(
    r"recipient address rejected: (?=\S)(?!access denied)|does not like recipient\.? remote host said:",
    re.IGNORECASE,
)
# Unicode does not divide these letters into a plain letter and an accent.
LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "đ": "d"})
HOST_NAME = re.compile(r"(?<![\w@.-])(?:[A-Za-z0-9-]+\.)+(?:[a-z]{2,}|[A-Z]{2,4})(?![\w-]|\.\w)")
URL = re.compile(r"\bhttps?://\S+|\bwww\.\S+", re.IGNORECASE)
# Phrases about the SMTP session name commands and servers, but not the reason of the refusal.
SESSION_PHRASES = re.compile(
    r"\(?in reply to (?:\w+ )*command\)?|smtp error from remote (?:mail )?server after [a-z ]+(?::<[^>]*>)?(?: size=\d+)?:?|"
    r"msexch:\S+|the mts-id of the original message is: .*|\[[^\]]*\.outlook\.com[^\]]*\]",
    re.IGNORECASE,
)
WITH_DIGIT = re.compile(r"\S*\d\S*")
ACCOUNT_NOUN = r"\b(?:users?|accounts?|mailbox|login|alias|name|for|gebruiker|benutzer|konto|compte|utilisateur|utente|usuario)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyContext:
    """The known facts about a reply besides its text.

    recipients: the reader's address and, if a report names it, the address to which the mail was forwarded.
    senders: our addresses in the envelope and the message.
    phase: the step of the session: connect, helo, auth, mail, rcpt, data, body; empty if unknown.
    status: the `Status` field of a report (RFC 3464 2.3.4).
    server: the name of the server that replied; empty if unknown.
    is_report: True if a server other than our relay replied, so that we know the reply only from a report.
    """

    recipients: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    phase: str = ""
    status: str = ""
    server: str = ""
    is_report: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyParts:
    """A reply divided into its parts.

    code: the basic code.
    status: the enhanced status, empty if absent.
    words: the remaining text.
    """

    code: str
    status: str
    words: str


def split_reply(text: str) -> ReplyParts:
    """Divide a reply into its codes and its words."""
    text = TYPE_PREFIX.sub("", text)
    found = CODE.search(text)
    code, status = (found[1], found[2] or "") if found else ("", "")
    if not status and (marked := MARKED_STATUS.search(text) or LEADING_STATUS.search(text)):
        status = marked[1]
    if code:
        # A reply of several lines repeats its codes.
        repeated = re.escape(status) if status else "(?!)"
        text = re.sub(rf"(?<![\d.]){code}[ -]#?(?:{repeated})?[ :-]?", " ", text)
    return ReplyParts(code=code, status=status, words=" ".join(text.split()))


def cut_introduction(text: str) -> str:
    """Return the reply without an introduction such as `<reader@example.org>: host mx.example.org said:`."""
    found = CODE.search(text) or EXCHANGE_CODE.search(text)
    return text[found.start() :] if found else text


def remove_accents(text: str) -> str:
    """Return a text without accents, so that rules match `désactivé` and `desactive` alike."""
    plain = text.translate(LETTERS)
    return "".join(char for char in unicodedata.normalize("NFD", plain) if not unicodedata.combining(char))


def mask_addresses(words: str, context: ReplyContext) -> str:
    """Mask addresses like `mask_readers`, and remove introductions that say nothing about the reason."""
    return NEUTRAL_PREFIX.sub("", mask_readers(words, context))


def mask_readers(words: str, context: ReplyContext) -> str:
    """Replace the reader's addresses by `RCPT` and IP addresses by `IP`.

    So a rule cannot match words inside these addresses.
    """
    for recipient in filter(None, context.recipients):
        words = re.sub(rf"(?<![\w.+=-]){re.escape(recipient)}(?![\w-])", "RCPT", words, flags=re.IGNORECASE)
    return IP_ADDRESS.sub("IP", words)


def _mask_name(words: str, local_part: str, mark: str) -> str:
    """Replace an account's name by `mark`, as `jan` in `user jan is disabled`."""
    name = rf"({ACCOUNT_NOUN}\W{{1,3}}){re.escape(local_part)}(?![\w@+-]|\.\w)"
    return re.sub(name, rf"\1{mark}", words, flags=re.IGNORECASE)


def mask_names(text: str, context: ReplyContext) -> str:
    """Return the words of a reply without names, accents, and phrases that say nothing about the cause.

    `RCPT` replaces the reader, `RDOMAIN` the reader's domain, `SENDER` the sender, `ADDR` any other address, and `SITE` any
    other host.
    """
    words = SESSION_PHRASES.sub(" ", mask_readers(URL.sub(" ", split_reply(text).words), context))
    for recipient in filter(None, context.recipients):
        local, _, domain = recipient.rpartition("@")
        own_domain = rf"(?<![\w.-]){re.escape(domain)}(?![\w-]|\.\w)"
        words = _mask_name(re.sub(own_domain, "RDOMAIN", words, flags=re.IGNORECASE), local, "RCPT")
    for sender in filter(None, context.senders):
        words = _mask_name(words, sender.rpartition("@")[0], "SENDER")
    return _compile_neutral().sub(" ", remove_accents(HOST_NAME.sub("SITE", ANY_ADDRESS.sub("ADDR", words))))


def find_unknown_words(words: str, context: ReplyContext) -> list[str]:
    """Return the words of a masked reply that no known refusal of a recipient contains.

    These do not count as words: numbers, single letters, names with digits (such as a queue id), and the reader's own name.
    """
    left = _compile_known().sub(" ", WITH_DIGIT.sub(" ", words))
    names = {part for one in context.recipients for part in re.split(r"[^\w]|_", one.lower())}
    return [word for word in re.findall(r"[^\W\d_]{2,}", left) if word.lower() not in names]


@cache
def _compile_neutral() -> re.Pattern[str]:
    return re.compile(join_words(WordRole.NEUTRAL), re.IGNORECASE)


@cache
def _compile_known() -> re.Pattern[str]:
    # A part of a compound does not count: `From-adres` is not the address (`adres`) of a recipient.
    roles = (WordRole.PHRASE, WordRole.GONE, WordRole.CLOSED, WordRole.RECIPIENT, WordRole.KNOWN)
    return re.compile(rf"(?<!-){join_words(*roles)}(?!-)", re.IGNORECASE)
