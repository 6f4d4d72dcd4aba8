"""Write header fields, with folding (RFC 5322 2.2.3) and encoded-words (RFC 2047).

Display names and parameters (RFC 2231) are written here too. The standard library is not used, because it
writes encoded-words into URLs and empty encoded-words into subjects. In some Python versions a CR LF that
is hidden in an encoded-word even starts a new header.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from urllib.parse import quote

from moza_mail.errors import AddressError, RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address

# A line with an encoded-word has at most 76 characters (RFC 2047 2). Other lines should have at most 78 characters, and
# must have at most 998 (RFC 5322 2.1.1).
SOFT_LIMIT = 76
HARD_LIMIT = 998
# A complete field: printable ASCII, and continuation lines that begin with one space.
FIELD = re.compile(r"[!-9;-~]+:(?: [!-~][ -~]*)?(?:\r\n [!-~][ -~]*)*\r\n")
# A complete field in UTF-8 (RFC 6532 3), for an address that is not ASCII. Python compiles a class of excluded characters
# 100 times as fast as a class with a range up to U+10FFFF.
UTF8_FIELD = re.compile(
    r"[!-9;-~]+:(?: [^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\xa0]*)(?:\r\n [!-~][^\x00-\x1f\x7f-\xa0]*)*\r\n"
)
ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
PLAIN_ATOMS = re.compile(rf"{ATOM.pattern}(?: {ATOM.pattern})*")
SPACES = re.compile(" +")
QUOTED_CHARACTER = re.compile(r'["\\]')
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
UTF8_ADDRESS = re.compile(r"[^\x00-\x20\"(),:;<>@\[\\\]\x7f-\xa0]{1,64}@[A-Za-z0-9.-]{1,255}")
# RFC 2047 5 (3): octets that need no encoding in an encoded-word, not even in a display name.
UNENCODED_OCTETS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
Q_OCTETS = tuple(
    chr(octet) if octet in UNENCODED_OCTETS else "_" if octet == ord(" ") else f"={octet:02X}"
    for octet in range(256)
)
ENCODED_WORD_OVERHEAD = len("=?utf-8?q??=")
MAX_NAME = 120


def format_field(name: str, words: Sequence[str], *, allow_utf8: bool = False) -> bytes:
    """Return the field `name: words`, folded only between words, never before the first.

    Every header is written by this function, so it prevents header injection: it raises RenderError for a
    field that is not printable ASCII (or UTF-8 with `allow_utf8`) or has a line of more than 998
    characters.
    """
    line = f"{name}: {' '.join(words)}"
    # Most fields are one plain line, which needs no folding and no further checks.
    unfolded = len(line) <= SOFT_LIMIT or (len(words) == 1 and len(line) <= HARD_LIMIT)
    if unfolded and line.isascii() and line.isprintable() and words and words[0][:1] > " ":
        return f"{line}\r\n".encode("ascii")
    lines = [f"{name}: {words[0]}" if words else f"{name}:"]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > SOFT_LIMIT:
            lines.append("")
        lines[-1] += f" {word}"
    folded = "\r\n".join(lines) + "\r\n"
    fits = (
        all(map(str.isprintable, lines)) and UTF8_FIELD.fullmatch(folded)
        if allow_utf8
        else FIELD.fullmatch(folded)
    )
    if not fits:
        raise RenderError(
            _("the {name} header would contain a character that is not allowed in headers", name=name)
        )
    if max(len(line.encode()) for line in lines) > HARD_LIMIT:
        raise RenderError(
            _("the {name} header has a line longer than {limit} characters", name=name, limit=HARD_LIMIT)
        )
    return folded.encode()


def format_text_field(name: str, text: str) -> bytes:
    """Return a field of free text, such as Subject.

    A mail program shows the same text, even if the text looks like an encoded-word.
    """
    refuse_control_characters(text, _("the {name} header", name=name))
    return format_field(
        name, list(_encode_words(text, _needs_encoding, SOFT_LIMIT - len(name) - 2)) if text else []
    )


def format_address_field(name: str, address: Address, display_name: str = "") -> bytes:
    """Return a field with one address and its display name (RFC 5322 3.4).

    A strange name does not stop a message: repeated spaces become one, and the name is cut after 120
    characters. A non-ASCII address is written in UTF-8 (RFC 6532), everything else in ASCII. Raises
    AddressError for a control character, or for an address that cannot be written in a header.
    """
    bare = str(address)
    is_utf8 = not bare.isascii()
    if not (UTF8_ADDRESS if is_utf8 else ADDRESS).fullmatch(bare) or "=?" in bare or not bare.isprintable():
        raise AddressError(bare, _("cannot be written in a header"))
    try:
        words = encode_phrase(name, display_name)
    except RenderError as error:
        raise AddressError(
            display_name,
            _("is not a usable name for {address}: {reason}", address=address.mask(), reason=error.message),
        ) from None
    return format_field(name, [*words, f"<{bare}>"] if words else [bare], allow_utf8=is_utf8)


def encode_phrase(name: str, text: str) -> list[str]:
    """Return the words of a display name or a title (RFC 5322 3.2.5).

    The words stay as they are, become one quoted-string, or become encoded-words.
    """
    if PLAIN_ATOMS.fullmatch(text) and len(text) <= MAX_NAME and "=?" not in text:
        return text.split(" ")
    refuse_control_characters(text, _("the {name} header", name=name))
    phrase = SPACES.sub(" ", text[:MAX_NAME]).strip(" ")
    words = phrase.split(" ")
    if not phrase or all(ATOM.fullmatch(word) and "=?" not in word for word in words):
        return words if phrase else []
    if phrase.isascii() and "=?" not in phrase:
        return ('"' + QUOTED_CHARACTER.sub(r"\\\g<0>", phrase) + '"').split(" ")
    return list(
        _encode_words(
            phrase, lambda word: not ATOM.fullmatch(word) or "=?" in word, SOFT_LIMIT - len(name) - 2
        )
    )


def format_parameter(name: str, value: str) -> str:
    """Return a parameter of a structured header, in quotes.

    A value that is not ASCII is encoded by RFC 2231.
    """
    refuse_control_characters(value, _("the parameter {name}", name=name))
    if value.isascii() and "=?" not in value:
        return f'{name}="' + QUOTED_CHARACTER.sub(r"\\\g<0>", value) + '"'
    return f"{name}*=utf-8''" + quote(_encode_utf8(value), safe="")


def refuse_control_characters(text: str, part: str) -> None:
    """Raise RenderError if the text has a control character.

    CR or LF would start another header.
    """
    if found := CONTROL_CHARACTER.search(text):
        raise RenderError(
            _("{part} has a control character (U+{code:04X})", part=part, code=ord(found.group()))
        )


def _needs_encoding(word: str) -> bool:
    """Return True if a word of free text must be encoded.

    A word that is too long for a line is encoded, because only encoded-words can be folded.
    """
    return not word.isascii() or "=?" in word or len(word) > HARD_LIMIT - 50


def _encode_words(text: str, needs: Callable[[str], bool], max_length: int) -> Iterator[str]:
    """Yield the words of a text, and encode as few of them as possible."""
    words = text.split(" ")
    marks = [not word or needs(word) for word in words]
    # Folding or a mail program may lose repeated spaces (here: empty words), so these are encoded with their neighbours.
    for index, word in enumerate(words):
        if not word:
            marks[max(index - 1, 0)] = True
            marks[min(index + (index == 0), len(words) - 1)] = True
    for encoded, run in groupby(zip(words, marks, strict=True), key=lambda pair: pair[1]):
        plain = [word for word, _ in run]
        yield from _encode_run(" ".join(plain), max_length) if encoded else plain


def _encode_run(text: str, max_length: int) -> list[str]:
    """Return consecutive words as encoded-words of at most `max_length` characters each.

    The encoding is Q or B, whichever is shorter. White space between encoded-words is not part of the text
    (RFC 2047 6.2), so the spaces of the text are encoded too.
    """
    in_q = [
        f"=?utf-8?q?{_encode_q(chunk)}?="
        for chunk in _split_by_cost(
            text, max_length - ENCODED_WORD_OVERHEAD, lambda character: len(_encode_q(character))
        )
    ]
    in_b = [
        f"=?utf-8?b?{b64encode(_encode_utf8(chunk)).decode()}?="
        for chunk in _split_by_cost(
            text,
            (max_length - ENCODED_WORD_OVERHEAD) // 4 * 3,
            lambda character: len(_encode_utf8(character)),
        )
    ]
    return min(in_q, in_b, key=lambda words: sum(map(len, words)) + len(words))


def _split_by_cost(text: str, max_cost: int, cost: Callable[[str], int]) -> Iterator[str]:
    """Split a text into parts whose total `cost` is at most `max_cost` each.

    cost: returns the encoded length of one character, which is never split (RFC 2047 5).
    """
    start = total = 0
    for index, character in enumerate(text):
        added = cost(character)
        if total + added > max_cost:
            yield text[start:index]
            start, total = index, 0
        total += added
    yield text[start:]


def _encode_q(text: str) -> str:
    """Return a text in the Q encoding (RFC 2047 4.2)."""
    return "".join(Q_OCTETS[octet] for octet in _encode_utf8(text))


def _encode_utf8(text: str) -> bytes:
    """Return a text in UTF-8; raise RenderError for a lone surrogate, which cannot be encoded."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise RenderError(
            _("a header contains half a character (U+{code:04X})", code=ord(text[error.start]))
        ) from None
