"""Real DNS queries to a name server on loopback."""

import asyncio
import socket
import time

import pytest

from moza_mail.dns_check import AnswerStatus, DnsResolver
from moza_mail.errors import ProjectError
from tests.support.dns_server import SERVFAIL, SILENT, name_server

LONG = '"' + "x" * 250 + '" "' + "y" * 250 + '"'
ZONE = {
    ("example.org", "TXT"): ['"v=spf1 mx " "-all"', '"other"'],
    ("example.org", "MX"): ["10 mail.example.org."],
    ("null.test", "MX"): ["0 ."],
    ("long.test", "TXT"): [LONG] * 5,
    ("broken.test", "TXT"): SERVFAIL,
    ("silent.test", "TXT"): SILENT,
    ("tlsa.test", "TLSA"): [f"3 1 1 {'ab' * 32}"],
}


def ask(*questions, **more):
    """Return the answers to these queries in order, and the queries that the server got."""

    async def main(address):
        dns = DnsResolver(address)
        return [await dns.look_up(name, kind) for name, kind in questions]

    with name_server(ZONE, **more) as server:
        return asyncio.run(main(server.address)), server.queries


def test_the_strings_of_a_record_are_joined_into_one_text():
    (txt, mx, null, tlsa), _ = ask(
        ("example.org", "TXT"), ("Example.ORG.", "MX"), ("null.test", "MX"), ("tlsa.test", "TLSA")
    )

    assert sorted(txt.records) == ["other", "v=spf1 mx -all"]
    assert mx.records == ("10 mail.example.org",)
    assert null.records == ("0 ",)
    assert tlsa.records == (f"3 1 1 {'ab' * 32}",)


def test_a_missing_record_a_missing_name_and_a_failure_have_different_statuses():
    (empty, none, failed), _ = ask(("example.org", "TLSA"), ("elsewhere.test", "TXT"), ("broken.test", "TXT"))

    assert (empty.status, none.status, failed.status) == (
        AnswerStatus.EMPTY,
        AnswerStatus.NO_NAME,
        AnswerStatus.FAILED,
    )
    assert failed.error == "the resolver answers SERVFAIL"


def test_a_truncated_answer_is_queried_again_over_tcp():
    (answer,), asked = ask(("long.test", "TXT"), truncated=frozenset({"long.test"}))

    assert answer.status is AnswerStatus.RECORDS
    assert {len(text) for text in answer.records} == {500}
    assert [over for _, _, over in asked] == ["udp", "tcp"]


def test_an_answer_is_authenticated_if_the_resolver_says_so():
    (signed, not_signed), _ = ask(
        ("example.org", "TXT"), ("null.test", "MX"), secure=frozenset({"example.org"})
    )

    assert (signed.is_authenticated, not_signed.is_authenticated) == (True, False)


def test_repeated_queries_are_sent_once():
    _, asked = ask(*[("example.org", "TXT")] * 3)

    assert len(asked) == 1


def test_an_invalid_name_is_not_queried():
    (answer,), asked = ask(("a..b", "TXT"))

    assert answer.status is AnswerStatus.FAILED
    assert asked == []


def test_a_name_without_an_answer_times_out_and_delays_no_other(monkeypatch):
    monkeypatch.setattr("moza_mail.dns_check.resolver.LIFETIME", 0.3)
    monkeypatch.setattr("moza_mail.dns_check.resolver.TIMEOUT", 0.2)

    (silent, other), _ = ask(("silent.test", "TXT"), ("example.org", "MX"))

    assert (silent.status, silent.error) == (AnswerStatus.FAILED, "no resolver answers in time")
    assert other.status is AnswerStatus.RECORDS


def test_without_a_working_resolver_queries_stop_early(monkeypatch):
    monkeypatch.setattr("moza_mail.dns_check.resolver.LIFETIME", 0.2)
    monkeypatch.setattr("moza_mail.dns_check.resolver.TIMEOUT", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))

        async def main():
            dns = DnsResolver("{}:{}".format(*deaf.getsockname()))
            return [await dns.look_up(f"name{number}.test", "TXT") for number in range(200)]

        begun = time.monotonic()
        answers = asyncio.run(main())

    assert {answer.status for answer in answers} == {AnswerStatus.FAILED}
    assert answers[-1].error == "no resolver answers"
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "given", ["nergens", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:x", "1.2.3.4.5", "[::1"]
)
def test_a_resolver_that_is_not_an_ip_address_is_refused(given):
    with pytest.raises(ProjectError, match="--resolver"):
        DnsResolver(given)


@pytest.mark.parametrize("given", ["127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:5353"])
def test_a_resolver_is_an_ip_address_with_or_without_a_port(given):
    DnsResolver(given)
