"""The meaning of DNS records for our mail, from tables of records."""

import asyncio
from dataclasses import replace

import pytest

from moza_mail.dns_check import AnswerStatus, DnsAnswer, ExpectedKey, SenderDomain, check_domain
from moza_mail.dns_check.dmarc import find_policy
from moza_mail.dns_check.spf import check_spf
from moza_mail.model.health import HealthState

UNASKED = "unasked"
KEY = ExpectedKey(
    record_name="moza202601._domainkey.example.org",
    key_type="rsa",
    public_key="AAAABBBB",
    zone_line='moza202601._domainkey.example.org. IN TXT ( "v=DKIM1; k=rsa; p=AAAABBBB" )',
)
SENDER = SenderDomain(domain="example.org", keys=(KEY,))
RIGHT = {
    ("example.org", "TXT"): ["v=spf1 mx include:relay.example -all", "google-site-verification=x"],
    ("relay.example", "TXT"): ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all"],
    ("moza202601._domainkey.example.org", "TXT"): ["v=DKIM1; k=rsa; p=AAAA BBBB"],
    ("_dmarc.example.org", "TXT"): ["v=DMARC1; p=reject; rua=mailto:dmarc@example.org"],
    ("example.org", "MX"): ["20 b.example.org", "10 a.example.org"],
    ("a.example.org", "A"): ["192.0.2.1"],
    ("a.example.org", "AAAA"): ["2001:db8::1"],
    ("b.example.org", "A"): ["192.0.2.2"],
    ("b.example.org", "AAAA"): ["2001:db8::2"],
    ("example.org", "NS"): ["ns1.example.org", "ns2.example.org"],
    ("ns1.example.org", "AAAA"): ["2001:db8::3"],
    ("ns2.example.org", "AAAA"): ["2001:db8::4"],
    ("example.org", "SOA"): ["ns1.example.org. x. 1 1 1 1 1"],
    (".", "SOA"): ["x"],
    ("_25._tcp.a.example.org", "TLSA"): ["3 1 1 aa"],
    ("_25._tcp.b.example.org", "TLSA"): ["3 1 1 bb"],
}
SECURE = frozenset({"example.org", ".", "_25._tcp.a.example.org", "_25._tcp.b.example.org"})


def asking(zone, secure=frozenset(), count=None):
    """Return the answers of a table as a resolver does."""

    async def ask(name, kind):
        if count is not None:
            count.append((name, kind))
        name = name.lower()
        records = zone.get((name, kind), [])
        if records == UNASKED:
            return DnsAnswer(
                name=name, record_type=kind, status=AnswerStatus.FAILED, error="the resolver answers SERVFAIL"
            )
        known = any(each == name or each.endswith(f".{name}") for each, _ in zone)
        found = AnswerStatus.RECORDS if records else AnswerStatus.EMPTY if known else AnswerStatus.NO_NAME
        return DnsAnswer(
            name=name, record_type=kind, status=found, records=tuple(records), is_authenticated=name in secure
        )

    return ask


def judged(changes=None, sender=SENDER, secure=SECURE):
    zone = {key: value for key, value in {**RIGHT, **(changes or {})}.items() if value is not None}
    return asyncio.run(check_domain(asking(zone, secure), sender))


def of(found, subject):
    """Return the worst state and the sentences of one subject."""
    order = [HealthState.BAD, HealthState.UNKNOWN, HealthState.DOUBTFUL, HealthState.GOOD]
    those = sorted((one for one in found if one.subject == subject), key=lambda one: order.index(one.state))
    return those[0].state, " | ".join(one.message for one in those)


def test_a_correct_domain_is_good_in_every_check():
    found = judged()

    assert {one.state for one in found} == {HealthState.GOOD}, [
        one for one in found if one.state is not HealthState.GOOD
    ]
    assert {one.subject for one in found} >= {
        "spf", "dkim", "dmarc", "alignment", "mx", "dnssec", "ipv6", "dane",
    }  # fmt: skip
    assert {one.domain for one in found} == {"example.org"}


def test_every_problem_has_a_remedy():
    everything_gone = dict.fromkeys(RIGHT)

    for found in (judged(everything_gone), judged(everything_gone, SenderDomain(domain="example.org"))):
        for one in found:
            assert one.hint or one.state in {HealthState.GOOD, HealthState.UNKNOWN}, one


class TestSpf:
    def judge(self, record, changes=None, domain="example.org"):
        zone = {**RIGHT, ("example.org", "TXT"): [record], **(changes or {})}
        found = asyncio.run(check_spf(asking(zone), domain, "spf"))
        return of(found, "spf")

    @pytest.mark.parametrize(
        ("record", "state", "says"),
        [
            ("v=spf1 ip4:192.0.2.1 -all", HealthState.GOOD, "0 of 10 lookups"),
            ("V=SPF1 IP4:192.0.2.1 -ALL", HealthState.GOOD, "0 of 10"),
            ("v=spf1 a mx ~all", HealthState.GOOD, "2 of 10"),
            ("v=spf1 include:relay.example -all", HealthState.GOOD, "1 of 10"),
            ("v=spf1 redirect=relay.example", HealthState.GOOD, "1 of 10"),
            ("v=spf1 exists:%{i}.x.example -all", HealthState.GOOD, "1 of 10"),
            ("v=spf1 include:%{d}.x.example -all", HealthState.GOOD, "1 of 10"),
            ("v=spf1 exp=e.example.org -all", HealthState.GOOD, "0 of 10"),
            ("v=spf1 mx", HealthState.DOUBTFUL, "ends in nothing"),
            ("v=spf1 mx ?all", HealthState.DOUBTFUL, r"ends in ?all"),
            ("v=spf1 ptr -all", HealthState.DOUBTFUL, "has ptr"),
            ("v=spf1 +all", HealthState.BAD, "anyone may send in its name"),
            ("v=spf1 all", HealthState.BAD, "anyone may send"),
            (
                "v=spf1 include:nowhere.example -all",
                HealthState.BAD,
                "includes nowhere.example, which has no SPF record",
            ),
            ("v=spf1 ipv4:192.0.2.1 -all", HealthState.BAD, "not an SPF term"),
            ("v=spf1 ip4:300.0.2.1 -all", HealthState.BAD, "is not an IP address"),
            ("v=spf1 include: -all", HealthState.BAD, "names no domain"),
            ("v=spf1 redirect=relay.example redirect=relay.example", HealthState.BAD, "redirect= twice"),
            ("v=spf10 -all", HealthState.BAD, "has no SPF record"),
        ],
    )
    def test_a_record(self, record, state, says):
        found, said = self.judge(record)

        assert (found, says in said) == (state, True), said

    def test_two_records_are_an_error(self):
        found = judged({("example.org", "TXT"): ["v=spf1 -all", "v=spf1 mx -all"]})

        state, said = of(found, "spf")
        assert state is HealthState.BAD
        assert "has 2 records that begin with v=spf1" in said

    def test_ten_lookups_including_nested_ones_are_allowed_and_eleven_are_not(self):
        within = {("i.example", "TXT"): [f"v=spf1 {' '.join(f'exists:e{n}.example' for n in range(9))} ?all"]}

        assert self.judge("v=spf1 include:i.example -all", within)[0] is HealthState.GOOD
        state, said = self.judge("v=spf1 mx include:i.example -all", within)
        assert state is HealthState.BAD
        assert "needs 11 lookups, but 10 are allowed" in said

    def test_a_loop_of_includes_ends(self):
        loop = {
            ("a.example", "TXT"): ["v=spf1 include:b.example -all"],
            ("b.example", "TXT"): ["v=spf1 include:A.example -all"],
        }

        state, said = self.judge("v=spf1 include:a.example -all", loop)

        assert state is HealthState.BAD
        assert "example.org > a.example > b.example > a.example" in said

    def test_endless_includes_are_not_followed_forever(self):
        asked = []
        zone = {(f"i{n}.example", "TXT"): [f"v=spf1 include:i{n + 1}.example -all"] for n in range(500)}

        found = asyncio.run(check_spf(asking(zone, count=asked), "i0.example", "spf"))

        assert of(found, "spf")[0] is HealthState.BAD
        assert len(asked) < 30

    def test_more_than_two_lookups_of_missing_names_are_an_error(self):
        state, said = self.judge("v=spf1 a:x.gone.example a:y.gone.example mx:z.gone.example -all")

        assert state is HealthState.BAD
        assert "3 lookups of the SPF record of example.org find nothing" in said

    def test_a_failed_query_is_unknown_and_not_an_error_of_the_domain(self):
        for key in (("example.org", "TXT"), ("relay.example", "TXT")):
            state, said = of(judged({key: UNASKED}), "spf")
            assert state is HealthState.UNKNOWN
            assert "could not be looked up: the resolver answers SERVFAIL" in said

    def test_the_return_path_has_its_own_spf_record(self):
        found = judged(
            {
                ("bounce.example.org", "TXT"): ["v=spf1 -all"],
                ("bounce.example.org", "MX"): ["10 a.example.org"],
            },
            replace(SENDER, return_path="bounce.example.org"),
        )

        assert of(found, "spf") == (
            HealthState.GOOD,
            (
                "bounce.example.org has one SPF record, with 0 of 10 lookups | "
                "example.org has one SPF record, with 2 of 10 lookups"
            ),
        )


class TestDkim:
    NAME = ("moza202601._domainkey.example.org", "TXT")

    @pytest.mark.parametrize(
        ("records", "state", "says"),
        [
            (["k=rsa; p=AAAABBBB"], HealthState.GOOD, "is the one that signs"),
            (
                ["v=DKIM1; h=sha1:sha256; s=email; p=AAAABBBB; n=note"],
                HealthState.GOOD,
                "is the one that signs",
            ),
            (["v=DKIM1; t=s:y; p=AAAABBBB"], HealthState.DOUBTFUL, "t=y"),
            (["v=DKIM1; p=CCCC"], HealthState.BAD, "is not the one that signs"),
            (["v=DKIM1; p="], HealthState.BAD, "is revoked"),
            (["v=DKIM1; k=ed25519; p=AAAABBBB"], HealthState.BAD, "says k=ed25519"),
            (["v=DKIM1; h=sha1; p=AAAABBBB"], HealthState.BAD, "we sign with sha256"),
            (["v=DKIM1; s=tlsrpt; p=AAAABBBB"], HealthState.BAD, "is not for mail"),
            (["v=DKIM2; p=AAAABBBB"], HealthState.BAD, "says v=DKIM2"),
            (["v=DKIM1; p=AAAABBBB", "v=DKIM1; p=CCCC"], HealthState.BAD, "there are 2 keys"),
            (["not a key"], HealthState.BAD, "there is no key at"),
            (UNASKED, HealthState.UNKNOWN, "could not be looked up"),
        ],
    )
    def test_a_record(self, records, state, says):
        found = judged({self.NAME: records})

        assert of(found, "dkim")[0] is state
        assert says in of(found, "dkim")[1]
        if state is HealthState.BAD:
            assert KEY.zone_line in [one.record for one in found]

    def test_a_missing_domainkey_name_is_reported_as_internet_nl_does(self):
        state, said = of(judged({self.NAME: None}), "dkim")

        assert state is HealthState.BAD
        assert "_domainkey.example.org does not exist" in said
        empty = {self.NAME: None, ("other._domainkey.example.org", "TXT"): ["v=DKIM1; p=x"]}
        assert "has a DKIM key" in of(judged(empty, replace(SENDER, keys=())), "dkim")[1]


class TestDmarc:
    @pytest.mark.parametrize(
        ("record", "state", "says"),
        [
            ("v=DMARC1; p=quarantine; rua=mailto:x@example.org", HealthState.GOOD, "is quarantine"),
            ("v=DMARC1;p=reject", HealthState.DOUBTFUL, "requests no reports"),
            ("v=DMARC1; p=none; rua=mailto:x@example.org", HealthState.DOUBTFUL, "is none"),
            ("v=DMARC1; p=reject; t=y; rua=mailto:x@example.org", HealthState.DOUBTFUL, "t=y"),
            ("v=DMARC1; p=reject; pct=50; rua=mailto:x@example.org", HealthState.DOUBTFUL, "pct=50"),
            ("v=DMARC1; p=rejct; rua=mailto:x@example.org", HealthState.BAD, "'rejct', which is not valid"),
            ("v=DMARC2; p=reject", HealthState.BAD, "has no DMARC record"),
        ],
    )
    def test_a_record(self, record, state, says):
        found, said = of(judged({("_dmarc.example.org", "TXT"): [record]}), "dmarc")

        assert (found, says in said) == (state, True), said

    def test_two_records_are_none(self):
        two = ["v=DMARC1; p=reject", "v=DMARC1; p=none"]
        assert of(judged({("_dmarc.example.org", "TXT"): two}), "dmarc")[0] is HealthState.BAD

    def test_reports_to_another_domain_need_its_permission(self):
        record = {("_dmarc.example.org", "TXT"): ["v=DMARC1; p=reject; rua=mailto:a@reports.test!10m"]}
        willing = {("example.org._report._dmarc.reports.test", "TXT"): ["v=DMARC1"]}

        (one,) = [each for each in judged(record) if each.record.startswith("example.org._report")]
        assert one.record == 'example.org._report._dmarc.reports.test. IN TXT "v=DMARC1"'
        assert of(judged({**record, **willing}), "dmarc")[0] is HealthState.GOOD

    def test_a_subdomain_has_the_policy_of_its_parent(self):
        above = {("_dmarc.example.org", "TXT"): ["v=DMARC1; p=reject; sp=none; rua=mailto:x@example.org"]}

        found, said = of(judged(above, SenderDomain(domain="news.example.org")), "dmarc")

        assert found is HealthState.DOUBTFUL
        assert "is none, in the record of example.org" in said

    @pytest.mark.parametrize(
        ("zone", "domain", "organisation", "at"),
        [
            ({"example.org": "p=reject"}, "a.b.example.org", "example.org", "example.org"),
            (
                {"example.org": "p=reject", "b.example.org": "p=none"},
                "a.b.example.org",
                "example.org",
                "example.org",
            ),
            (
                {"example.org": "p=reject", "b.example.org": "psd=n"},
                "a.b.example.org",
                "b.example.org",
                "b.example.org",
            ),
            ({"org": "psd=y; p=none"}, "a.example.org", "example.org", "org"),
            ({"org": "psd=y", "example.org": "p=reject"}, "a.example.org", "example.org", "example.org"),
            (
                {"a.example.org": "p=reject", "example.org": "p=none"},
                "a.example.org",
                "example.org",
                "a.example.org",
            ),
        ],
    )
    def test_the_policy_is_found_by_the_dns_tree_walk(self, zone, domain, organisation, at):
        records = {(f"_dmarc.{name}", "TXT"): [f"v=DMARC1; {text}"] for name, text in zone.items()}

        found = asyncio.run(find_policy(asking(records), domain))

        assert (found.organisation, found.record_domain) == (organisation, at)

    def test_the_tree_walk_makes_at_most_eight_queries(self):
        asked = []
        asyncio.run(find_policy(asking({}, count=asked), ".".join("abcdefghijklmnop")))
        assert len(asked) == 8


class TestAlignment:
    @pytest.mark.parametrize(
        ("policy", "sender", "state", "says"),
        [
            ("", SENDER, HealthState.GOOD, "are aligned"),
            ("", replace(SENDER, return_path="bounce.example.org"), HealthState.GOOD, "are aligned"),
            (
                "; aspf=s",
                replace(SENDER, return_path="bounce.example.org"),
                HealthState.GOOD,
                "(bounce.example.org) is not",
            ),
            (
                "; adkim=s",
                replace(SENDER, signing_domain="mail.example.org"),
                HealthState.DOUBTFUL,
                "only the return path",
            ),
            ("", replace(SENDER, keys=()), HealthState.DOUBTFUL, "only the return path"),
            (
                "",
                replace(SENDER, keys=(), return_path="relay.test"),
                HealthState.BAD,
                "our mail fails DMARC",
            ),
            (
                "; aspf=s",
                replace(SENDER, keys=(), return_path="b.example.org"),
                HealthState.BAD,
                "our mail fails DMARC",
            ),
        ],
    )
    def test_spf_or_dkim_must_be_aligned_with_the_from_domain(self, policy, sender, state, says):
        record = {("_dmarc.example.org", "TXT"): [f"v=DMARC1; p=reject{policy}"]}

        found, said = of(judged(record, sender), "alignment")

        assert (found, says in said) == (state, True), said


class TestMailServers:
    @pytest.mark.parametrize(
        ("changes", "state", "says"),
        [
            ({}, HealthState.GOOD, "goes to a.example.org, b.example.org"),
            ({("example.org", "MX"): ["0 "]}, HealthState.BAD, "null MX"),
            ({("example.org", "MX"): ["0 ."]}, HealthState.BAD, "null MX"),
            ({("example.org", "MX"): None}, HealthState.BAD, "no MX and no address"),
            (
                {("example.org", "MX"): None, ("example.org", "A"): ["192.0.2.9"]},
                HealthState.DOUBTFUL,
                "has no MX",
            ),
            (
                {("a.example.org", "A"): None, ("a.example.org", "AAAA"): None},
                HealthState.BAD,
                "which has no address",
            ),
            ({("example.org", "MX"): UNASKED}, HealthState.UNKNOWN, "could not be looked up"),
        ],
    )
    def test_the_from_domain_must_be_able_to_receive_replies(self, changes, state, says):
        found, said = of(judged(changes), "mx")

        assert (found, says in said) == (state, True), said

    def test_the_bounce_domain_must_be_able_to_receive_mail(self):
        found, said = of(judged(sender=replace(SENDER, return_path="bounce.example.org")), "mx")

        assert found is HealthState.BAD
        assert "bounce.example.org has no MX and no address, so bounces cannot arrive" in said

    @pytest.mark.parametrize(
        ("changes", "subject", "state", "says"),
        [
            (
                {("b.example.org", "AAAA"): None},
                "ipv6",
                HealthState.DOUBTFUL,
                "b.example.org of example.org has no IPv6",
            ),
            ({("b.example.org", "AAAA"): UNASKED}, "ipv6", HealthState.UNKNOWN, "could not be looked up"),
            ({("ns2.example.org", "AAAA"): None}, "ipv6", HealthState.DOUBTFUL, "1 of the name servers"),
            ({("_25._tcp.b.example.org", "TLSA"): None}, "dane", HealthState.DOUBTFUL, "has no TLSA record"),
            (
                {("_25._tcp.b.example.org", "TLSA"): UNASKED},
                "dane",
                HealthState.UNKNOWN,
                "could not be looked up",
            ),
        ],
    )
    def test_ipv6_and_dane_are_checked_as_internet_nl_does(self, changes, subject, state, says):
        found, said = of(judged(changes), subject)

        assert (found, says in said) == (state, True), said

    @pytest.mark.parametrize(
        ("secure", "state", "says"),
        [
            (SECURE, HealthState.GOOD, "is signed"),
            ({"."}, HealthState.DOUBTFUL, "is not signed"),
            (set(), HealthState.UNKNOWN, "this resolver does not check signatures"),
        ],
    )
    def test_dnssec_is_judged_by_the_authenticated_answers_of_the_resolver(self, secure, state, says):
        found, said = of(judged(secure=frozenset(secure)), "dnssec")

        assert (found, says in said) == (state, True), said

    def test_dane_counts_only_in_a_signed_zone(self):
        assert of(judged(secure=frozenset({"."})), "dane")[0] is HealthState.DOUBTFUL


def test_without_dns_the_domain_is_not_judged():
    async def deaf(name, kind):
        return DnsAnswer(name=name, record_type=kind, status=AnswerStatus.FAILED, error="no resolver answers")

    found = asyncio.run(check_domain(deaf, replace(SENDER, return_path="bounce.example.org")))

    assert {one.state for one in found} == {HealthState.UNKNOWN}
