"""DKIM (RFC 6376): whether the DNS has the public half of the key that signs."""

import re
from dataclasses import dataclass

from moza_mail.dns_check.answer import AnswerStatus, DnsAnswer, LookUp
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedKey:
    """What should be in the DNS: `text` at `name`, as `line` of a zone file has it; `kind` is rsa or ed25519, `public` its p=."""

    record_name: str
    key_type: str
    public_key: str
    zone_line: str


def parse_tags(text: str) -> dict[str, str]:
    """The tag=value pairs of a record (RFC 6376 3.2), names in small letters; of a name given twice the first."""
    found: dict[str, str] = {}
    for pair in text.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


async def check_dkim_key(look_up: LookUp, key: ExpectedKey, subject: str) -> Diagnosis:
    """Judge the record of one key."""
    answer = await look_up(key.record_name, "TXT")
    if answer.failed:
        return unknown(subject, f"the key at {key.record_name} could not be asked: {answer.error}")
    texts = [text for text in answer.records if "p" in parse_tags(text)]
    if not texts:
        return bad(
            subject,
            f"there is no key at {key.record_name}, so every signature of ours fails",
            "Have this record published.",
            key.zone_line,
        )
    if len(texts) > 1:
        return bad(
            subject,
            f"there are {len(texts)} keys at {key.record_name}, and receivers take either (RFC 6376 3.6.2.2)",
            "Leave this one alone there.",
            key.zone_line,
        )
    return _judge_tags(parse_tags(texts[0]), key, subject)


def _judge_tags(found: dict[str, str], key: ExpectedKey, subject: str) -> Diagnosis:
    public = re.sub(r"\s+", "", found["p"])
    wrong = ""
    if not public:
        wrong = f"the key at {key.record_name} is withdrawn (p= is empty)"
    elif public != key.public_key:
        wrong = f"the key at {key.record_name} is not the one we sign with"
    elif found.get("k", "rsa").lower() != key.key_type:
        wrong = f"the key at {key.record_name} says k={found.get('k', 'rsa')}, and it is {key.key_type}"
    elif found.get("v", "DKIM1") != "DKIM1":
        wrong = f"the record at {key.record_name} says v={found['v']}"
    elif "h" in found and "sha256" not in re.split(r"\s*:\s*", found["h"].lower()):
        wrong = f"the key at {key.record_name} is for {found['h']} alone, and we sign with sha256"
    elif "s" in found and not {"*", "email"} & set(re.split(r"\s*:\s*", found["s"].lower())):
        wrong = f"the key at {key.record_name} is not for mail (s={found['s']})"
    if wrong:
        return bad(
            subject,
            f"{wrong}, so every signature of ours fails",
            "Have this record published.",
            key.zone_line,
        )
    if "y" in re.split(r"\s*:\s*", found.get("t", "").lower()):
        return doubtful(
            subject,
            f"the key at {key.record_name} says that it is being tried out (t=y), so receivers may pass it over",
            "Have this record published.",
            key.zone_line,
        )
    return good(subject, f"the key at {key.record_name} is ours")


async def check_has_any_key(look_up: LookUp, domain: str, subject: str) -> Diagnosis:
    """Whether the domain seems to sign at all: `_domainkey` is a name (RFC 8020), which is what internet.nl looks at."""
    answer: DnsAnswer = await look_up(f"_domainkey.{domain}", "TXT")
    if answer.failed:
        return unknown(subject, f"_domainkey.{domain} could not be asked: {answer.error}")
    if answer.status is AnswerStatus.NO_NAME:
        return bad(
            subject,
            f"{domain} has no DKIM key at all (_domainkey.{domain} does not exist), which is what internet.nl's mail test looks at",
            "Make a key, or ask who keeps the relay to sign for your domain: moza-mail dkim new",
        )
    return good(subject, f"{domain} has a DKIM key (_domainkey.{domain} exists)")
