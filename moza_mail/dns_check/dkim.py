"""Check that the DNS contains the public key of each DKIM key that signs (RFC 6376)."""

import re
from dataclasses import dataclass

from moza_mail.dns_check.answer import AnswerStatus, DnsAnswer, LookUp
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedKey:
    """A public key that should be in the DNS.

    record_name: the name of its TXT record.
    key_type: `rsa` or `ed25519`.
    public_key: the value of `p=`.
    zone_line: the record as a line of a zone file.
    """

    record_name: str
    key_type: str
    public_key: str
    zone_line: str


def parse_tags(text: str) -> dict[str, str]:
    """Return the tag=value pairs of a record (RFC 6376 3.2) by lower-case name.

    If a tag is repeated, its first value counts.
    """
    found: dict[str, str] = {}
    for pair in text.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


async def check_dkim_key(look_up: LookUp, key: ExpectedKey, subject: str) -> Diagnosis:
    """Check the DNS record of one key."""
    answer = await look_up(key.record_name, "TXT")
    if answer.failed:
        return unknown(subject, f"the key at {key.record_name} could not be looked up: {answer.error}")
    texts = [text for text in answer.records if "p" in parse_tags(text)]
    if not texts:
        return bad(
            subject,
            f"there is no key at {key.record_name}, so our signatures are not valid",
            "Have this record published.",
            key.zone_line,
        )
    if len(texts) > 1:
        return bad(
            subject,
            f"there are {len(texts)} keys at {key.record_name}, and receivers use any of them (RFC 6376 3.6.2.2)",
            "Keep only this record.",
            key.zone_line,
        )
    return _judge_tags(parse_tags(texts[0]), key, subject)


def _judge_tags(found: dict[str, str], key: ExpectedKey, subject: str) -> Diagnosis:
    public = re.sub(r"\s+", "", found["p"])
    error = ""
    if not public:
        error = f"the key at {key.record_name} is revoked (p= is empty)"
    elif public != key.public_key:
        error = f"the key at {key.record_name} is not the one that signs"
    elif found.get("k", "rsa").lower() != key.key_type:
        error = f"the key at {key.record_name} says k={found.get('k', 'rsa')}, but its type is {key.key_type}"
    elif found.get("v", "DKIM1") != "DKIM1":
        error = f"the record at {key.record_name} says v={found['v']}"
    elif "h" in found and "sha256" not in re.split(r"\s*:\s*", found["h"].lower()):
        error = f"the key at {key.record_name} allows only {found['h']}, but we sign with sha256"
    elif "s" in found and not {"*", "email"} & set(re.split(r"\s*:\s*", found["s"].lower())):
        error = f"the key at {key.record_name} is not for mail (s={found['s']})"
    if error:
        return bad(
            subject,
            f"{error}, so our signatures are not valid",
            "Have this record published.",
            key.zone_line,
        )
    if "y" in re.split(r"\s*:\s*", found.get("t", "").lower()):
        return doubtful(
            subject,
            f"the key at {key.record_name} is in test mode (t=y), so receivers may ignore it",
            "Have this record published.",
            key.zone_line,
        )
    return good(subject, f"the key at {key.record_name} is the one that signs")


async def check_has_any_key(look_up: LookUp, domain: str, subject: str) -> Diagnosis:
    """Check if the domain has any DKIM key. The mail test of internet.nl does the same.

    The name `_domainkey` exists if any name below it exists (RFC 8020).
    """
    answer: DnsAnswer = await look_up(f"_domainkey.{domain}", "TXT")
    if answer.failed:
        return unknown(subject, f"_domainkey.{domain} could not be looked up: {answer.error}")
    if answer.status is AnswerStatus.NO_NAME:
        return bad(
            subject,
            f"{domain} has no DKIM key (_domainkey.{domain} does not exist), which fails internet.nl's mail test",
            "Make a key with moza-mail dkim new, or ask the relay's operator to sign for your domain.",
        )
    return good(subject, f"{domain} has a DKIM key (_domainkey.{domain} exists)")
