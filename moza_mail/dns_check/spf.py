"""SPF (RFC 7208): which machines may mail with a domain in MAIL FROM, as its record and those it leads to say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from moza_mail.dns_check.answer import Ask, Found
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

VERSION = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
TERM = re.compile(r"(?P<sign>[-+~?]?)(?P<name>[a-z][a-z0-9]*)(?P<rest>[:/].*)?", re.IGNORECASE)
MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9._-]*)=(?P<value>.*)", re.IGNORECASE)
# RFC 7208 4.6.4: the terms that ask the DNS, at most ten together, of which two may find nothing.
ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})
MOST, MOST_VOID = 10, 2
MECHANISMS = ASKING | {"all", "ip4", "ip6"}
EXAMPLE = '"v=spf1 include:RELAY -all"'
INSTEAD = "Ask who keeps the relay which include: it needs; one record holds all who may mail for the domain."


class Flaw(Exception):
    """A record that receivers count as a permanent error (RFC 7208 4.6), as a clause."""


class Unasked(Exception):
    """Something on the way could not be asked, as a clause."""


@dataclass(slots=True)
class Walk:
    """What following a record has met so far."""

    ask: Ask
    lookups: int = 0
    void: int = 0
    path: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)

    def count(self, term: str) -> None:
        """Note a term that asks the DNS."""
        self.lookups += 1
        self.terms.append(term)


async def spf(ask: Ask, domain: str, subject: str) -> list[Diagnosis]:
    """Judge the record of a domain; `subject` is what to call it."""
    walk = Walk(ask=ask)
    record = f"{domain}. IN TXT {EXAMPLE}"
    try:
        texts = await _records(ask, domain)
        if not texts:
            return [
                bad(
                    subject,
                    f"{domain} has no SPF record, so anybody's server is as good as yours",
                    INSTEAD,
                    record,
                )
            ]
        ending = await _follow(walk, domain, texts)
    except Flaw as flaw:
        return [bad(subject, f"receivers take the SPF of {domain} for an error: {flaw}", INSTEAD)]
    except Unasked as why:
        return [unknown(subject, f"the SPF of {domain} could not be asked: {why}")]
    return [
        _lookups(walk, domain, subject),
        *_ending(domain, ending, subject),
        *_habits(walk, domain, subject),
    ]


def _lookups(walk: Walk, domain: str, subject: str) -> Diagnosis:
    shown = f"{walk.lookups} of the {MOST} look-ups"
    if walk.lookups > MOST:
        return bad(
            subject,
            f"the SPF of {domain} needs {walk.lookups} look-ups and {MOST} are allowed, so receivers take it for an error",
            f"Take out an include: that is no longer needed, or write its ip4: and ip6: (they are: {', '.join(walk.terms)}).",
        )
    if walk.void > MOST_VOID:
        return bad(
            subject,
            f"{walk.void} look-ups of the SPF of {domain} find nothing and {MOST_VOID} are allowed",
            "Take out the names that no longer exist.",
        )
    return good(subject, f"{domain} has one SPF record, with {shown}")


def _ending(domain: str, ending: str, subject: str) -> list[Diagnosis]:
    if ending in {"-all", "~all"}:
        return []
    if ending in {"all", "+all"}:
        says = f"the SPF of {domain} ends in +all: everybody may mail in its name"
        return [bad(subject, says, "End it in -all, or in ~all while you are trying.")]
    shown = ending or "nothing"
    return [
        doubtful(
            subject,
            f"the SPF of {domain} ends in {shown}, which says nothing of other servers; internet.nl's mail test does not count it",
            "End it in -all, or in ~all while you are trying.",
        )
    ]


def _habits(walk: Walk, domain: str, subject: str) -> Iterator[Diagnosis]:
    if any(term.lower().lstrip("+-~?").startswith("ptr") for term in walk.terms):
        yield doubtful(
            subject,
            f"the SPF of {domain} has ptr, which is slow and passed over by many (RFC 7208 5.5)",
            "Write ip4: or a: instead.",
        )


async def _records(ask: Ask, domain: str) -> list[str]:
    answer = await ask(domain, "TXT")
    if answer.unasked:
        raise Unasked(answer.why)
    found = [text for text in answer.records if VERSION.match(text)]
    if len(found) > 1:
        raise Flaw(
            f"{domain} has {len(found)} records that begin with v=spf1, and there may be one (RFC 7208 4.5)"
        )
    return found


async def _follow(walk: Walk, domain: str, texts: list[str]) -> str:
    """Go through a record and all it leads to; give how it ends: `-all`, or nothing."""
    if domain.lower() in walk.path:
        raise Flaw(f"it leads back to itself: {' > '.join([*walk.path, domain.lower()])}")
    walk.path.append(domain.lower())
    ending, redirect = "", ""
    for term in texts[0].split()[1:]:
        if found := MODIFIER.fullmatch(term):
            if found["name"].lower() == "redirect":
                if redirect:
                    raise Flaw(f"{domain} has redirect= twice")
                redirect = found["value"]
            continue
        sign, name, rest = _mechanism(term, domain)
        if name == "all":
            ending = ending or f"{sign}all"
        elif name in ASKING:
            walk.count(term)
            await _asked(walk, name, rest, domain)
    # RFC 7208 6.1: with an `all` in the record redirect= is not looked at.
    if redirect and not ending:
        walk.count(f"redirect={redirect}")
        ending = await _into(walk, redirect)
    walk.path.pop()
    return ending


def _mechanism(term: str, domain: str) -> tuple[str, str, str]:
    found = TERM.fullmatch(term)
    name = found["name"].lower() if found else ""
    rest = (found["rest"] or "") if found else ""
    if name not in MECHANISMS:
        raise Flaw(f"{domain} has {term!r}, which is no word of SPF")
    if name in {"ip4", "ip6"}:
        try:
            (IPv4Network if name == "ip4" else IPv6Network)(rest.removeprefix(":"), strict=False)
        except ValueError:
            raise Flaw(f"{domain} has {term!r}, which is no address") from None
    if name in {"include", "exists"} and len(rest) < 2:
        raise Flaw(f"{domain} has {term!r}, which names no domain")
    return (found["sign"] if found else ""), name, rest


async def _asked(walk: Walk, name: str, rest: str, domain: str) -> None:
    """Follow an include, and see whether the others find anything."""
    target = rest.removeprefix(":").partition("/")[0] if rest.startswith(":") else domain
    # A macro (RFC 7208 7) is filled in for each mail; what it leads to cannot be known here.
    if "%" in target or walk.lookups > MOST + 10:
        return
    if name == "include":
        await _into(walk, target)
    elif name in {"a", "mx"}:
        answer = await walk.ask(target, name.upper())
        if name == "a" and answer.found is Found.EMPTY:
            answer = await walk.ask(target, "AAAA")
        if answer.found in {Found.EMPTY, Found.NO_NAME}:
            walk.void += 1


async def _into(walk: Walk, target: str) -> str:
    """Follow the record of another domain, which must have one (RFC 7208 5.2, 6.1)."""
    if "%" in target:
        return "?all"
    texts = await _records(walk.ask, target)
    if not texts:
        raise Flaw(f"it leads to {target}, which has no SPF record")
    return await _follow(walk, target, texts)
