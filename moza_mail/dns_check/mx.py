"""Check MX records, DNSSEC, IPv6 and DANE of a domain, as the test of internet.nl does."""

import asyncio
from collections.abc import Sequence

from moza_mail.dns_check.answer import AnswerStatus, DnsAnswer, LookUp
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

# internet.nl requires two name servers with IPv6.
MIN_IPV6_NAME_SERVERS = 2
# Each host is looked up several times, so a long answer must not cause hundreds of queries.
MAX_HOSTS = 20


async def check_mx(
    look_up: LookUp, domain: str, subject: str, expected_mail: str
) -> tuple[list[Diagnosis], tuple[str, ...]]:
    """Check the MX records of a domain; return the findings and the mail servers.

    expected_mail: the mail that is lost without an MX record, such as "bounces".
    """
    answer = await look_up(domain, "MX")
    if answer.failed:
        return [unknown(subject, f"the MX of {domain} could not be looked up: {answer.error}")], ()
    hosts = tuple(host for _, host in sorted(_parse_mx(answer))[:MAX_HOSTS])
    if hosts and all(host in {"", "."} for host in hosts):
        # RFC 7505: a domain with a null MX accepts no mail.
        says = f"{domain} accepts no mail (null MX), so {expected_mail} cannot arrive, and some servers refuse mail from it"
        return [bad(subject, says, "Publish an MX for it, or send from a domain that has one.")], ()
    if not hosts:
        return [await _judge_without_mx(look_up, domain, subject, expected_mail)], ()
    found = await asyncio.gather(*(_look_up_addresses(look_up, host) for host in hosts))
    dead = [
        host
        for host, (ipv4, ipv6) in zip(hosts, found, strict=True)
        if _has_no_records(ipv4) and _has_no_records(ipv6)
    ]
    if dead:
        return [
            bad(
                subject,
                f"the MX of {domain} names {dead[0]}, which has no address",
                "Remove it, or publish an address for it.",
            )
        ], hosts
    return [good(subject, f"mail to {domain} goes to {', '.join(hosts)}")], hosts


async def _judge_without_mx(look_up: LookUp, domain: str, subject: str, expected_mail: str) -> Diagnosis:
    ipv4, ipv6 = await _look_up_addresses(look_up, domain)
    if _has_no_records(ipv4) and _has_no_records(ipv6):
        return bad(
            subject,
            f"{domain} has no MX and no address, so {expected_mail} cannot arrive, and many servers refuse mail from it",
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
    ipv4, ipv6 = await asyncio.gather(look_up(host, "A"), look_up(host, "AAAA"))
    return ipv4, ipv6


def _has_no_records(answer: DnsAnswer) -> bool:
    return answer.status in {AnswerStatus.EMPTY, AnswerStatus.NO_NAME}


async def check_ipv6(look_up: LookUp, domain: str, hosts: Sequence[str]) -> list[Diagnosis]:
    """Check that the mail servers and the name servers have IPv6 addresses."""
    found = []
    answers = await asyncio.gather(*(look_up(host, "AAAA") for host in hosts))
    without = [host for host, answer in zip(hosts, answers, strict=True) if _has_no_records(answer)]
    if hosts:
        found.append(
            doubtful(
                "ipv6",
                f"the mail server {without[0]} of {domain} has no IPv6 address, which internet.nl's mail test requires",
                "Ask its administrator for an AAAA record.",
            )
            if without
            else _good_if_answered("ipv6", answers, f"every mail server of {domain} has an IPv6 address")
        )
    servers = await look_up(domain, "NS")
    if servers.status is AnswerStatus.RECORDS:
        answers = await asyncio.gather(*(look_up(server, "AAAA") for server in servers.records[:MAX_HOSTS]))
        count = sum(answer.status is AnswerStatus.RECORDS for answer in answers)
        if count < MIN_IPV6_NAME_SERVERS and not any(answer.failed for answer in answers):
            found.append(
                doubtful(
                    "ipv6",
                    f"{count} of the name servers of {domain} have an IPv6 address; internet.nl's mail test requires {MIN_IPV6_NAME_SERVERS}",
                    "Ask the administrator of the domain's DNS.",
                )
            )
    return found


def _good_if_answered(subject: str, answers: Sequence[DnsAnswer], says: str) -> Diagnosis:
    """Return the diagnosis `good`, or `unknown` if a query failed."""
    if why := next((answer.error for answer in answers if answer.failed), ""):
        return unknown(subject, f"the addresses of the mail servers could not be looked up: {why}")
    return good(subject, says)


async def check_dnssec(look_up: LookUp, domain: str) -> Diagnosis:
    """Check if the domain is signed with DNSSEC.

    The result is unknown if the resolver does not check signatures.
    """
    own, root = await asyncio.gather(look_up(domain, "SOA"), look_up(".", "SOA"))
    if own.failed:
        return unknown("dnssec", f"the DNSSEC of {domain} could not be looked up: {own.error}")
    if own.is_authenticated:
        return good("dnssec", f"{domain} is signed, and the resolver has checked the signatures")
    if not root.is_authenticated:
        # The root zone is signed. A resolver that does not report this does not check signatures.
        return unknown(
            "dnssec",
            f"the DNSSEC of {domain} is unknown, because this resolver does not check signatures",
            "Use one that does: moza-mail doctor --resolver ADDRESS",
        )
    return doubtful(
        "dnssec",
        f"{domain} is not signed (DNSSEC), which internet.nl's mail test requires",
        "Ask the administrator of the domain's DNS to sign it.",
    )


async def check_dane(look_up: LookUp, domain: str, hosts: Sequence[str]) -> list[Diagnosis]:
    """Check that the mail servers have TLSA records in a signed zone (RFC 7672)."""
    if not hosts:
        return []
    answers = await asyncio.gather(*(look_up(f"_25._tcp.{host}", "TLSA") for host in hosts))
    if why := next((answer.error for answer in answers if answer.failed), ""):
        return [unknown("dane", f"the TLSA records of {domain}'s mail servers could not be looked up: {why}")]
    without = [host for host, answer in zip(hosts, answers, strict=True) if _has_no_records(answer)]
    if without:
        return [
            doubtful(
                "dane",
                f"the mail server {without[0]} of {domain} has no TLSA record (DANE), which internet.nl's mail test requires",
                "Ask its administrator. This concerns mail to you, not from you.",
            )
        ]
    if not all(answer.is_authenticated for answer in answers):
        return [
            doubtful(
                "dane",
                f"the TLSA records of {domain}'s mail servers are not signed, so they do not count",
                "Sign the zone (DNSSEC).",
            )
        ]
    return [good("dane", f"every mail server of {domain} has a signed TLSA record (DANE)")]
