"""DKIM (RFC 6376): whether the DNS has the public half of the key that signs."""

import re
from dataclasses import dataclass

from moza_mail.dns_check.answer import Answer, Ask, Found
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What should be in the DNS: `text` at `name`, as `line` of a zone file has it; `kind` is rsa or ed25519, `public` its p=."""

    name: str
    kind: str
    public: str
    line: str


def tags(text: str) -> dict[str, str]:
    """The tag=value pairs of a record (RFC 6376 3.2), names in small letters; of a name given twice the first."""
    found: dict[str, str] = {}
    for pair in text.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


async def dkim(ask: Ask, key: Key, subject: str) -> Diagnosis:
    """Judge the record of one key."""
    answer = await ask(key.name, "TXT")
    if answer.unasked:
        return unknown(subject, f"the key at {key.name} could not be asked: {answer.why}")
    texts = [text for text in answer.records if "p" in tags(text)]
    if not texts:
        return bad(
            subject,
            f"there is no key at {key.name}, so every signature of ours fails",
            "Have this record published.",
            key.line,
        )
    if len(texts) > 1:
        return bad(
            subject,
            f"there are {len(texts)} keys at {key.name}, and receivers take either (RFC 6376 3.6.2.2)",
            "Leave this one alone there.",
            key.line,
        )
    return _judged(tags(texts[0]), key, subject)


def _judged(found: dict[str, str], key: Key, subject: str) -> Diagnosis:
    public = re.sub(r"\s+", "", found["p"])
    wrong = ""
    if not public:
        wrong = f"the key at {key.name} is withdrawn (p= is empty)"
    elif public != key.public:
        wrong = f"the key at {key.name} is not the one we sign with"
    elif found.get("k", "rsa").lower() != key.kind:
        wrong = f"the key at {key.name} says k={found.get('k', 'rsa')}, and it is {key.kind}"
    elif found.get("v", "DKIM1") != "DKIM1":
        wrong = f"the record at {key.name} says v={found['v']}"
    elif "h" in found and "sha256" not in re.split(r"\s*:\s*", found["h"].lower()):
        wrong = f"the key at {key.name} is for {found['h']} alone, and we sign with sha256"
    elif "s" in found and not {"*", "email"} & set(re.split(r"\s*:\s*", found["s"].lower())):
        wrong = f"the key at {key.name} is not for mail (s={found['s']})"
    if wrong:
        return bad(
            subject, f"{wrong}, so every signature of ours fails", "Have this record published.", key.line
        )
    if "y" in re.split(r"\s*:\s*", found.get("t", "").lower()):
        return doubtful(
            subject,
            f"the key at {key.name} says that it is being tried out (t=y), so receivers may pass it over",
            "Have this record published.",
            key.line,
        )
    return good(subject, f"the key at {key.name} is ours")


async def any_key(ask: Ask, domain: str, subject: str) -> Diagnosis:
    """Whether the domain seems to sign at all: `_domainkey` is a name (RFC 8020), which is what internet.nl looks at."""
    answer: Answer = await ask(f"_domainkey.{domain}", "TXT")
    if answer.unasked:
        return unknown(subject, f"_domainkey.{domain} could not be asked: {answer.why}")
    if answer.found is Found.NO_NAME:
        return bad(
            subject,
            f"{domain} has no DKIM key at all (_domainkey.{domain} does not exist), which is what internet.nl's mail test looks at",
            "Make a key, or ask who keeps the relay to sign for your domain: moza-mail dkim new",
        )
    return good(subject, f"{domain} has a DKIM key (_domainkey.{domain} exists)")
