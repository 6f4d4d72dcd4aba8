"""DKIM keys, and their DNS records for receivers (RFC 6376 3.6.1, RFC 8463 4)."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from moza_mail.errors import AddressError, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# RFC 8301 3.2: signers should use at least 2048 bits, and verifiers need not accept more than 4096.
MIN_BITS, MAX_BITS = 2048, 4096
# RFC 6376 3.1: a selector is one or more DNS labels.
LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
SELECTOR = re.compile(rf"(?=.{{1,120}}\Z){LABEL}(?:\.{LABEL})*", re.IGNORECASE)
# RFC 1035 3.3.14: a TXT record consists of strings of at most 255 octets.
MAX_STRING = 255
MAKE_NEW_KEY = _("Make a new key: moza-mail dkim new")
MAKE_NEW_ED25519_KEY = _("Make a new key: moza-mail dkim new --ed25519")


class KeyType(StrEnum):
    """The type of a key, as written in `k=` of its DNS record."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimKey:
    """A private key, and the domain and selector under which its public key is published.

    The DNS name of the public key is `selector`._domainkey.`domain`.

    public_key: in base64, as written in `p=` of the DNS record.
    sign: returns the signature of a canonical header.
    """

    domain: str
    selector: str
    key_type: KeyType
    public_key: str
    sign: Callable[[bytes], bytes] = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The name of the algorithm, as written in `a=` of a signature."""
        return f"{self.key_type}-sha256"

    @property
    def record_name(self) -> str:
        """The name of the DNS record."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The text of the DNS record, which is public."""
        return f"v=DKIM1; k={self.key_type}; p={self.public_key}"

    @property
    def zone_line(self) -> str:
        """Return the record as a line of a zone file, in strings that are short enough for TXT."""
        strings = [
            self.record[start : start + MAX_STRING] for start in range(0, len(self.record), MAX_STRING)
        ]
        text = '" "'.join(strings)
        return f'{self.record_name}. IN TXT ( "{text}" )'


def load_key(pem: bytes, key_type: KeyType, *, domain: str, selector: str, source: str) -> DkimKey:
    """Load a key from the content of a PEM file.

    source: the setting and the path of the file, for error messages.

    Raises ProjectError if the content is not a private key, or if the key is encrypted, of an unsupported
    type or too weak. Also raises it if the domain or the selector is not a valid DNS name.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ProjectError(
            _("{source} is encrypted, and there is nobody to type the passphrase", source=source),
            hint=_(
                "Remove the passphrase with: openssl pkey -in FILE -out NEW. Or make a new key: moza-mail dkim new"
            ),
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ProjectError(
            _("{source} does not contain a private key in PEM format", source=source), hint=MAKE_NEW_KEY
        ) from None
    if key_type is KeyType.RSA and isinstance(private, RSAPrivateKey):
        return _make_rsa_key(private, domain=domain, selector=selector, source=source)
    if key_type is KeyType.ED25519 and isinstance(private, Ed25519PrivateKey):
        return _make_ed25519_key(private, domain=domain, selector=selector)
    raise ProjectError(
        _(
            "{source} contains a key of another type than {key_type}",
            source=source,
            key_type=key_type.upper() if key_type is KeyType.RSA else "Ed25519",
        ),
        hint=MAKE_NEW_ED25519_KEY if key_type is KeyType.ED25519 else MAKE_NEW_KEY,
    )


def generate_key(key_type: KeyType, *, domain: str, selector: str) -> tuple[DkimKey, bytes]:
    """Return a new random key and its PEM (PKCS #8, not encrypted)."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private: RSAPrivateKey | Ed25519PrivateKey
    if key_type is KeyType.RSA:
        private = rsa.generate_private_key(public_exponent=65537, key_size=MIN_BITS)
        key = _make_rsa_key(private, domain=domain, selector=selector, source="")
    else:
        private = ed25519.Ed25519PrivateKey.generate()
        key = _make_ed25519_key(private, domain=domain, selector=selector)
    return key, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _make_rsa_key(private: "RSAPrivateKey", *, domain: str, selector: str, source: str) -> DkimKey:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if not MIN_BITS <= private.key_size <= MAX_BITS:
        raise ProjectError(
            _(
                "{file} is a key of {key_size} bits; receivers accept {min_bits} to {max_bits}",
                file=source,
                key_size=private.key_size,
                min_bits=MIN_BITS,
                max_bits=MAX_BITS,
            ),
            hint=MAKE_NEW_KEY,
        )
    padding, digest = PKCS1v15(), SHA256()
    return DkimKey(
        domain=_normalize_domain(domain),
        selector=_normalize_selector(selector),
        key_type=KeyType.RSA,
        public_key=_encode_base64(
            private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ),
        sign=lambda content: private.sign(content, padding, digest),
    )


def _make_ed25519_key(private: "Ed25519PrivateKey", *, domain: str, selector: str) -> DkimKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return DkimKey(
        domain=_normalize_domain(domain),
        selector=_normalize_selector(selector),
        key_type=KeyType.ED25519,
        public_key=_encode_base64(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
        # RFC 8463 3: the signature covers the SHA-256 of the header.
        sign=lambda content: private.sign(hashlib.sha256(content).digest()),
    )


def _encode_base64(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")


def _normalize_domain(domain: str) -> str:
    """Return the domain in A-labels (RFC 5890)."""
    try:
        return Address.parse(f"dkim@{domain}").domain
    except AddressError as error:
        raise ProjectError(
            _("`dkim_domain`: {domain!a} is not a domain ({reason})", domain=domain, reason=error.reason),
            hint=_('For example: dkim_domain = "example.org".'),
        ) from None


def _normalize_selector(selector: str) -> str:
    if not SELECTOR.fullmatch(selector):
        raise ProjectError(
            _(
                "`dkim_selector`: {selector!a} is not a valid name in the DNS (letters, digits and -)",
                selector=selector,
            ),
            hint=_(
                'Write the one that moza-mail dkim new printed, for example: dkim_selector = "moza202601".'
            ),
        )
    return selector.lower()


def is_aligned(signing_domain: str, sender_domain: str) -> bool | None:
    """Return True if a signature is aligned with the From address in DMARC relaxed mode.

    See RFC 9989. Return True if the two domains are equal, or one is a subdomain of the other. Return False if
    they share at most their last label. Return None if only the DNS can tell. For example, `a.example.org`
    and `b.example.org` may belong to one organisation.
    """
    ours, theirs = signing_domain.lower().split("."), sender_domain.lower().split(".")
    shortest = min(len(ours), len(theirs))
    if shortest >= 2 and ours[-shortest:] == theirs[-shortest:]:
        return True
    return None if shortest >= 2 and ours[-2:] == theirs[-2:] else False
