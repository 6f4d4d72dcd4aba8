"""Where a domain's own mail goes (MX), and how well its names are kept: DNSSEC, IPv6 and DANE, as internet.nl looks at them."""

import asyncio
from collections.abc import Sequence

from moza_mail.dns_check.answer import AnswerStatus, DnsAnswer, LookUp
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

# internet.nl asks two name servers with IPv6.
MIN_IPV6_NAME_SERVERS = 2


async def check_mx(
    look_up: LookUp, domain: str, subject: str, expected_mail: str
) -> tuple[list[Diagnosis], tuple[str, ...]]:
    """Judge where mail to a domain goes, and give the hosts; `use` says what is lost without ("bounces")."""
    answer = await look_up(domain, "MX")
    if answer.failed:
        return [unknown(subject, f"the MX of {domain} could not be asked: {answer.error}")], ()
    hosts = tuple(host for _, host in sorted(_parse_mx(answer)))
    if hosts and all(host in {"", "."} for host in hosts):
        # RFC 7505: a domain that says so takes no mail.
        says = f"{domain} says that it takes no mail (null MX), so {expected_mail} cannot arrive, and some refuse mail from it"
        return [bad(subject, says, "Give it an MX, or let the mail come from a domain that has one.")], ()
    if not hosts:
        return [await _judge_without_mx(look_up, domain, subject, expected_mail)], ()
    found = await asyncio.gather(*(_look_up_addresses(look_up, host) for host in hosts))
    dead = [
        host
        for host, (old, new) in zip(hosts, found, strict=True)
        if _has_no_records(old) and _has_no_records(new)
    ]
    if dead:
        return [
            bad(
                subject,
                f"the MX of {domain} names {dead[0]}, which has no address",
                "Take it out, or give it one.",
            )
        ], hosts
    return [good(subject, f"mail to {domain} goes to {', '.join(hosts)}")], hosts


async def _judge_without_mx(look_up: LookUp, domain: str, subject: str, expected_mail: str) -> Diagnosis:
    old, new = await _look_up_addresses(look_up, domain)
    if _has_no_records(old) and _has_no_records(new):
        return bad(
            subject,
            f"{domain} has no MX and no address, so {expected_mail} cannot arrive, and many refuse mail from it",
            "Have an MX published.",
            f"{domain}. IN MX 10 mail.{domain}.",
        )
    return doubtful(
        subject,
        f"{domain} has no MX, so {expected_mail} go to its web server's address (RFC 5321 5.1)",
        "Have an MX published.",
        f"{domain}. IN MX 10 mail.{domain}.",
    )


def _parse_mx(answer: DnsAnswer) -> list[tuple[int, str]]:
    pairs = (record.partition(" ") for record in answer.records)
    return [(int(number), host.lower()) for number, _, host in pairs if number.isdecimal()]


async def _look_up_addresses(look_up: LookUp, host: str) -> tuple[DnsAnswer, DnsAnswer]:
    old, new = await asyncio.gather(look_up(host, "A"), look_up(host, "AAAA"))
    return old, new


def _has_no_records(answer: DnsAnswer) -> bool:
    return answer.status in {AnswerStatus.EMPTY, AnswerStatus.NO_NAME}


async def check_ipv6(look_up: LookUp, domain: str, hosts: Sequence[str]) -> list[Diagnosis]:
    """Whether the mail servers and the name servers can be reached over IPv6."""
    found = []
    answers = await asyncio.gather(*(look_up(host, "AAAA") for host in hosts))
    without = [host for host, answer in zip(hosts, answers, strict=True) if _has_no_records(answer)]
    if hosts:
        found.append(
            doubtful(
                "ipv6",
                f"the mail server {without[0]} of {domain} has no IPv6 address; internet.nl's mail test asks for one",
                "Ask who keeps it for an AAAA record.",
            )
            if without
            else _good_if_answered("ipv6", answers, f"every mail server of {domain} has an IPv6 address")
        )
    servers = await look_up(domain, "NS")
    if servers.status is AnswerStatus.RECORDS:
        answers = await asyncio.gather(*(look_up(server, "AAAA") for server in servers.records))
        able = sum(answer.status is AnswerStatus.RECORDS for answer in answers)
        if able < MIN_IPV6_NAME_SERVERS and not any(answer.failed for answer in answers):
            found.append(
                doubtful(
                    "ipv6",
                    f"{able} of the name servers of {domain} have an IPv6 address; internet.nl's mail test asks for {MIN_IPV6_NAME_SERVERS}",
                    "Ask who keeps the domain's DNS.",
                )
            )
    return found


def _good_if_answered(subject: str, answers: Sequence[DnsAnswer], says: str) -> Diagnosis:
    """Good, unless one could not be asked."""
    if why := next((answer.error for answer in answers if answer.failed), ""):
        return unknown(subject, f"the addresses of the mail servers could not be asked: {why}")
    return good(subject, says)


async def check_dnssec(look_up: LookUp, domain: str) -> Diagnosis:
    """Whether the domain's answers are signed, as far as the resolver tells."""
    own, root = await asyncio.gather(look_up(domain, "SOA"), look_up(".", "SOA"))
    if own.failed:
        return unknown("dnssec", f"DNSSEC of {domain} could not be asked: {own.error}")
    if own.is_authenticated:
        return good("dnssec", f"the answers of {domain} are signed, and the resolver has checked them")
    if not root.is_authenticated:
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


async def check_dane(look_up: LookUp, domain: str, hosts: Sequence[str]) -> list[Diagnosis]:
    """Whether the mail servers have TLSA records (RFC 7672), in a signed zone."""
    if not hosts:
        return []
    answers = await asyncio.gather(*(look_up(f"_25._tcp.{host}", "TLSA") for host in hosts))
    if why := next((answer.error for answer in answers if answer.failed), ""):
        return [unknown("dane", f"the TLSA records of {domain}'s mail servers could not be asked: {why}")]
    without = [host for host, answer in zip(hosts, answers, strict=True) if _has_no_records(answer)]
    if without:
        return [
            doubtful(
                "dane",
                f"the mail server {without[0]} of {domain} has no TLSA record (DANE); internet.nl's mail test asks for one",
                "Ask who keeps it. It is about mail to you, not from you.",
            )
        ]
    if not all(answer.is_authenticated for answer in answers):
        return [
            doubtful(
                "dane",
                f"the TLSA records of {domain}'s mail servers are not known to be signed, and count only when they are",
                "Sign the zone (DNSSEC).",
            )
        ]
    return [good("dane", f"every mail server of {domain} has a signed TLSA record (DANE)")]
