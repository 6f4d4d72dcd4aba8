"""Find addresses in any text, in every spelling, and remove them. Pure."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, product
from typing import Any

from moza_mail.model.address import ADDRESS_REMOVED, Address, normalise_address

# An escaped character (RFC 3986 2.1, HTML, JSON) or a plain one.
CHARACTER = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)|&#(?:x(?P<hex>[0-9A-Fa-f]{1,6})|(?P<decimal>[0-9]{1,7}));"
    r"|&(?P<name>commat|period|plus);|\\u(?P<json>[0-9A-Fa-f]{4})|.",
    re.DOTALL,
)
NOT_PLAIN = re.compile(r"[^\x00-\x7f]|[%&]|\\u")
SPACE = re.compile(r"[ \n\t]")
SEPARATOR = re.compile(r"[@＠=%&\\]")
"""The character between local part and domain, or the beginning of an escaped one."""
DOMAIN_AFTER_SEPARATOR = re.compile(r"[@=]([\w.-]+)")
NAMED = {"commat": "@", "period": ".", "plus": "+"}
ESCAPES = ("%", "&", "\\u")
"""Each escaped character begins with one of these."""
IDEOGRAPHIC_STOP = "。"
"""A full stop in a domain (RFC 5895 2.1)."""
# File names contain addresses too; any other letter after a dot continues the domain.
FILE_ENDINGS = "csv|tsv|txt|xlsx|ods|json|jsonl|eml|log|html"
AFTER = rf"(?![\w-]|\.(?!(?:{FILE_ENDINGS})\b)\w)"


@dataclass(frozen=True, slots=True)
class CanonicalText:
    """A text in its canonical spelling.

    Character `n` was made from `text[starts[n]:ends[n]]` of the original.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def canonicalise(text: str) -> CanonicalText:
    """Return a text in its canonical spelling.

    Escapes are decoded, invisible characters are removed, and wide, composed and upper-case characters become plain ones.
    """
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster, start, end in _split_into_clusters(text):
        part = _canonicalise_cluster(cluster)
        parts.append(part)
        starts += [start] * len(part)
        ends += [end] * len(part)
    return CanonicalText("".join(parts), starts, ends)


def _split_into_clusters(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each character with its combining marks, and its place in the text."""
    cluster, begin, end = "", 0, 0
    for character, start, stop in _unescape(text):
        if cluster and not unicodedata.combining(character):
            yield cluster, begin, end
            cluster = ""
        if not cluster:
            begin = start
        cluster, end = cluster + character, stop
    if cluster:
        yield cluster, begin, end


def _unescape(text: str) -> Iterator[tuple[str, int, int]]:
    for found in CHARACTER.finditer(text):
        start, end = found.span()
        if percent := found["percent"]:
            yield from _decode_percent(percent, start)
        elif number := found["hex"] or found["json"]:
            yield chr(min(int(number, 16), 0x10FFFF)), start, end
        elif number := found["decimal"]:
            yield chr(min(int(number), 0x10FFFF)), start, end
        else:
            yield NAMED.get(found["name"] or "", found[0]), start, end


def _decode_percent(escaped: str, start: int) -> Iterator[tuple[str, int, int]]:
    for character in bytes.fromhex(escaped.replace("%", "")).decode("utf-8", "replace"):
        length = 3 * len(character.encode("utf-8"))
        # An invalid byte becomes U+FFFD, which is three bytes long, so the end may be too far.
        yield character, start, min(start + length, start + len(escaped))
        start += length


@lru_cache(maxsize=4096)
def _canonicalise_cluster(cluster: str) -> str:
    visible = "".join(each for each in cluster if unicodedata.category(each) != "Cf" and not _varies(each))
    whole = normalise_address(unicodedata.normalize("NFKC", visible))
    return "." if whole == IDEOGRAPHIC_STOP else whole.replace("ς", "σ")


def _varies(character: str) -> bool:
    """Return True for a variation selector."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _decode_label(label: str) -> str:
    """Return the U-label of an A-label (RFC 5890), and any other label unchanged."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


@dataclass(frozen=True, slots=True)
class AddressFinder:
    """Finds one address in texts, however its letters, escapes and domain are written.

    An address that is a part of a longer address does not count.
    """

    address: Address
    _local: str = field(init=False, repr=False)
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_local", canonicalise(self.address.local).text)
        local = re.escape(self._local)
        labels = self.address.domain.split(".")
        domain = r"\.".join("|".join(_label_forms(label)).join(("(?:", ")")) for label in labels)
        # A quoted local part (RFC 5321 4.1.2), or the `=` of a return address (VERP), which may have a prefix.
        before = rf'(?:\\?"{local}\\?"@|(?<![\w.+-]){local}@|(?<![\w.]){local}=)'
        object.__setattr__(self, "_pattern", re.compile(f"{before}{domain}{AFTER}"))

    def is_in(self, text: str) -> bool:
        """Return True if the address is in the text."""
        return next(self._find(text), None) is not None

    def remove(self, text: str) -> str:
        """Return the text with a mark in place of the address."""
        return self._replace(text, lambda _: ADDRESS_REMOVED)

    def mask(self, text: str) -> str:
        """Replace the address in the text by stars: one for each byte of the address in UTF-8."""
        return self._replace(text, lambda found: "*" * len(found.encode()))

    def _replace(self, text: str, make_mark: Callable[[str], str]) -> str:
        parts, last = [], 0
        for begin, end in self._find(text):
            parts += [text[last:begin], make_mark(text[begin:end])]
            last = end
        return "".join([*parts, text[last:]]) if parts else text

    def _find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the places of the address in the text."""
        for begin, end in _split_into_parts(text):
            part = text[begin:end]
            if _is_plain(part):
                for found in self._search(part.lower()):
                    yield begin + found.start(), begin + found.end()
            elif SEPARATOR.search(part):
                canonical = canonicalise(part)
                for found in self._search(canonical.text):
                    yield begin + canonical.starts[found.start()], begin + canonical.ends[found.end() - 1]

    def _search(self, canonical: str) -> Iterable[re.Match[str]]:
        # A substring is found much faster than a pattern, and most texts do not have it.
        return self._pattern.finditer(canonical) if self._local in canonical else ()

    def is_in_value(self, value: Any) -> bool:
        """Return True if the value contains the address.

        value: a text, or a JSON value whose texts and keys are searched.
        """
        return any(self.is_in(text) for text in _iter_texts(value))

    def remove_from_value(self, value: Any) -> Any:
        """Return a text or a JSON value with a mark in place of the address."""
        if isinstance(value, str):
            return self.remove(value)
        if isinstance(value, list):
            return [self.remove_from_value(each) for each in value]
        if isinstance(value, dict):
            return {self.remove(name): self.remove_from_value(each) for name, each in value.items()}
        return value

    def spellings(self) -> frozenset[str]:
        """Return the usual spellings of the address, for a search in bytes."""
        domains = {
            self.address.domain,
            ".".join(_decode_label(one) for one in self.address.domain.split(".")),
        }
        locals_ = {self.address.local, self.address.local.lower(), self.address.local.upper()}
        texts = {f"{local}@{domain}" for local in locals_ for domain in domains}
        forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD") for text in texts}
        return frozenset(forms | {json.dumps(text)[1:-1] for text in forms})


@dataclass(frozen=True, slots=True)
class AddressSetFinder:
    """Finds several addresses in texts at once, in the same spellings as AddressFinder.

    The time to search a text does not grow with the number of addresses.
    """

    addresses: Sequence[Address]
    _finders: Mapping[Address, AddressFinder] = field(init=False, repr=False)
    _by_domain: Mapping[str, Mapping[int, Mapping[str, list[Address]]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_domain: dict[str, dict[int, dict[str, list[Address]]]] = {}
        for address in self.addresses:
            local = canonicalise(address.local).text
            for labels in product(*map(_label_texts, address.domain.split("."))):
                by_length = by_domain.setdefault(".".join(labels), {})
                by_length.setdefault(len(local), {}).setdefault(local, []).append(address)
        object.__setattr__(self, "_by_domain", by_domain)
        object.__setattr__(self, "_finders", {each: AddressFinder(each) for each in self.addresses})

    def find(self, text: str) -> frozenset[Address]:
        """Return the addresses in a text."""
        return frozenset(each for each in self._find_likely_in(text) if self._finders[each].is_in(text))

    def is_in(self, text: str) -> bool:
        """Return True if one of the addresses is in the text."""
        return any(self._finders[each].is_in(text) for each in self._find_likely_in(text))

    def remove(self, text: str) -> str:
        """Return the text with a mark in place of each address."""
        return self._change_lines(text, lambda finder, line: finder.remove(line))

    def mask(self, text: str) -> str:
        """Replace each address in the text by stars: one for each byte of the address in UTF-8."""
        return self._change_lines(text, lambda finder, line: finder.mask(line))

    def _change_lines(self, text: str, change: Callable[[AddressFinder, str], str]) -> str:
        if len(self.addresses) == 1:
            return change(self._finders[self.addresses[0]], text)
        # An address is within one line, and most lines have none.
        lines = text.split("\n")
        for number, line in enumerate(lines):
            for address in sorted(self.find(line), key=str):
                lines[number] = change(self._finders[address], lines[number])
        return "\n".join(lines)

    def spellings(self) -> frozenset[str]:
        """Return the usual spellings of the addresses, for a search in bytes."""
        return frozenset[str]().union(*(finder.spellings() for finder in self._finders.values()))

    def _find_likely_in(self, text: str) -> Iterator[Address]:
        if len(self.addresses) == 1:
            # The finder for a single address is faster.
            yield self.addresses[0]
            return
        seen: set[Address] = set()
        for begin, end in _split_into_parts(text):
            for address in self._find_likely(text[begin:end]):
                if address not in seen:
                    seen.add(address)
                    yield address

    def find_in_value(self, value: Any) -> frozenset[Address]:
        """Return the addresses in a text, or in the texts and keys of a JSON value."""
        return frozenset().union(*(self.find(text) for text in _iter_texts(value)))

    def may_be_in(self, text: str) -> bool:
        """Return False if no address is in the text in any spelling."""
        if not _is_plain(text):
            return True
        if len(self.addresses) > 1:
            return any(self._find_likely(text))
        # A substring is found much faster than a pattern.
        lower = text.lower()
        return any(each.domain in lower and each.local.lower() in lower for each in self.addresses)

    def _find_likely(self, part: str) -> Iterator[Address]:
        """Yield each address whose local part and domain stand side by side in a text, even within a longer address."""
        if not SEPARATOR.search(part):
            return
        text = part.lower() if _is_plain(part) else canonicalise(part).text
        for found in DOMAIN_AFTER_SEPARATOR.finditer(text):
            before = text[: found.start()]
            for domain in accumulate(found[1].split("."), "{}.{}".format):
                for length, locals_ in self._by_domain.get(domain, {}).items():
                    for end in {len(before), len(before.rstrip('"')), len(before.rstrip('\\"'))}:
                        yield from locals_.get(before[max(0, end - length) : end], ())


def _label_forms(label: str) -> Iterable[str]:
    return {re.escape(text) for text in _label_texts(label)}


def _label_texts(label: str) -> frozenset[str]:
    """Return a label as A-label and as U-label (RFC 5890)."""
    return frozenset({label, canonicalise(_decode_label(label)).text})


def _is_plain(text: str) -> bool:
    """Return True if a lower-case text is in its canonical spelling already."""
    return text.isascii() and not any(escape in text for escape in ESCAPES)


def _split_into_parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of the words that need canonicalising, and of the texts between them.

    Canonicalising a text takes a thousand times as long as searching it, and most words do not need it.
    """
    position = 0
    while special := NOT_PLAIN.search(text, position):
        begin = 1 + max(text.rfind(space, position, special.start()) for space in " \n\t")
        begin = max(begin, position)
        after = SPACE.search(text, special.end())
        end = after.start() if after else len(text)
        yield position, begin
        yield begin, end
        position = end
    yield position, len(text)


def _iter_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _iter_texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _iter_texts(each)
