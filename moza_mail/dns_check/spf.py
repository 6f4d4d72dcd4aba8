"""SPF (RFC 7208): which machines may mail with a domain in MAIL FROM, as its record and those it leads to say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from moza_mail.dns_check.answer import AnswerStatus, LookUp
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

VERSION = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
TERM = re.compile(r"(?P<sign>[-+~?]?)(?P<name>[a-z][a-z0-9]*)(?P<rest>[:/].*)?", re.IGNORECASE)
MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9._-]*)=(?P<value>.*)", re.IGNORECASE)
# RFC 7208 4.6.4: the terms that ask the DNS, at most ten together, of which two may find nothing.
LOOKUP_TERMS = frozenset({"include", "a", "mx", "ptr", "exists"})
MAX_LOOKUPS, MAX_VOID_LOOKUPS = 10, 2
MECHANISMS = LOOKUP_TERMS | {"all", "ip4", "ip6"}
EXAMPLE_RECORD = '"v=spf1 include:RELAY -all"'
ASK_RELAY = (
    "Ask who keeps the relay which include: it needs; one record holds all who may mail for the domain."
)


class SpfPermanentError(Exception):
    """A record that receivers count as a permanent error (RFC 7208 4.6), as a clause."""


class SpfLookupFailed(Exception):
    """Something on the way could not be asked, as a clause."""


@dataclass(slots=True)
class SpfEvaluation:
    """What following a record has met so far."""

    look_up: LookUp
    lookups: int = 0
    void_lookups: int = 0
    path: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)

    def count(self, term: str) -> None:
        """Note a term that asks the DNS."""
        self.lookups += 1
        self.terms.append(term)


async def check_spf(look_up: LookUp, domain: str, subject: str) -> list[Diagnosis]:
    """Judge the record of a domain; `subject` is what to call it."""
    walk = SpfEvaluation(look_up=look_up)
    record = f"{domain}. IN TXT {EXAMPLE_RECORD}"
    try:
        texts = await _find_records(look_up, domain)
        if not texts:
            return [
                bad(
                    subject,
                    f"{domain} has no SPF record, so anybody's server is as good as yours",
                    ASK_RELAY,
                    record,
                )
            ]
        ending = await _evaluate(walk, domain, texts)
    except SpfPermanentError as flaw:
        return [bad(subject, f"receivers take the SPF of {domain} for an error: {flaw}", ASK_RELAY)]
    except SpfLookupFailed as why:
        return [unknown(subject, f"the SPF of {domain} could not be asked: {why}")]
    return [
        _judge_lookups(walk, domain, subject),
        *_judge_ending(domain, ending, subject),
        *_judge_ptr(walk, domain, subject),
    ]


def _judge_lookups(walk: SpfEvaluation, domain: str, subject: str) -> Diagnosis:
    shown = f"{walk.lookups} of the {MAX_LOOKUPS} look-ups"
    if walk.lookups > MAX_LOOKUPS:
        return bad(
            subject,
            f"the SPF of {domain} needs {walk.lookups} look-ups and {MAX_LOOKUPS} are allowed, so receivers take it for an error",
            f"Take out an include: that is no longer needed, or write its ip4: and ip6: (they are: {', '.join(walk.terms)}).",
        )
    if walk.void_lookups > MAX_VOID_LOOKUPS:
        return bad(
            subject,
            f"{walk.void_lookups} look-ups of the SPF of {domain} find nothing and {MAX_VOID_LOOKUPS} are allowed",
            "Take out the names that no longer exist.",
        )
    return good(subject, f"{domain} has one SPF record, with {shown}")


def _judge_ending(domain: str, ending: str, subject: str) -> list[Diagnosis]:
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


def _judge_ptr(walk: SpfEvaluation, domain: str, subject: str) -> Iterator[Diagnosis]:
    if any(term.lower().lstrip("+-~?").startswith("ptr") for term in walk.terms):
        yield doubtful(
            subject,
            f"the SPF of {domain} has ptr, which is slow and passed over by many (RFC 7208 5.5)",
            "Write ip4: or a: instead.",
        )


async def _find_records(look_up: LookUp, domain: str) -> list[str]:
    answer = await look_up(domain, "TXT")
    if answer.failed:
        raise SpfLookupFailed(answer.error)
    found = [text for text in answer.records if VERSION.match(text)]
    if len(found) > 1:
        raise SpfPermanentError(
            f"{domain} has {len(found)} records that begin with v=spf1, and there may be one (RFC 7208 4.5)"
        )
    return found


async def _evaluate(walk: SpfEvaluation, domain: str, texts: list[str]) -> str:
    """Go through a record and all it leads to; give how it ends: `-all`, or nothing."""
    if domain.lower() in walk.path:
        raise SpfPermanentError(f"it leads back to itself: {' > '.join([*walk.path, domain.lower()])}")
    walk.path.append(domain.lower())
    ending, redirect = "", ""
    for term in texts[0].split()[1:]:
        if found := MODIFIER.fullmatch(term):
            if found["name"].lower() == "redirect":
                if redirect:
                    raise SpfPermanentError(f"{domain} has redirect= twice")
                redirect = found["value"]
            continue
        sign, name, rest = _parse_mechanism(term, domain)
        if name == "all":
            ending = ending or f"{sign}all"
        elif name in LOOKUP_TERMS:
            walk.count(term)
            await _evaluate_mechanism(walk, name, rest, domain)
    # RFC 7208 6.1: with an `all` in the record redirect= is not looked at.
    if redirect and not ending:
        walk.count(f"redirect={redirect}")
        ending = await _evaluate_other(walk, redirect)
    walk.path.pop()
    return ending


def _parse_mechanism(term: str, domain: str) -> tuple[str, str, str]:
    found = TERM.fullmatch(term)
    name = found["name"].lower() if found else ""
    rest = (found["rest"] or "") if found else ""
    if name not in MECHANISMS:
        raise SpfPermanentError(f"{domain} has {term!r}, which is no word of SPF")
    if name in {"ip4", "ip6"}:
        try:
            (IPv4Network if name == "ip4" else IPv6Network)(rest.removeprefix(":"), strict=False)
        except ValueError:
            raise SpfPermanentError(f"{domain} has {term!r}, which is no address") from None
    if name in {"include", "exists"} and len(rest) < 2:
        raise SpfPermanentError(f"{domain} has {term!r}, which names no domain")
    return (found["sign"] if found else ""), name, rest


async def _evaluate_mechanism(walk: SpfEvaluation, name: str, rest: str, domain: str) -> None:
    """Follow an include, and see whether the others find anything."""
    target = rest.removeprefix(":").partition("/")[0] if rest.startswith(":") else domain
    # A macro (RFC 7208 7) is filled in for each mail; what it leads to cannot be known here.
    if "%" in target or walk.lookups > MAX_LOOKUPS + 10:
        return
    if name == "include":
        await _evaluate_other(walk, target)
    elif name in {"a", "mx"}:
        answer = await walk.look_up(target, name.upper())
        if name == "a" and answer.status is AnswerStatus.EMPTY:
            answer = await walk.look_up(target, "AAAA")
        if answer.status in {AnswerStatus.EMPTY, AnswerStatus.NO_NAME}:
            walk.void_lookups += 1


async def _evaluate_other(walk: SpfEvaluation, target: str) -> str:
    """Follow the record of another domain, which must have one (RFC 7208 5.2, 6.1)."""
    if "%" in target:
        return "?all"
    texts = await _find_records(walk.look_up, target)
    if not texts:
        raise SpfPermanentError(f"it leads to {target}, which has no SPF record")
    return await _evaluate(walk, target, texts)
