"""Where a domain's own mail goes (MX), and how well its names are kept: DNSSEC, IPv6 and DANE, as internet.nl looks at them."""

import asyncio
from collections.abc import Sequence

from moza_mail.dns_check.answer import Answer, Ask, Found
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

# internet.nl asks two name servers with IPv6.
SERVERS = 2


async def mx(ask: Ask, domain: str, subject: str, use: str) -> tuple[list[Diagnosis], tuple[str, ...]]:
    """Judge where mail to a domain goes, and give the hosts; `use` says what is lost without ("bounces")."""
    answer = await ask(domain, "MX")
    if answer.unasked:
        return [unknown(subject, f"the MX of {domain} could not be asked: {answer.why}")], ()
    hosts = tuple(host for _, host in sorted(_preferred(answer)))
    if hosts and all(host in {"", "."} for host in hosts):
        # RFC 7505: a domain that says so takes no mail.
        says = f"{domain} says that it takes no mail (null MX), so {use} cannot arrive, and some refuse mail from it"
        return [bad(subject, says, "Give it an MX, or let the mail come from a domain that has one.")], ()
    if not hosts:
        return [await _without(ask, domain, subject, use)], ()
    found = await asyncio.gather(*(_addresses(ask, host) for host in hosts))
    dead = [host for host, (old, new) in zip(hosts, found, strict=True) if _none(old) and _none(new)]
    if dead:
        return [
            bad(
                subject,
                f"the MX of {domain} names {dead[0]}, which has no address",
                "Take it out, or give it one.",
            )
        ], hosts
    return [good(subject, f"mail to {domain} goes to {', '.join(hosts)}")], hosts


async def _without(ask: Ask, domain: str, subject: str, use: str) -> Diagnosis:
    old, new = await _addresses(ask, domain)
    if _none(old) and _none(new):
        return bad(
            subject,
            f"{domain} has no MX and no address, so {use} cannot arrive, and many refuse mail from it",
            "Have an MX published.",
            f"{domain}. IN MX 10 mail.{domain}.",
        )
    return doubtful(
        subject,
        f"{domain} has no MX, so {use} go to its web server's address (RFC 5321 5.1)",
        "Have an MX published.",
        f"{domain}. IN MX 10 mail.{domain}.",
    )


def _preferred(answer: Answer) -> list[tuple[int, str]]:
    pairs = (record.partition(" ") for record in answer.records)
    return [(int(number), host.lower()) for number, _, host in pairs if number.isdecimal()]


async def _addresses(ask: Ask, host: str) -> tuple[Answer, Answer]:
    old, new = await asyncio.gather(ask(host, "A"), ask(host, "AAAA"))
    return old, new


def _none(answer: Answer) -> bool:
    return answer.found in {Found.EMPTY, Found.NO_NAME}


async def ipv6(ask: Ask, domain: str, hosts: Sequence[str]) -> list[Diagnosis]:
    """Whether the mail servers and the name servers can be reached over IPv6."""
    found = []
    answers = await asyncio.gather(*(ask(host, "AAAA") for host in hosts))
    without = [host for host, answer in zip(hosts, answers, strict=True) if _none(answer)]
    if hosts:
        found.append(
            doubtful(
                "ipv6",
                f"the mail server {without[0]} of {domain} has no IPv6 address; internet.nl's mail test asks for one",
                "Ask who keeps it for an AAAA record.",
            )
            if without
            else _known("ipv6", answers, f"every mail server of {domain} has an IPv6 address")
        )
    servers = await ask(domain, "NS")
    if servers.found is Found.RECORDS:
        answers = await asyncio.gather(*(ask(server, "AAAA") for server in servers.records))
        able = sum(answer.found is Found.RECORDS for answer in answers)
        if able < SERVERS and not any(answer.unasked for answer in answers):
            found.append(
                doubtful(
                    "ipv6",
                    f"{able} of the name servers of {domain} have an IPv6 address; internet.nl's mail test asks for {SERVERS}",
                    "Ask who keeps the domain's DNS.",
                )
            )
    return found


def _known(subject: str, answers: Sequence[Answer], says: str) -> Diagnosis:
    """Good, unless one could not be asked."""
    if why := next((answer.why for answer in answers if answer.unasked), ""):
        return unknown(subject, f"the addresses of the mail servers could not be asked: {why}")
    return good(subject, says)


async def dnssec(ask: Ask, domain: str) -> Diagnosis:
    """Whether the domain's answers are signed, as far as the resolver tells."""
    own, root = await asyncio.gather(ask(domain, "SOA"), ask(".", "SOA"))
    if own.unasked:
        return unknown("dnssec", f"DNSSEC of {domain} could not be asked: {own.why}")
    if own.secure:
        return good("dnssec", f"the answers of {domain} are signed, and the resolver has checked them")
    if not root.secure:
        # The root is signed: who does not say so does not look.
        return unknown(
            "dnssec",
            f"whether {domain} is signed is not known: this resolver does not check signatures",
            "Ask one that does: moza-mail doctor --resolver ADDRESS",
        )
    return doubtful(
        "dnssec",
        f"the answers of {domain} are not signed (DNSSEC); internet.nl's mail test asks for it",
        "Ask who keeps the domain's DNS to sign it.",
    )


async def dane(ask: Ask, domain: str, hosts: Sequence[str]) -> list[Diagnosis]:
    """Whether the mail servers have TLSA records (RFC 7672), in a signed zone."""
    if not hosts:
        return []
    answers = await asyncio.gather(*(ask(f"_25._tcp.{host}", "TLSA") for host in hosts))
    if why := next((answer.why for answer in answers if answer.unasked), ""):
        return [unknown("dane", f"the TLSA records of {domain}'s mail servers could not be asked: {why}")]
    without = [host for host, answer in zip(hosts, answers, strict=True) if _none(answer)]
    if without:
        return [
            doubtful(
                "dane",
                f"the mail server {without[0]} of {domain} has no TLSA record (DANE); internet.nl's mail test asks for one",
                "Ask who keeps it. It is about mail to you, not from you.",
            )
        ]
    if not all(answer.secure for answer in answers):
        return [
            doubtful(
                "dane",
                f"the TLSA records of {domain}'s mail servers are not known to be signed, and count only when they are",
                "Sign the zone (DNSSEC).",
            )
        ]
    return [good("dane", f"every mail server of {domain} has a signed TLSA record (DANE)")]
