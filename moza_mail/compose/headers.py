"""Header fields as bytes: folding (RFC 5322 2.2.3), encoded-words (RFC 2047), display names, parameters (RFC 2231).

The standard library's writer is not used: it writes encoded-words into URLs and empty ones into subjects, and on
some Pythons lets a CR LF that was hidden in an encoded-word start a new header.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from urllib.parse import quote

from moza_mail.errors import AddressError, RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address

# RFC 2047 2: a line that holds an encoded-word has at most 76 characters; RFC 5322 2.1.1 says 78 and 998 of others.
SOFT_LIMIT = 76
HARD_LIMIT = 998
# What a finished field is, and nothing else: printable ASCII, each further line behind one space.
FIELD = re.compile(r"[!-9;-~]+:(?: [!-~][ -~]*)?(?:\r\n [!-~][ -~]*)*\r\n")
# The same in UTF-8 (RFC 6532 3), for an address that cannot be written otherwise.
UTF8_FIELD = re.compile(
    r"[!-9;-~]+:(?: [!-~\xa1-\U0010ffff][ -~\xa1-\U0010ffff]*)(?:\r\n [!-~][ -~\xa1-\U0010ffff]*)*\r\n"
)
ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
PLAIN_ATOMS = re.compile(rf"{ATOM.pattern}(?: {ATOM.pattern})*")
SPACES = re.compile(" +")
QUOTED_CHARACTER = re.compile(r'["\\]')
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
UTF8_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\xa1-\U0010ffff-]{1,64}@[A-Za-z0-9.-]{1,255}")
# RFC 2047 5 (3): what stands for itself in an encoded-word anywhere, also in a display name.
UNENCODED_OCTETS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
Q_OCTETS = tuple(
    chr(octet) if octet in UNENCODED_OCTETS else "_" if octet == ord(" ") else f"={octet:02X}"
    for octet in range(256)
)
ENCODED_WORD_OVERHEAD = len("=?utf-8?q??=")
MAX_NAME = 120


def format_field(name: str, words: Sequence[str], *, allow_utf8: bool = False) -> bytes:
    """Write `name: words` with a space between the words, folded only there; the first stays on the first line.

    Everything that goes into a header goes through here, so this is where an injected header ends: a finished field
    that is not printable ASCII (or, when it may be `wide`, printable UTF-8), or has a line over 998, raises RenderError.
    """
    line = f"{name}: {' '.join(words)}"
    # Most fields are one plain line: then there is nothing to fold and nothing more to look at.
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
            _(
                "the {name} header has a line longer than {limit} characters",
                name=name,
                limit=HARD_LIMIT,
            )
        )
    return folded.encode()


def format_text_field(name: str, text: str) -> bytes:
    """A header of free text, a Subject; it reads back exactly as given, also when it looks like an encoded-word."""
    refuse_control_characters(text, _("the {name} header", name=name))
    return format_field(
        name, list(_encode_words(text, _needs_encoding, SOFT_LIMIT - len(name) - 2)) if text else []
    )


def format_address_field(name: str, address: Address, display_name: str = "") -> bytes:
    """A header of one address with its display name (RFC 5322 3.4).

    Runs of spaces in the name become one, and it is cut at 120 characters: a name is a courtesy, no reason not to
    mail somebody. An address beyond ASCII is written in UTF-8 (RFC 6532), all else stays ASCII. Raises AddressError for a control character, or an address that is not a plain one.
    """
    bare = str(address)
    wide = not bare.isascii()
    if not (UTF8_ADDRESS if wide else ADDRESS).fullmatch(bare) or "=?" in bare or not bare.isprintable():
        raise AddressError(bare, _("cannot be written in a header"))
    try:
        words = encode_phrase(name, display_name)
    except RenderError as error:
        raise AddressError(
            display_name,
            _("is not a usable name for {address}: {reason}", address=address.mask(), reason=error.message),
        ) from None
    return format_field(name, [*words, f"<{bare}>"] if words else [bare], allow_utf8=wide)


def encode_phrase(name: str, text: str) -> list[str]:
    """The words of a display name or a list's title: as typed, as one quoted-string, or encoded (RFC 5322 3.2.5)."""
    if PLAIN_ATOMS.fullmatch(text) and len(text) <= MAX_NAME and "=?" not in text:
        return text.split(" ")
    refuse_control_characters(text, _("the {name} header", name=name))
    tidy = SPACES.sub(" ", text[:MAX_NAME]).strip(" ")
    words = tidy.split(" ")
    if not tidy or all(ATOM.fullmatch(word) and "=?" not in word for word in words):
        return words if tidy else []
    if tidy.isascii() and "=?" not in tidy:
        return ('"' + QUOTED_CHARACTER.sub(r"\\\g<0>", tidy) + '"').split(" ")
    return list(
        _encode_words(tidy, lambda word: not ATOM.fullmatch(word) or "=?" in word, SOFT_LIMIT - len(name) - 2)
    )


def format_parameter(name: str, value: str) -> str:
    """One parameter of a structured header, quoted, or by RFC 2231 when it is not plain ASCII."""
    refuse_control_characters(value, _("the parameter {name}", name=name))
    if value.isascii() and "=?" not in value:
        return f'{name}="' + QUOTED_CHARACTER.sub(r"\\\g<0>", value) + '"'
    return f"{name}*=utf-8''" + quote(_encode_utf8(value), safe="")


def refuse_control_characters(text: str, place: str) -> None:
    """Raise RenderError when the text holds a control character: a CR or LF would start another header."""
    if found := CONTROL_CHARACTER.search(text):
        raise RenderError(
            _("{part} has a control character (U+{code:04X})", part=place, code=ord(found.group()))
        )


def _needs_encoding(word: str) -> bool:
    """Whether a word of free text cannot stand as it is; an overlong one is encoded because it can then be folded."""
    return not word.isascii() or "=?" in word or len(word) > HARD_LIMIT - 50


def _encode_words(text: str, needs: Callable[[str], bool], room: int) -> Iterator[str]:
    """The words to write for a text, with as few of them encoded as can be."""
    words = text.split(" ")
    marks = [not word or needs(word) for word in words]
    # An empty word is a space too many, which a fold or a reader might lose: it travels inside its neighbour's code.
    for index, word in enumerate(words):
        if not word:
            marks[max(index - 1, 0)] = True
            marks[min(index + (index == 0), len(words) - 1)] = True
    for encoded, run in groupby(zip(words, marks, strict=True), key=lambda pair: pair[1]):
        found = [word for word, _ in run]
        yield from _encode_run(" ".join(found), room) if encoded else found


def _encode_run(text: str, room: int) -> list[str]:
    """A run of words as encoded-words of at most `room` characters, in Q or B, whichever is shorter.

    The white space between two encoded-words is not part of the text (RFC 2047 6.2), so the run's own spaces are inside.
    """
    in_q = [
        f"=?utf-8?q?{_encode_q(chunk)}?="
        for chunk in _split_by_cost(text, room - ENCODED_WORD_OVERHEAD, lambda sign: len(_encode_q(sign)))
    ]
    in_b = [
        f"=?utf-8?b?{b64encode(_encode_utf8(chunk)).decode()}?="
        for chunk in _split_by_cost(
            text, (room - ENCODED_WORD_OVERHEAD) // 4 * 3, lambda sign: len(_encode_utf8(sign))
        )
    ]
    return min(in_q, in_b, key=lambda words: sum(map(len, words)) + len(words))


def _split_by_cost(text: str, room: int, cost: Callable[[str], int]) -> Iterator[str]:
    """Divide a text so that no part costs more than `room`, never inside a character (RFC 2047 5)."""
    start = spent = 0
    for index, sign in enumerate(text):
        price = cost(sign)
        if spent + price > room:
            yield text[start:index]
            start, spent = index, 0
        spent += price
    yield text[start:]


def _encode_q(text: str) -> str:
    """A text in the Q encoding (RFC 2047 4.2)."""
    return "".join(Q_OCTETS[octet] for octet in _encode_utf8(text))


def _encode_utf8(text: str) -> bytes:
    """A text's UTF-8; raise RenderError for a lone surrogate, which has none."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise RenderError(
            _("a header contains half a character (U+{code:04X})", code=ord(text[error.start]))
        ) from None
