"""DKIM: other verifiers accept our signatures, and the fast canonicalisation equals that of the RFC."""

import hashlib
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import compose
from moza_mail.compose.dkim_canonical import SharedBody, canonicalize_fields
from moza_mail.compose.dkim_key import DkimKey, KeyType, generate_key, is_aligned, load_key
from moza_mail.compose.quoted_printable import BodyFormat, OpenPlaceholder
from moza_mail.errors import ProjectError
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import make_field_placeholder, make_placeholder
from tests.support import dkim_verifier
from tests.support.dkim_verifier import dkim
from tests.support.examples import examples
from tests.unit.test_compose import BODY, JAN, LINE, WIDE, compiled, header_lines, read, rendered, sound

FEWER = examples(40)


@cache
def key(kind=KeyType.RSA, selector="moza1") -> DkimKey:
    return generate_key(kind, domain="example.org", selector=selector)[0]


def signed(content=None, *, recipient=JAN, keys=None, **options) -> bytes:
    identity = compose.SenderIdentity(keys=keys or (key(),), feedback_id="mozamail")
    _, message = compiled(content, identity=identity, **options).compose_message(recipient)
    sound(message.content)
    return message.content


def verifies(content: bytes, *keys: DkimKey) -> bool:
    return dkim_verifier.has_valid_signatures(content, *(keys or (key(),)))


def plain(body: bytes) -> bytes:
    """Return the relaxed canonical body, exactly as RFC 6376 3.4.4 describes it."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


# Octets that are mostly white space or line ends, unlike a newsletter.
AWKWARD = st.lists(
    st.sampled_from([b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b" \r\n", b"=\r\n", b"a", b"b c", b".", b"\xc3\xa9"]), max_size=24
).map(b"".join)  # fmt: skip


@given(body=AWKWARD, cuts=st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=6))
def test_a_body_hash_follows_the_rfc_for_any_division_into_segments_and_placeholders(body, cuts):
    places = sorted({0, len(body), *(int(share * len(body)) for share, _ in cuts)})
    parts = [body[start:end] for start, end in pairwise(places)]
    holes = [cuts[index % len(cuts)][1] if cuts else False for index in range(len(parts))]
    shape = tuple(
        OpenPlaceholder(name="x", body_format=BodyFormat.TEXT) if hole else part
        for part, hole in zip(parts, holes, strict=True)
    )

    found = SharedBody.prepare(shape).hash_body(parts)

    assert found == hashlib.sha256(plain(body)).digest()
    assert plain(body + b"\r\n") == dkim.canonicalization.Relaxed.canonicalize_body(body + b"\r\n")


def test_the_hash_of_an_empty_body_follows_the_rfc():
    for body in (b"", b"\r\n", b" \t\r\n\r\n "):
        assert SharedBody.prepare((body,)).hash_body((body,)) == hashlib.sha256(b"").digest()


@given(subject=LINE, name=LINE)
@FEWER
def test_canonical_headers_equal_those_of_dkimpy(subject, name):
    content = compiled(rendered(subject=subject)).compose_message(replace(JAN, name=name))[1].content
    header = content.split(b"\r\n\r\n")[0] + b"\r\n"

    theirs, _ = dkim.rfc822_parse(header + b"\r\n")

    canonical = dkim.canonicalization.Relaxed.canonicalize_headers(theirs)
    assert list(canonicalize_fields(header)) == [
        (field.decode(), field + b":" + value) for field, value in canonical
    ]


@given(text=BODY, html=BODY, subject=LINE, name=LINE, value=LINE)
@FEWER
@pytest.mark.slow
def test_the_signature_is_valid_for_any_text(text, html, subject, name, value):
    source = f"{text}{make_field_placeholder(0)}\n{make_placeholder('unsubscribe_url')} {text}"
    fields = (MergeField(name="greeting", default=""),)
    content = rendered(
        text=source,
        html=html + make_field_placeholder(0),
        subject=subject + make_field_placeholder(0),
        fields=fields,
    )

    assert verifies(signed(content, recipient=replace(JAN, name=name, values={"greeting": value})))


V = make_field_placeholder(0)


@pytest.mark.parametrize(
    "text", ["", "\n", "\n\n\n", "  \n \t\n", f"a {V} \n", f"{V}", f"a\n{V}\n\n", f"a {V}{V} {V}"]
)
@pytest.mark.parametrize("value", ["", " ", "  x  ", "\u00a0", "x" * 200])
def test_spaces_and_line_ends_around_a_placeholder_do_not_break_the_signature(text, value):
    fields = (MergeField(name="v", default=""),)
    content = signed(
        rendered(text=text, html=text, fields=fields), recipient=replace(JAN, values={"v": value})
    )

    assert verifies(content)


def test_the_signature_over_a_non_ascii_address_is_valid():
    identity = compose.SenderIdentity(keys=(key(),))

    assert verifies(compiled(identity=identity).compose_message(WIDE)[1].content)


def test_an_rsa_and_an_ed25519_signature_are_both_valid():
    both = (key(), key(KeyType.ED25519, "moza1e"))

    content = signed(keys=both)

    assert content.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
    assert b"a=ed25519-sha256" in content
    assert verifies(content, *both)


def test_a_change_in_transit_a_second_from_or_another_key_breaks_the_signature():
    content = signed()
    other = generate_key(KeyType.RSA, domain="example.org", selector="moza1")[0]

    assert verifies(content)
    assert not verifies(content.replace(b"Dag", b"Doei", 1))
    assert not verifies(content.replace(b"Subject: Nieuws", b"Subject: Oud"))
    assert not verifies(content.replace(b"List-Unsubscribe-Post: ", b"List-Unsubscribe-Post: x"))
    assert not verifies(re.sub(rb"(List-Unsubscribe: <https://)", rb"\1x", content))
    assert not verifies(b"From: Bank <bank@example.com>\r\n" + content)
    assert not verifies(content, other)


def test_changes_of_white_space_by_relays_do_not_break_the_signature():
    content = signed()

    assert verifies(content.replace(b"Subject: Nieuws van", b"Subject:\t Nieuws   van"))
    assert verifies(b"Received: from a by b; now\r\n" + content + b"\r\n\r\n")


def test_the_signature_has_the_expected_tags_and_fields():
    content = signed()
    lines = {name: "".join(found) for name, found in _signature_and_header(content).items()}
    tags = dict(part.strip().split("=", 1) for part in lines["DKIM-Signature"].partition(":")[2].split(";"))
    covered = re.sub(r"\s", "", tags["h"]).split(":")

    assert (tags["a"], tags["c"], tags["d"], tags["s"]) == (
        "rsa-sha256",
        "relaxed/relaxed",
        "example.org",
        "moza1",
    )
    assert "l" not in tags
    assert tags["t"] == "1768377600"
    assert sorted(covered) == sorted(
        [
            "From", "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Reply-To",
            "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
        ]
    )  # fmt: skip
    assert set(covered) <= set(lines)


def _signature_and_header(content: bytes) -> dict[str, list[str]]:
    found = header_lines(content)
    assert next(iter(found)) == "DKIM-Signature"
    return found


def test_a_retry_gives_the_same_signature_and_another_key_gives_another():
    both = (key(), key(KeyType.ED25519, "moza1e"))

    assert signed(keys=both) == signed(keys=both)
    assert signed() != signed(keys=(key(selector="moza2"),))


def test_a_personal_subject_is_signed_too():
    seal = compiled(identity=compose.SenderIdentity(keys=(key(),))).signer
    shared = b"From: a <a@example.org>\r\nDate: x\r\n"
    body = seal.shared_body.prepare((b"hallo\r\n",))

    own = b"Subject: Dag Jan\r\nTo: jan@example.com\r\n"
    whole = replace(
        seal,
        shared_body=body,
        shared_names=("From", "Date"),
        shared_header=b"from:a <a@example.org>\r\ndate:x\r\n",
    )

    assert verifies(whole.make_signature_fields(own, (b"hallo\r\n",)) + shared + own + b"\r\nhallo\r\n")


def test_without_a_key_nothing_is_signed():
    assert read(compiled().compose_message(JAN)[1].content)["DKIM-Signature"] is None


def test_the_dns_record_describes_the_key_and_fits_the_limits_of_dns():
    rsa, ed25519 = key(), key(KeyType.ED25519, "moza1e")

    assert rsa.record_name == "moza1._domainkey.example.org"
    assert re.fullmatch(r"v=DKIM1; k=rsa; p=[A-Za-z0-9+/]{392}", rsa.record)
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=", ed25519.record)
    strings = re.findall(r'"([^"]*)"', rsa.zone_line)
    assert "".join(strings) == rsa.record
    assert max(map(len, strings)) <= 255


def pem(kind=KeyType.RSA) -> bytes:
    return generate_key(kind, domain="example.org", selector="s")[1]


def test_a_key_reads_back_from_its_file_and_is_not_shown():
    made, content = generate_key(KeyType.RSA, domain="example.org", selector="moza1")

    found = load_key(content, KeyType.RSA, domain="Example.ORG", selector="Moza1", source="k.pem")

    assert found.record == made.record
    assert found.record_name == "moza1._domainkey.example.org"
    assert "lambda" not in repr(found)


def test_an_unusable_key_is_refused_with_a_clear_error():
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    def written(private, encryption=None):
        return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())

    weak = written(rsa.generate_private_key(public_exponent=65537, key_size=1024))
    locked = written(
        rsa.generate_private_key(public_exponent=65537, key_size=2048), BestAvailableEncryption(b"geheim")
    )
    curve = written(ec.generate_private_key(ec.SECP256R1()))
    for content, kind, says in [
        (b"", KeyType.RSA, "does not contain a private key"),
        (
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            KeyType.RSA,
            "does not contain a private key",
        ),
        (weak, KeyType.RSA, "1024 bits"),
        (locked, KeyType.RSA, "is encrypted"),
        (curve, KeyType.RSA, "another type than RSA"),
        (pem(KeyType.ED25519), KeyType.RSA, "another type than RSA"),
        (pem(KeyType.RSA), KeyType.ED25519, "another type than Ed25519"),
    ]:
        with pytest.raises(ProjectError, match=says) as refused:
            load_key(content, kind, domain="example.org", selector="s", source="dkim_key: k.pem")
        assert "dkim_key: k.pem" in refused.value.message
        assert "moza-mail dkim new" in refused.value.hint


@pytest.mark.parametrize(("domain", "selector"), [("exa mple", "s"), ("a@b.c", "s"), ("x\r\ny.org", "s"), ("example.org", "a b"), ("example.org", "-"), ("example.org", ""), ("example.org", "a;b"), ("example.org", "x" * 200)])  # fmt: skip
def test_an_invalid_domain_or_selector_is_refused(domain, selector):
    with pytest.raises(ProjectError):
        generate_key(KeyType.ED25519, domain=domain, selector=selector)


@pytest.mark.parametrize(
    ("domain", "sender", "says"),
    [
        ("example.org", "example.org", True),
        ("example.org", "news.example.org", True),
        ("mail.example.org", "example.org", True),
        ("mail.example.org", "news.example.org", None),
        ("example.com", "example.org", False),
        ("org", "example.org", False),
        ("badexample.org", "example.org", False),
    ],
)
def test_a_signature_is_aligned_with_a_sender_of_the_same_organisation(domain, sender, says):
    assert is_aligned(domain, sender) is says
