"""Composing: a mail client reads back every value, and no value ever becomes a header."""

import email
import email.policy
import hmac
import quopri
import re
from base64 import b32encode, urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from html import escape
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from moza_mail import compose
from moza_mail.compose.headers import format_field
from moza_mail.compose.quoted_printable import encode_text
from moza_mail.errors import AddressError, InvalidLink, ProjectError, RenderError
from moza_mail.model.address import Address
from moza_mail.model.mailing import Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import Attachment, Recipient, Rendered, make_field_placeholder, make_placeholder
from tests.support.examples import examples

SECRET = b"a secret of thirty-two bytes, so"
LINKS = compose.SignedLinks(secret=SECRET, public_url="https://nieuws.example.org/mail")
UNSTRUCTURED = {"Subject"}
WITH_PHRASE = {"From", "To", "List-Id"}

LISTING = MailingList(
    slug="weekly",
    title="Wekelijks nieuws",
    sender=Address.parse("nieuws@example.org"),
    sender_name="De redactie",
    reply_to=Address.parse("redactie@example.org"),
)
JAN = Recipient(subscriber_id=7, address=Address.parse("jan@example.com"), name="Jan de Vries")

# Reading the messages with Python's own parser takes most of the time.
FEWER = examples(40)

# Texts that cause mistakes in practice. Random texts would contain them too rarely.
FRAGMENTS = st.sampled_from(
    [
        " ", "  ", ".", "..", "From ", "=?", "?=", "=?utf-8?q?x?=", "=?utf-8?q??=", "=", "=3D", "_", '"', "\\", ",", "<", ">",
        "@", "é", "ë", "\u00a0", "–", "Nieuwsbrief", "week 3", "👩‍💻", "🇳🇱", "e\u0301", "漢字", "ﷺ", "https://example.org/a?b=c&d=e",
        "x" * 80, "é" * 60, "(", ")", ":", ";",
    ]
)  # fmt: skip
PRINTABLE = st.text(
    # Control characters and the separators of lines and paragraphs are refused, so they are left out here.
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")),
    max_size=20,
)
LINE = st.lists(st.one_of(FRAGMENTS, PRINTABLE), max_size=12).map("".join)
BODY = st.lists(
    st.one_of(LINE, st.sampled_from(["\n", "\r\n", "\r", "\n.\n", "\nFrom me\n", " \n", "\t\n", "--=_\n"])),
    max_size=20,
).map("".join)


def rendered(**changes):
    given = {
        "subject": "Nieuws van week 3",
        "preheader": "",
        "html": f'<p>Dag <a href="{make_placeholder("unsubscribe_url")}">afmelden</a></p>\n',
        "text": f"Dag\n\nAfmelden: {make_placeholder('unsubscribe_url')}\n",
        "lang": "nl",
    }
    return Rendered(**(given | changes))


def compiled(content=None, *, listing=LISTING, links=LINKS, key="2026-01-14/weekly", **options):
    mailing = Mailing(
        id=1,
        key=key,
        issue_slug="2026-01-14",
        issue_title="Nieuws",
        list_slug=listing.slug,
        digest="d",
        rendered=content or rendered(),
        created_at=datetime(2026, 1, 14, 8, tzinfo=UTC),
    )
    return compose.compile_mailing(mailing, listing, links, **options)


def composed(content=None, recipient=JAN, **options):
    _, message = compiled(content, **options).compose_message(recipient)
    sound(message.content)
    return message.content


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def header_lines(content: bytes) -> dict[str, list[str]]:
    """Return the lines of each header as sent."""
    found: dict[str, list[str]] = {}
    for line in content.split(b"\r\n\r\n")[0].decode("ascii").split("\r\n"):
        if not line.startswith(" "):
            name = line.partition(":")[0]
            assert name not in found or name == "DKIM-Signature"
            found.setdefault(name, [])
        found[name].append(line)
    return found


def sound(content: bytes) -> None:
    """Check that a message follows the rules of SMTP and MIME."""
    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert b"\n" not in content.replace(b"\r\n", b"")
    lines = content.split(b"\r\n")
    assert not [line for line in lines if line.startswith((b".", b"From "))]
    assert not [line for line in lines if line.endswith((b" ", b"\t"))]
    body = content.split(b"\r\n\r\n", 1)[1]
    assert max(len(line) for line in body.split(b"\r\n") if not line.startswith(b"Content-")) <= 76
    for name, header in header_lines(content).items():
        assert max(map(len, header)) <= 998
        assert all(line.strip() for line in header)
        if any("=?" in line for line in header):
            assert name in UNSTRUCTURED | WITH_PHRASE
            assert max(len(line) for line in header if "=?utf-8?" in line) <= 76
            assert not re.search(r"=\?utf-8\?.\?\?=", "".join(header))


def unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def part(message: EmailMessage, content_type: str) -> str:
    """Return a body as a client decodes it, with the line endings as sent."""
    (found,) = [each for each in message.walk() if each.get_content_type() == content_type]
    return found.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")


def test_a_message_has_text_html_and_the_headers_of_a_mailing_list():
    envelope, message = compiled(zone=ZoneInfo("Europe/Amsterdam")).compose_message(JAN)
    found = read(message.content)

    assert (str(envelope.sender), str(envelope.recipient)) == ("nieuws@example.org", "jan@example.com")
    assert found["From"] == "De redactie <nieuws@example.org>"
    assert found["To"] == "Jan de Vries <jan@example.com>"
    assert found["Reply-To"] == "redactie@example.org"
    assert found["Subject"] == "Nieuws van week 3"
    assert found["Date"] == "Wed, 14 Jan 2026 09:00:00 +0100"
    assert found["Message-ID"] == message.message_id
    assert found["List-Id"] == "Wekelijks nieuws <weekly.example.org>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["Content-Language"] == "nl"
    assert [each.get_content_type() for each in found.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert not [each.defects for each in found.walk() if each.defects]
    sound(message.content)


def test_the_unsubscribe_link_in_header_text_and_html_identifies_the_recipient():
    content = composed()
    (line,) = header_lines(content)["List-Unsubscribe"]
    url = line.removeprefix("List-Unsubscribe: <").removesuffix(">")

    assert url.startswith("https://nieuws.example.org/mail/unsubscribe/weekly/")
    assert f"Afmelden: {url}\n" in part(read(content), "text/plain")
    assert f'href="{url}"' in part(read(content), "text/html")
    assert LINKS.read_unsubscribe("weekly", url.rpartition("/")[2]) == 7


def test_a_word_equal_to_the_first_word_is_folded_like_any_other():
    content = format_field("Subject", ["=", "x" * 64, "="])
    assert [len(line) for line in content.split(b"\r\n")] == [75, 2, 0]


def test_a_link_longer_than_a_line_is_neither_folded_nor_encoded():
    far = compose.SignedLinks(secret=SECRET, public_url="https://nieuws.example.org/" + "pad/" * 40)

    (line,) = header_lines(composed(links=far))["List-Unsubscribe"]

    assert line.startswith("List-Unsubscribe: <https://")
    assert line.endswith(">")


def test_without_public_url_there_is_no_unsubscribe_header_and_an_open_link_is_refused():
    nowhere = compose.SignedLinks(secret=SECRET, public_url="")

    assert b"List-Unsubscribe" not in composed(rendered(html="<p>x</p>", text="x"), links=nowhere)
    with pytest.raises(RenderError, match="`public_url` is not set"):
        compiled(links=nowhere)


def test_one_click_unsubscribe_is_offered_only_over_https():
    local = compose.SignedLinks(secret=SECRET, public_url="http://127.0.0.1:8000")

    lines = header_lines(composed(links=local))

    assert "List-Unsubscribe" in lines
    assert "List-Unsubscribe-Post" not in lines


def test_every_attempt_gives_the_same_bytes():
    assert composed() == composed()


@pytest.mark.slow
def test_message_ids_are_stable_and_differ_by_recipient_and_mailing():
    ids = [
        compiled(key=key).compose_message(replace(JAN, subscriber_id=number))[1].message_id
        for key in ("2026-01-14/weekly", "2026-01-21/weekly")
        for number in range(500)
    ]

    assert len(set(ids)) == 1000
    assert ids[7] == compiled().compose_message(JAN)[1].message_id
    assert all(re.fullmatch(r"<[a-z2-7]{26}@example\.org>", each) for each in ids)


@given(subject=LINE)
@FEWER
def test_any_subject_reads_back_as_written(subject):
    assert read(composed(rendered(subject=subject)))["Subject"] == subject


@pytest.mark.parametrize(
    ("subject", "header"),
    [
        ("Nieuws van week 3", "Subject: Nieuws van week 3"),
        ("Overleg over Coördinatie vandaag", "Subject: Overleg over =?utf-8?q?Co=C3=B6rdinatie?= vandaag"),
        ("MOZa – week 3", "Subject: MOZa =?utf-8?b?4oCT?= week 3"),
        ("a =?utf-8?q?b?= c", "Subject: a =?utf-8?b?PT91dGYtOD9xP2I/PQ==?= c"),
        ("", "Subject:"),
    ],
)
def test_only_the_words_of_a_subject_that_need_it_are_encoded(subject, header):
    assert header_lines(composed(rendered(subject=subject)))["Subject"] == [header]


@pytest.mark.parametrize("subject", ["a  b", " a", "a ", " ", "   ", "é  ", "a   é", "é " * 40, "x" * 2000])
def test_spaces_and_length_of_a_subject_are_kept(subject):
    assert read(composed(rendered(subject=subject)))["Subject"] == subject


@pytest.mark.parametrize("word", ["a\r\nBcc: x@example.com", "a\n", "\u00e9", "a\0", "x" * 1000])
def test_a_header_cannot_be_injected_through_any_word(word):
    with pytest.raises(RenderError):
        format_field("X-Test", ["first", word])


def test_a_subject_prefix_marks_a_test_copy():
    assert read(composed(subject_prefix="[TEST] "))["Subject"] == "[TEST] Nieuws van week 3"


@given(name=LINE)
@FEWER
def test_any_recipient_name_reads_back_and_never_changes_the_address(name):
    found = read(composed(recipient=replace(JAN, name=name)))["To"].addresses

    assert [address.addr_spec for address in found] == ["jan@example.com"]
    tidy = re.sub(" +", " ", name[:120]).strip(" ")
    # Python's parser turns a no-break space into a space, and drops characters that it takes for white space.
    assert "".join(found[0].display_name.split()) == "".join(tidy.split())


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Jan de Vries", "To: Jan de Vries <jan@example.com>"),
        ("Vries, J. de", 'To: "Vries, J. de" <jan@example.com>'),
        ('Jan "JJ" Vries', r'To: "Jan \"JJ\" Vries" <jan@example.com>'),
        ("Zoëtje de Vries", "To: =?utf-8?q?Zo=C3=ABtje?= de Vries <jan@example.com>"),
        ("=?utf-8?q?x?=", "To: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <jan@example.com>"),
        ("", "To: jan@example.com"),
    ],
)
def test_a_name_is_quoted_or_encoded_only_if_necessary(name, header):
    assert header_lines(composed(recipient=replace(JAN, name=name)))["To"] == [header]


@pytest.mark.parametrize("bad", ["\r\nBcc: x@example.com", "\n", "\r", "\0", "\x85", "\u2028", "\t", "\x7f"])
def test_a_control_character_never_reaches_a_header(bad):
    evil = f"a{bad}b"
    with pytest.raises(RenderError, match="Subject header has a control character"):
        compiled(rendered(subject=evil))
    with pytest.raises(AddressError, match="control character"):
        compiled().compose_message(replace(JAN, name=evil))
    with pytest.raises(AddressError):
        compiled().compose_message(replace(JAN, address=Address(local=evil, domain="example.com")))
    with pytest.raises(AddressError):
        compiled(listing=replace(LISTING, sender_name=evil))
    with pytest.raises(RenderError):
        compiled(listing=replace(LISTING, title=evil))
    with pytest.raises(RenderError):
        compiled(listing=replace(LISTING, list_id=f"{evil}.example.org"))
    with pytest.raises(RenderError):
        compiled(rendered(lang=evil))
    with pytest.raises(RenderError):
        compiled(rendered(), listing=replace(LISTING, slug=evil))
    with pytest.raises(ProjectError):
        compose.SignedLinks(secret=SECRET, public_url=f"https://example.org/{evil}")
    for attachment in (
        Attachment(filename=evil, content_type="text/plain", content=b""),
        Attachment(filename="a", content_type=f"text/{evil}", content=b""),
    ):
        with pytest.raises(RenderError):
            compiled(rendered(attachments=(attachment,)))


def test_a_header_hidden_in_an_encoded_word_stays_a_text():
    found = read(composed(rendered(subject="=?utf-8?q?x=0D=0ABcc=3A_evil?=")))

    assert found["Subject"] == "=?utf-8?q?x=0D=0ABcc=3A_evil?="
    assert found["Bcc"] is None


@given(text=BODY, html=BODY)
@FEWER
def test_any_body_reads_back_byte_for_byte(text, html):
    found = read(composed(rendered(text=text, html=html)))

    assert part(found, "text/plain") == unified(text)
    assert part(found, "text/html") == unified(html)


@given(text=BODY)
def test_pythons_quoted_printable_reads_ours(text):
    assert quopri.decodestring(encode_text(text)).decode() == unified(text).replace("\n", "\r\n")


GREETING = MergeField(name="greeting", default="")
MARK = make_field_placeholder(0)


@given(before=BODY, between=BODY, after=BODY, value=LINE)
@FEWER
@pytest.mark.slow
def test_any_merge_field_value_reads_back_and_keeps_the_lines_short(before, between, after, value):
    source = f"{before}{MARK}{between}{MARK}{after}"
    reader = replace(JAN, values={"greeting": value})
    said = "" if value.isspace() else value

    found = read(composed(rendered(text=source, html=source, fields=(GREETING,)), recipient=reader))

    assert part(found, "text/plain") == unified(source).replace(MARK, said)
    assert part(found, "text/html") == unified(source).replace(MARK, escape(said))


def test_a_merge_field_alone_on_its_line_or_at_an_end_reads_back():
    a, b = MARK, make_field_placeholder(1)
    source = "\n".join([a, f"{a}-{b}", f"x {b}", f"{a} y", f"{a}{b}", b])
    fields = (MergeField(name="a", default=""), MergeField(name="b", default=""))
    for one, two in [("", ""), (".", "From me"), ("x" * 300, "é" * 100), ("", ".")]:
        reader = replace(JAN, values={"a": one, "b": two})

        found = part(read(composed(rendered(text=source, fields=fields), recipient=reader)), "text/plain")

        assert found == source.replace(a, one).replace(b, two)


def test_an_unknown_placeholder_is_named_and_a_value_cannot_replace_our_link():
    with pytest.raises(
        RenderError, match=r"the theme has the unknown placeholder https://slot\.invalid/greeting"
    ):
        compiled(rendered(text=make_placeholder("greeting")))
    forged = replace(JAN, values={"unsubscribe_url": "https://evil.invalid/"})
    assert b"evil" not in composed(recipient=forged)
    with pytest.raises(RenderError, match="only merge fields are allowed in a header"):
        compiled(rendered(subject=f"Dag {make_placeholder('unsubscribe_url')}"))


def test_a_recipient_with_a_missing_or_invalid_value_is_refused_by_name():
    open_field = compiled(rendered(text=MARK, fields=(MergeField(name="greeting"),)))
    for value in ("", " \u00a0"):
        with pytest.raises(AddressError, match=r"jan@example\.com: has no value for `greeting`"):
            open_field.compose_message(replace(JAN, values={"greeting": value}))
    for value in ("a\r\n.\r\n", "a\u2028b", "\ud83d"):
        with pytest.raises(AddressError, match=r"has a control character \(U\+[0-9A-F]{4}\) in `greeting`"):
            open_field.compose_message(replace(JAN, values={"greeting": value}))


# Texts that a hostile import may have in its column of names.
HOSTILE_NAMES = st.one_of(
    LINE,
    st.sampled_from(
        [
            'Jan "Jantje" O\'Brien', "<b>Jan</b> & co", "שלום עולם", "محمد", "e\u0301" * 40, "👩\u200d💻" * 20, "x" * 500, "é " * 250,
            "=?utf-8?q?x=0D=0ABcc=3A_evil?=", "https://slot.invalid/unsubscribe_url", "https://slot.invalid/field_1~",
            "Jan, Piet; Klaas: <jan@example.com>", "{{ name }}", "\\", "%s", "=20", ".", "From ", "\u202ekcaj",
        ]
    ),
)  # fmt: skip


@given(name=HOSTILE_NAMES, city=HOSTILE_NAMES)
@examples(150)
def test_any_name_reads_back_in_subject_text_and_html_and_adds_no_header(name, city):
    fields = (MergeField(name="name", default="lezer"), MergeField(name="city", default="thuis"))
    first, second = make_field_placeholder(0), make_field_placeholder(1)
    content = rendered(
        subject=f"{first}s nieuws – uit {second}",
        html=f'<h1 title="{first}">Beste {first},</h1><p>uit {second}.</p>\n',
        text=f"Beste {first},\nuit {second}.\n",
        fields=fields,
    )
    one = name if name.strip() else "lezer"
    two = city if city.strip() else "thuis"

    raw = composed(content, recipient=replace(JAN, name=name, values={"city": city}))
    found = read(raw)

    assert found["Subject"] == f"{one}s nieuws – uit {two}"
    assert part(found, "text/plain") == f"Beste {one},\nuit {two}.\n"
    tree = document_fromstring(part(found, "text/html"))
    assert tree.find(".//h1").text == f"Beste {one},"
    assert tree.find(".//h1").get("title") == one
    assert tree.find(".//p").text == f"uit {two}."
    assert set(header_lines(raw)) == set(header_lines(composed()))


def test_a_subject_without_merge_fields_is_shared_by_all_messages():
    shared = compiled(rendered(text=MARK, fields=(GREETING,)))
    assert b"\r\nSubject: Nieuws van week 3\r\n" in b"\r\n" + shared.shared_fields
    own = compiled(rendered(subject=f"Voor {MARK}", fields=(GREETING,)), subject_prefix="[TEST] ")
    assert b"Subject:" not in own.shared_fields
    _, message = own.compose_message(replace(JAN, values={"greeting": "Zoë"}))
    assert read(message.content)["Subject"] == "[TEST] Voor Zoë"


@pytest.mark.parametrize(
    "name", ["agenda.ics", "agenda week 3.ics", 'a "b".ics', "ëén – twee.ics", "=?utf-8?q?x?="]
)
def test_an_attachment_reads_back_with_its_content_and_name(name):
    calendar = Attachment(
        filename=name,
        content_type="text/calendar; charset=utf-8; method=PUBLISH",
        content="BEGIN:VCALENDAR\r\n.é\r\n".encode() * 50,
    )

    found = read(composed(rendered(attachments=(calendar,))))

    assert found.get_content_type() == "multipart/mixed"
    bodies, attached = found.iter_parts()
    assert bodies.get_content_type() == "multipart/alternative"
    assert attached.get_content_type() == "text/calendar"
    assert attached["Content-Type"].params == {"charset": "utf-8", "method": "PUBLISH"}
    assert attached["Content-Disposition"].content_disposition == "attachment"
    assert attached.get_filename() == name
    assert attached.get_payload(decode=True) == calendar.content


def test_a_lone_surrogate_is_refused_with_a_clear_error():
    for content in (rendered(text="\ud83d"), rendered(subject="\ud83d")):
        with pytest.raises(RenderError, match=r"half a character \(U\+D83D\)"):
            compiled(content)


def test_a_boundary_differs_with_the_content():
    def boundary(content):
        return read(composed(content)).get_boundary()

    assert boundary(rendered()) != boundary(rendered(text="anders"))


@given(subscriber=st.integers(min_value=0, max_value=2**63 - 1), slug=st.sampled_from(["weekly", "a/b", "é"]))
def test_a_token_reads_back_and_is_short_and_stable(subscriber, slug):
    token = LINKS.make_token("confirm", slug, subscriber)

    assert LINKS.read_token("confirm", slug, token) == subscriber
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", token)
    assert token == LINKS.make_token("confirm", slug, subscriber)


WIDE = replace(JAN, address=Address.parse("jörg@bücher.example", international=True))


def test_a_non_ascii_address_is_raw_utf8_in_to_and_nothing_else_is():
    content = compiled().compose_message(WIDE)[1].content
    (line,) = [line for line in content.split(b"\r\n") if line.startswith(b"To: ")]

    assert line.decode() == "To: Jan de Vries <jörg@xn--bcher-kva.example>"
    assert content.replace("ö".encode(), b"").isascii()


@pytest.mark.parametrize(
    "local", ["j\u2028", "j\u0085", "j\u00a0x", "\ud83d", "jö>x", "jö\r\nBcc: x", "ö" * 65, "j ö", "é=?x"]
)
def test_a_non_ascii_address_cannot_inject_a_header(local):
    with pytest.raises(AddressError):
        compiled().compose_message(replace(JAN, address=Address(local=local, domain="example.com")))


BOUNCES = compose.SenderIdentity(bounce_domain="bounce.example.org")


def test_each_message_has_a_signed_return_address():
    senders = [
        compiled(identity=BOUNCES).compose_message(replace(JAN, subscriber_id=number))[0].sender
        for number in range(300)
    ]

    assert len({str(sender) for sender in senders}) == 300
    assert all(re.fullmatch(r"bounce\+[a-z2-7]{48}@bounce\.example\.org", str(sender)) for sender in senders)
    assert LINKS.read_bounce_local_part(senders[7].local) == (1, 7)
    assert LINKS.read_bounce_local_part(senders[7].local.upper()) == (1, 7)
    assert compiled(identity=BOUNCES).compose_message(JAN)[0].sender == senders[7]


@given(mailing=st.integers(0, 2**32 - 1), subscriber=st.integers(0, 2**63 - 1))
def test_a_return_address_identifies_its_mailing_and_recipient(mailing, subscriber):
    local = LINKS.make_bounce_local_part(mailing, subscriber)

    assert LINKS.read_bounce_local_part(local) == (mailing, subscriber)
    assert Address.parse(f"{local}@bounce.example.org").local == local
    assert (
        len(local) <= len(LINKS.make_unsubscribe_local_part(mailing, subscriber)) <= 64
    )  # RFC 5321 4.5.3.1.1


def test_a_forged_altered_or_foreign_return_address_is_refused():
    local = LINKS.make_bounce_local_part(1, 7)
    other = compose.SignedLinks(secret=b"another secret of many bytes", public_url="")
    altered = [
        local[:index] + ("a" if local[index] != "a" else "b") + local[index + 1 :]
        for index in range(7, len(local))
    ]

    for bad in [
        "",
        "bounce",
        "bounce+",
        local[:-1],
        local + "a",
        local + "\n",
        "nieuws",
        other.make_bounce_local_part(1, 7),
        *altered,
    ]:
        with pytest.raises(InvalidLink):
            LINKS.read_bounce_local_part(bad)


def test_a_token_for_one_purpose_is_invalid_for_another():
    tag = LINKS.make_bounce_local_part(1, 7).removeprefix("bounce+")

    with pytest.raises(InvalidLink):
        LINKS.read_token("bounce", "1", tag[:32])


def test_list_headers_name_help_archive_and_the_feedback_id():
    listing = replace(LISTING, contact="help@example.org", archive_url="https://www.example.org/weekly/")
    identity = compose.SenderIdentity(feedback_id="mozamail")
    found = [
        read(
            compiled(listing=listing, identity=identity)
            .compose_message(replace(JAN, subscriber_id=number))[1]
            .content
        )
        for number in (7, 8)
    ]

    assert found[0]["List-Help"] == "<mailto:help@example.org>"
    assert found[0]["List-Archive"] == "<https://www.example.org/weekly/>"
    assert found[0]["List-Post"] == "NO"
    assert found[0]["Feedback-ID"] == found[1]["Feedback-ID"] == "2026-01-14:weekly:moza:mozamail"
    page = read(
        compiled(listing=replace(LISTING, contact="https://www.example.org/contact"))
        .compose_message(JAN)[1]
        .content
    )
    assert page["List-Help"] == "<https://www.example.org/contact>"


def test_a_contact_without_an_address_gives_no_header_and_an_invalid_feedback_id_is_refused():
    assert read(composed(listing=replace(LISTING, contact="bel ons\r\nBcc: x")))["List-Help"] is None
    assert read(composed(listing=replace(LISTING, contact="https://x/>\r\nBcc: x")))["List-Help"] is None
    with pytest.raises(RenderError, match="feedback_id"):
        compiled(identity=compose.SenderIdentity(feedback_id="a:b:c"))


def test_a_token_for_another_purpose_list_or_secret_is_refused():
    token = LINKS.make_token("unsubscribe", "weekly", 7)
    other = compose.SignedLinks(secret=b"another secret of many bytes", public_url="")

    for links, purpose, slug in [
        (LINKS, "confirm", "weekly"),
        (LINKS, "unsubscribe", "x"),
        (other, "unsubscribe", "weekly"),
    ]:
        with pytest.raises(InvalidLink, match="not made by us"):
            links.read_token(purpose, slug, token)


def test_a_truncated_lengthened_or_altered_token_is_refused():
    token = LINKS.make_token("unsubscribe", "weekly", 7)
    altered = [
        token[:index] + ("A" if sign != "A" else "B") + token[index + 1 :] for index, sign in enumerate(token)
    ]

    for bad in ["", token[:-1], token + "A", token + "\n", "é" * 32, token.replace(token[0], "%"), *altered]:
        with pytest.raises(InvalidLink):
            LINKS.read_token("unsubscribe", "weekly", bad)


def test_the_secret_is_never_shown_and_a_short_one_is_refused():
    assert "secret" not in repr(LINKS)
    assert "secret" not in repr(compiled())
    with pytest.raises(ProjectError, match="shorter than 16 bytes"):
        compose.SignedLinks(secret=b"short", public_url="")


@pytest.mark.parametrize("length", [16, 64, 65, 200])
def test_a_message_id_is_an_hmac_under_a_key_derived_by_hkdf_whatever_the_length_of_the_secret(length):
    secret = bytes(range(7, 7 + length))
    links = compose.SignedLinks(secret=secret, public_url="https://nieuws.example.org")

    # RFC 5869 2.2 and 2.3, for a key of two blocks.
    extracted = hmac.digest(bytes(32), secret, "sha256")
    first = hmac.digest(extracted, b"moza-mail message-id\x01", "sha256")
    key = first + hmac.digest(extracted, first + b"moza-mail message-id\x02", "sha256")
    expected = b32encode(hmac.digest(key, b"42 a/b", "sha256")[:16]).decode().lower()[:26]
    assert links.make_message_id("a/b", 42, "example.org") == f"<{expected}@example.org>"


def test_a_token_is_aes_siv_under_the_key_of_its_purpose():
    key = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"moza-mail unsubscribe").derive(SECRET)
    content = AESSIV(key).decrypt(
        urlsafe_b64decode(LINKS.make_token("unsubscribe", "weekly", 7)), [b"scope: weekly"]
    )

    assert int.from_bytes(content) == 7
