"""Check the SPF record of a domain and the records that it includes (RFC 7208)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from moza_mail.dns_check.answer import AnswerStatus, LookUp
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

VERSION = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
TERM = re.compile(r"(?P<qualifier>[-+~?]?)(?P<name>[a-z][a-z0-9]*)(?P<rest>[:/].*)?", re.IGNORECASE)
MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9._-]*)=(?P<value>.*)", re.IGNORECASE)
# RFC 7208 4.6.4: terms that query the DNS. At most ten are allowed, and two may find nothing.
LOOKUP_TERMS = frozenset({"include", "a", "mx", "ptr", "exists"})
MAX_LOOKUPS, MAX_VOID_LOOKUPS = 10, 2
MECHANISMS = LOOKUP_TERMS | {"all", "ip4", "ip6"}
EXAMPLE_RECORD = '"v=spf1 include:RELAY -all"'
ASK_RELAY = "Ask the relay's operator which include: to add. One record lists all servers that may send for the domain."


class SpfPermanentError(Exception):
    """A mistake in a record that receivers treat as a permanent error (RFC 7208 4.6).

    The text of this error is a clause of a sentence.
    """


class SpfLookupFailed(Exception):
    """A DNS query of an SPF check failed. The text of this error is a clause of a sentence."""


@dataclass(slots=True)
class SpfEvaluation:
    """The counts and terms collected while a record and its includes are evaluated."""

    look_up: LookUp
    lookups: int = 0
    void_lookups: int = 0
    path: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)

    @property
    def is_exhausted(self) -> bool:
        """Return True if the limit on lookups is exceeded so far that counting can stop."""
        return self.lookups > MAX_LOOKUPS + 10

    def count(self, term: str) -> None:
        """Count a term that queries the DNS."""
        self.lookups += 1
        self.terms.append(term)


async def check_spf(look_up: LookUp, domain: str, subject: str) -> list[Diagnosis]:
    """Check the SPF record of a domain."""
    evaluation = SpfEvaluation(look_up=look_up)
    record = f"{domain}. IN TXT {EXAMPLE_RECORD}"
    try:
        texts = await _find_records(look_up, domain)
        if not texts:
            return [
                bad(
                    subject,
                    f"{domain} has no SPF record, so receivers cannot tell your servers from others",
                    ASK_RELAY,
                    record,
                )
            ]
        ending = await _evaluate(evaluation, domain, texts)
    except SpfPermanentError as flaw:
        return [bad(subject, f"receivers treat the SPF record of {domain} as an error: {flaw}", ASK_RELAY)]
    except SpfLookupFailed as why:
        return [unknown(subject, f"the SPF record of {domain} could not be looked up: {why}")]
    return [
        _judge_lookups(evaluation, domain, subject),
        *_judge_ending(domain, ending, subject),
        *_judge_ptr(evaluation, domain, subject),
    ]


def _judge_lookups(evaluation: SpfEvaluation, domain: str, subject: str) -> Diagnosis:
    shown = f"{evaluation.lookups} of {MAX_LOOKUPS} lookups"
    if evaluation.lookups > MAX_LOOKUPS:
        return bad(
            subject,
            f"the SPF record of {domain} needs {evaluation.lookups} lookups, but {MAX_LOOKUPS} are allowed, so receivers treat it as an error",
            f"Remove an include: that is no longer needed, or replace it by ip4: and ip6: (the lookups are: {', '.join(evaluation.terms)}).",
        )
    if evaluation.void_lookups > MAX_VOID_LOOKUPS:
        return bad(
            subject,
            f"{evaluation.void_lookups} lookups of the SPF record of {domain} find nothing, but {MAX_VOID_LOOKUPS} are allowed",
            "Remove the names that no longer exist.",
        )
    return good(subject, f"{domain} has one SPF record, with {shown}")


def _judge_ending(domain: str, ending: str, subject: str) -> list[Diagnosis]:
    if ending in {"-all", "~all"}:
        return []
    if ending in {"all", "+all"}:
        says = f"the SPF record of {domain} ends in +all, so anyone may send in its name"
        return [bad(subject, says, "End it with -all, or with ~all while you test it.")]
    shown = ending or "nothing"
    return [
        doubtful(
            subject,
            f"the SPF record of {domain} ends in {shown}, which does not refuse other servers and fails internet.nl's mail test",
            "End it with -all, or with ~all while you test it.",
        )
    ]


def _judge_ptr(evaluation: SpfEvaluation, domain: str, subject: str) -> Iterator[Diagnosis]:
    if any(term.lower().lstrip("+-~?").startswith("ptr") for term in evaluation.terms):
        yield doubtful(
            subject,
            f"the SPF record of {domain} has ptr, which is slow and often ignored (RFC 7208 5.5)",
            "Replace it by ip4: or a:.",
        )


async def _find_records(look_up: LookUp, domain: str) -> list[str]:
    answer = await look_up(domain, "TXT")
    if answer.failed:
        raise SpfLookupFailed(answer.error)
    found = [text for text in answer.records if VERSION.match(text)]
    if len(found) > 1:
        raise SpfPermanentError(
            f"{domain} has {len(found)} records that begin with v=spf1, but only one is allowed (RFC 7208 4.5)"
        )
    return found


async def _evaluate(evaluation: SpfEvaluation, domain: str, texts: list[str]) -> str:
    """Evaluate a record and its includes; return its `all` term, such as `-all`.

    If the record has no `all`, return the `all` term of the record that its redirect= names. Return an
    empty string if the record has neither.
    """
    if domain.lower() in evaluation.path:
        raise SpfPermanentError(f"it includes itself: {' > '.join([*evaluation.path, domain.lower()])}")
    evaluation.path.append(domain.lower())
    ending, redirect = "", ""
    for term in texts[0].split()[1:]:
        if found := MODIFIER.fullmatch(term):
            if found["name"].lower() == "redirect":
                if redirect:
                    raise SpfPermanentError(f"{domain} has redirect= twice")
                redirect = found["value"]
            continue
        qualifier, name, rest = _parse_mechanism(term, domain)
        if name == "all":
            ending = ending or f"{qualifier}all"
        elif name in LOOKUP_TERMS:
            evaluation.count(term)
            await _evaluate_mechanism(evaluation, name, rest, domain)
    # RFC 7208 6.1: redirect= is ignored if the record has `all`.
    if redirect and not ending:
        evaluation.count(f"redirect={redirect}")
        ending = await _evaluate_other(evaluation, redirect)
    evaluation.path.pop()
    return ending


def _parse_mechanism(term: str, domain: str) -> tuple[str, str, str]:
    found = TERM.fullmatch(term)
    name = found["name"].lower() if found else ""
    rest = (found["rest"] or "") if found else ""
    if name not in MECHANISMS:
        raise SpfPermanentError(f"{domain} has {term!r}, which is not an SPF term")
    if name in {"ip4", "ip6"}:
        try:
            (IPv4Network if name == "ip4" else IPv6Network)(rest.removeprefix(":"), strict=False)
        except ValueError:
            raise SpfPermanentError(f"{domain} has {term!r}, which is not an IP address") from None
    if name in {"include", "exists"} and len(rest) < 2:
        raise SpfPermanentError(f"{domain} has {term!r}, which names no domain")
    return (found["qualifier"] if found else ""), name, rest


async def _evaluate_mechanism(evaluation: SpfEvaluation, name: str, rest: str, domain: str) -> None:
    """Evaluate the record that `include` names, or count a lookup that finds nothing."""
    target = rest.removeprefix(":").partition("/")[0] if rest.startswith(":") else domain
    # A macro (RFC 7208 7) expands to another name for each mail, so it cannot be evaluated here.
    if "%" in target or evaluation.is_exhausted:
        return
    if name == "include":
        await _evaluate_other(evaluation, target)
    elif name in {"a", "mx"}:
        answer = await evaluation.look_up(target, name.upper())
        if name == "a" and answer.status is AnswerStatus.EMPTY:
            answer = await evaluation.look_up(target, "AAAA")
        if answer.status in {AnswerStatus.EMPTY, AnswerStatus.NO_NAME}:
            evaluation.void_lookups += 1


async def _evaluate_other(evaluation: SpfEvaluation, target: str) -> str:
    """Evaluate the record of another domain, which must have one (RFC 7208 5.2, 6.1)."""
    if "%" in target or evaluation.is_exhausted:
        return "?all"
    texts = await _find_records(evaluation.look_up, target)
    if not texts:
        raise SpfPermanentError(f"it includes {target}, which has no SPF record")
    return await _evaluate(evaluation, target, texts)
