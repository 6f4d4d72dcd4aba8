"""A malicious name server gives diagnoses without control characters, in bounded time and with few queries."""

import asyncio
import time
from itertools import count, pairwise

import dns.flags
import dns.message
import dns.rrset
import pytest

from moza_mail.dns_check import DnsResolver, ExpectedKey, SenderDomain, check_domain, resolver
from tests.support.dns_server import name_server

KEY = ExpectedKey(
    record_name="a._domainkey.example.org", key_type="rsa", public_key="AAAA", zone_line="a. IN TXT x"
)
SENDER = SenderDomain(domain="example.org", return_path="bounce.example.org", keys=(KEY,))
NUMBERS = count()
ESCAPES = '"v=spf1 \\027[31mred \\007 \\000 \\226\\128\\174 all"'


def reply(query, *records, kinds=("TXT",), name=None):
    """Return an answer with these records to a query of these kinds, and an empty one to others."""
    (question,) = query.question
    made = dns.message.make_response(query, recursion_available=True)
    if question.rdtype.name in kinds:
        made.answer.append(
            dns.rrset.from_text_list(name or question.name, 60, "IN", question.rdtype.name, records)
        )
    return made


def chain(query, _over):
    """Answer each name with a CNAME to the next, without end."""
    (question,) = query.question
    made = dns.message.make_response(query, recursion_available=True)
    names = [question.name.to_text(), *(f"n{number}.example.org." for number in range(40))]
    for name, target in pairwise(names):
        made.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
    return made.to_wire()


def circle(query, _over):
    (question,) = query.question
    made = dns.message.make_response(query, recursion_available=True)
    made.answer.append(dns.rrset.from_text(question.name, 60, "IN", "CNAME", "b.example.org."))
    made.answer.append(dns.rrset.from_text("b.example.org.", 60, "IN", "CNAME", question.name.to_text()))
    return made.to_wire()


def large(*records, kinds):
    """Return a lie that sends these records over TCP."""

    def lie(query, over):
        made = reply(query, *records, kinds=kinds)
        if over == "udp":
            made.answer.clear()
            made.flags |= dns.flags.TC
        return made.to_wire(max_size=65_535)

    return lie


def garbage(query, _over):
    return query.id.to_bytes(2, "big") + b"\x81\x80" + b"\xff" * 40


def other_question(query, _over):
    return dns.message.make_response(dns.message.make_query("other.example.", "TXT")).to_wire()


def answer_some(query, _over):
    """Answer the first query only."""
    return reply(query, '"v=spf1 -all"').to_wire() if next(NUMBERS) == 0 else None


LIES = {
    "control characters": lambda query, _over: reply(query, ESCAPES, '"v=DMARC1; p=\\027[2J; rua=\\007"').to_wire(),
    "redirects without end": lambda query, _over: reply(query, f'"v=spf1 redirect=r{next(NUMBERS)}.example.org"').to_wire(),
    "includes without end": lambda query, _over: reply(
        query, f'"v=spf1 include:i{next(NUMBERS)}.example.org include:j{next(NUMBERS)}.example.org -all"'
    ).to_wire(),
    "names in a chain": chain,
    "names in a circle": circle,
    "large text": large(*(f'"{"x" * 250}{number:05}"' for number in range(230)), kinds=("TXT",)),
    "long term": large('"v=spf1 " ' + " ".join(['"' + "y" * 250 + '"'] * 100), kinds=("TXT",)),
    "many servers": large(*(f"10 m{number}.example.org." for number in range(190)), kinds=("MX",)),
    "more servers": large(*(f"10 m{number}.example.org." for number in range(2000)), kinds=("MX",)),
    "odd servers": large("10 \\000\\027\\255.example.org.", "10 xn--a.example.org.", kinds=("MX",)),
    "garbage": garbage,
    "another question": other_question,
    "silence after one answer": answer_some,
}  # fmt: skip


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(resolver, "LIFETIME", 0.6)
    monkeypatch.setattr(resolver, "TIMEOUT", 0.3)
    monkeypatch.setattr(resolver, "TOTAL_LIFETIME", 3.0)


@pytest.mark.parametrize("name", LIES)
def test_doctor_survives_a_malicious_name_server(name):
    with name_server({}, lie=LIES[name]) as server:
        begin = time.monotonic()
        found = asyncio.run(check_domain(DnsResolver(server.address).look_up, SENDER))
        seconds = time.monotonic() - begin
    assert found
    for diagnosis in found:
        for text in (diagnosis.message, diagnosis.hint, diagnosis.record):
            assert text.isprintable(), text
            assert len(text) <= 600
    assert seconds < 12
    assert len(server.queries) < 400


def test_an_answer_that_is_too_large_is_a_failure(monkeypatch):
    # Less than pytest's limit for a test, and far more than the answer takes on any machine.
    for limit in ("LIFETIME", "TIMEOUT", "TOTAL_LIFETIME"):
        monkeypatch.setattr(resolver, limit, 240)
    with name_server({}, lie=LIES["large text"]) as server:
        answer = asyncio.run(DnsResolver(server.address).look_up("example.org", "TXT"))
    assert (answer.failed, answer.error) == (True, "the answer is too large")
