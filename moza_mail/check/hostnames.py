"""What a host name tells: whether a reader can reach it, and whether it is the one it seems to be."""

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import parse_qs, urlsplit

MAX_SHOWN = 80
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# Names that are kept out of the DNS (RFC 6761, 6762, 8375 and ICANN's .internal), and what offices use in their place.
INTERNAL_DOMAINS = (
    "local",
    "localdomain",
    "internal",
    "intern",
    "intranet",
    "lan",
    "corp",
    "home",
    "home.arpa",
)
LOOPBACK_NAMES = ("localhost", "localhost.localdomain")
# Letters of other scripts that look like one of a to z.
LATIN_LOOKALIKES = frozenset("асеорхуіјѕԁԛԝһӏѵкмтвнгпοαιυνρτκχωօսհոցզ")
LOOKALIKE_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
# Services that put their own address before a link in a mail they carried, and the parameters that hold the real one.
REWRITING_SERVICES = (
    *(
        "safelinks.protection.outlook.com",
        "urldefense.com",
        "urldefense.proofpoint.com",
        "linkprotect.cudasvc.com",
    ),
    *(
        "mimecastprotect.com",
        "mimecast.com",
        "secure-web.cisco.com",
        "clicktime.symantec.com",
        "l.facebook.com",
    ),
    *("statics.teams.cdn.office.net", "protect.checkpoint.com", "linkprotect.net"),
)
GOOGLE = re.compile(r"(?:www\.)?google\.[a-z.]{2,6}")


def host_of(url: str) -> str:
    """The host of a URL in lower case, empty when it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_under(name: str, domains: tuple[str, ...]) -> bool:
    """Whether a host is one of the domains or below one."""
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def parse_ip(name: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is, None when it is a name."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def is_well_formed(name: str) -> bool:
    """Whether a host can exist: an address, or labels of letters, digits and hyphens (RFC 1123 2.1)."""
    return bool(parse_ip(name)) or (
        len(name) <= 253 and all(LABEL.fullmatch(label) for label in name.split("."))
    )


def is_loopback(name: str) -> bool:
    """Whether a host is the machine of whoever follows the link."""
    address = parse_ip(name)
    return (
        name in LOOPBACK_NAMES
        or name.endswith(".localhost")
        or bool(address and (address.is_loopback or address.is_unspecified))
    )


def is_internal(name: str) -> bool:
    """Whether a host can be reached only from inside somebody's own network."""
    address = parse_ip(name)
    if address:
        return not address.is_global or address.is_multicast
    return "." not in name or is_under(name, INTERNAL_DOMAINS)


def is_private(name: str) -> bool:
    """Whether a host tells by its name that not every reader can reach it."""
    return is_loopback(name) or is_internal(name)


def decode_idna(name: str) -> str:
    """A host as a browser may show it: A-labels decoded (RFC 5891); empty when one cannot be."""
    try:
        return ".".join(
            label.removeprefix("xn--").encode("ascii").decode("punycode")
            if label.startswith("xn--")
            else label
            for label in name.split(".")
        )
    except UnicodeError:
        return ""


def is_lookalike(name: str) -> bool:
    """Whether a label mixes scripts, or is made of foreign letters that all look like Latin ones (UTS 39, 5)."""
    for label in name.split("."):
        letters = [sign for sign in label if sign.isalpha()]
        foreign = [sign for sign in letters if unicodedata.name(sign, "").startswith(LOOKALIKE_SCRIPTS)]
        latin = [sign for sign in letters if unicodedata.name(sign, "").startswith("LATIN")]
        if foreign and (latin or all(sign in LATIN_LOOKALIKES for sign in foreign)):
            return True
    return False


def unwrap_link(url: str) -> tuple[str, str]:
    """The service that a link goes through and, when it can be read, where it leads; two empty strings without one."""
    name = host_of(url)
    parts = urlsplit(url) if name else None
    if not parts:
        return "", ""
    if not is_under(name, REWRITING_SERVICES) and not (GOOGLE.fullmatch(name) and parts.path == "/url"):
        return "", ""
    asked = parse_qs(parts.query)
    inner = next((value[0] for key in ("url", "u", "q", "domain") if (value := asked.get(key))), "")
    return name, inner if inner.startswith(("https://", "http://")) else ""


def shorten(text: str) -> str:
    """A URL or a text that fits in a sentence, without the password that may stand in it."""
    bare = re.sub(r"(?<=//)[^/?#\s]*@", "", text)
    return bare if len(bare) <= MAX_SHOWN else f"{bare[: MAX_SHOWN - 20]}...{bare[-17:]}"
