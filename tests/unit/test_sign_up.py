"""Signing up, without a store: validation, signed links, and the confirmation mail."""

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import compose, render
from moza_mail.compose import KeyType, SignedLinks
from moza_mail.errors import AddressError, InvalidLink, ProjectError, RenderError, SubscriptionError
from moza_mail.model.address import Address
from moza_mail.model.mailing_list import Consent, MailingList
from moza_mail.model.sign_up import LINK_LIFETIME, NO_MAILING, Confirmation, PreferenceChoice, SignUp
from tests.support import builders as build
from tests.support.dkim_verifier import has_valid_signatures
from tests.unit.test_compose import header_lines, sound

SECRET = b"a secret of thirty-two bytes, so"
LINKS = SignedLinks(secret=SECRET, public_url="https://nieuws.example.org/mail")
MOMENT = datetime(2026, 11, 25, 10, 4, tzinfo=UTC)
GOLDEN = build.ROOT / "tests/golden"
LISTING = MailingList(
    slug="weekly",
    title="MOZa Weekly",
    sender=Address.parse("weekly@example.org"),
    sender_name="MijnOverheid Zakelijk",
    reply_to=Address.parse("redactie@example.org"),
    postal_address="Voorbeeldstraat 1, 2500 AA Den Haag",
    contact="weekly@example.org",
)
ASKED = Confirmation(
    id=3,
    subscriber_id=5,
    list_slug="weekly",
    address=Address.parse("zoe@example.com"),
    consent="Ja, mail mij elke week de MOZa Weekly. Afmelden kan altijd. [2026-01]",
    created_at=MOMENT,
)
NUMBERS = st.integers(min_value=0, max_value=2**63 - 1)
SLUGS = st.sampled_from(["weekly", "other", "a", "weekly:1", "1:weekly"])
# Times from 2020 to 2400.
MOMENTS = st.integers(1_577_836_800, 13_569_465_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def make_sign_up(**given) -> SignUp:
    stands = {"address": ASKED.address, "consent": Consent(text="Ja."), "source": "form"}
    return SignUp(**{**stands, **given})


def confirmations(lang="nl", theme="moza", **options):
    rendered = render.render_confirmation(LISTING, build.theme(theme), lang)
    return compose.compile_confirmation(rendered, LISTING, LINKS, zone=build.AMSTERDAM, **options)


def until(lang="nl", moment=ASKED.expires_at) -> str:
    return render.format_expiry(build.theme(), lang, moment.astimezone(build.AMSTERDAM))


def mail(asked=ASKED, lang="nl", theme="moza", **options) -> bytes:
    return confirmations(lang, theme, **options).compose_message(asked, until(lang))[1].content


def bodies(content: bytes) -> tuple[str, str]:
    read = email.message_from_bytes(content, policy=email.policy.default)
    return tuple(read.get_body((kind,)).get_content() for kind in ("html", "plain"))


class TestAcceptedValues:
    @pytest.mark.parametrize(
        "name", ["Zoë\r\nBcc: all@example.org", "a\x00b", "a\u2028b", "half \ud800", "x" * 121]
    )
    def test_a_name_that_would_start_a_header_or_cannot_be_stored_is_refused(self, name):
        for make in (lambda: make_sign_up(name=name), lambda: PreferenceChoice(name=name, lang="")):
            with pytest.raises(SubscriptionError, match="name"):
                make()

    @pytest.mark.parametrize(
        "name",
        ["Robert'); DROP TABLE subscribers;--", "<script>alert(1)</script>", "{{ 7 * 7 }}", "Zoë 👩‍💻", ""],
    )
    def test_any_other_name_is_stored_unchanged(self, name):
        assert make_sign_up(name=f"  {name} ").name == name

    @pytest.mark.parametrize("lang", ["NL", "nl_BE", "../../etc", "nl\n", "x" * 40, "<b>"])
    def test_a_language_that_is_not_a_tag_is_refused(self, lang):
        with pytest.raises(SubscriptionError, match="language"):
            make_sign_up(lang=lang)

    def test_a_source_must_be_one_short_line(self):
        for source in ("form\nx", "f" * 201):
            with pytest.raises(SubscriptionError, match="source"):
                make_sign_up(source=source)

    @pytest.mark.parametrize(
        "text",
        [
            "a@b.example\r\nBcc: x@example.org",
            "a@b.example, x@example.org",
            "<a@b.example>",
            "a\x00@b.example",
            "\ud800@b.example",
        ],
    )
    def test_an_address_must_be_one_plain_address(self, text):
        with pytest.raises(AddressError):
            Address.parse(text)


class TestLinks:
    @given(number=NUMBERS, slug=SLUGS, until=MOMENTS)
    def test_an_expiring_token_reads_back_until_it_expires(self, number, slug, until):
        token = LINKS.make_expiring_token("confirm", slug, number, until)
        assert re.fullmatch(r"[A-Za-z0-9_-]{40}", token)
        assert token == LINKS.make_expiring_token("confirm", slug, number, until)
        assert LINKS.read_expiring_token("confirm", slug, token, until - timedelta(seconds=1)) == number
        with pytest.raises(InvalidLink, match="expired") as told:
            LINKS.read_expiring_token("confirm", slug, token, until)
        assert told.value.expired

    @given(number=NUMBERS, slug=SLUGS, other=SLUGS, until=MOMENTS)
    def test_a_token_for_another_purpose_list_or_secret_is_refused(self, number, slug, other, until):
        before = until - timedelta(hours=1)
        token = LINKS.make_expiring_token("confirm", slug, number, until)
        foreign = SignedLinks(secret=b"another secret of many bytes")
        tries = [(LINKS, "unsubscribe", slug), (LINKS, "preferences", slug), (foreign, "confirm", slug)]
        if other != slug:
            tries.append((LINKS, "confirm", other))
        for links, purpose, scope in tries:
            with pytest.raises(InvalidLink) as told:
                links.read_expiring_token(purpose, scope, token, before)
            assert not told.value.expired

    @given(number=NUMBERS, index=st.integers(0, 39), sign=st.sampled_from("AZaz09_-"))
    def test_a_token_altered_anywhere_is_refused_even_if_only_its_expiry_time(self, number, index, sign):
        token = LINKS.make_expiring_token("confirm", "weekly", number, MOMENT)
        altered = token[:index] + sign + token[index + 1 :]
        for now in (MOMENT - timedelta(hours=1), MOMENT + timedelta(days=999)):
            if altered != token:
                with pytest.raises(InvalidLink) as told:
                    LINKS.read_expiring_token("confirm", "weekly", altered, now)
                assert not told.value.expired

    @given(
        text=st.one_of(
            st.text(max_size=60), st.binary(max_size=60).map(lambda octets: octets.decode("latin-1"))
        )
    )
    def test_any_text_instead_of_a_token_is_an_invalid_link(self, text):
        with pytest.raises(InvalidLink):
            LINKS.read_confirmation("weekly", text, now=MOMENT)
        with pytest.raises(InvalidLink):
            LINKS.read_unsubscribe("weekly", text)
        with pytest.raises(InvalidLink):
            LINKS.read_preferences(text)

    @given(length=st.integers(0, 39))
    def test_the_error_of_a_truncated_token_says_that_a_part_was_lost(self, length):
        token = LINKS.make_expiring_token("confirm", "weekly", 3, MOMENT)
        with pytest.raises(InvalidLink, match="incomplete"):
            LINKS.read_confirmation("weekly", token[:length], now=MOMENT - timedelta(hours=1))

    def test_a_link_is_invalid_for_every_other_purpose(self):
        confirm, leave, choose = (
            link.rpartition("/")[2]
            for link in (
                LINKS.make_confirmation_url(ASKED),
                LINKS.make_unsubscribe_url("weekly", 5),
                LINKS.make_preferences_url(5),
            )
        )
        assert LINKS.read_confirmation("weekly", confirm, now=MOMENT) == ASKED.id
        assert (LINKS.read_unsubscribe("weekly", leave), LINKS.read_preferences(choose)) == (5, 5)
        for read in (
            lambda: LINKS.read_preferences(leave),
            lambda: LINKS.read_unsubscribe("weekly", choose),
            lambda: LINKS.read_unsubscribe("", choose),
            lambda: LINKS.read_unsubscribe("weekly", confirm),
            lambda: LINKS.read_confirmation("weekly", leave, now=MOMENT),
        ):
            with pytest.raises(InvalidLink):
                read()

    def test_a_link_is_valid_for_seven_days_and_shows_neither_address_nor_id(self):
        link = LINKS.make_confirmation_url(replace(ASKED, id=123456))
        assert link.startswith("https://nieuws.example.org/mail/confirm/weekly/")
        assert "zoe" not in link
        assert "123456" not in link
        token = link.rpartition("/")[2]
        assert (
            LINKS.read_confirmation("weekly", token, now=MOMENT + LINK_LIFETIME - timedelta(seconds=1))
            == 123456
        )
        with pytest.raises(InvalidLink, match="expired"):
            LINKS.read_confirmation("weekly", token, now=MOMENT + LINK_LIFETIME)


class Words(HTMLParser):
    """Return the text of a page and the targets of its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.links = "", []
        self.feed(html)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.links.append(dict(attrs)["href"])


class TestConfirmationMail:
    @pytest.mark.parametrize(("theme", "lang"), [("moza", "nl"), ("default", "en")])
    def test_the_mail_equals_its_golden_file(self, theme, lang, request):
        html, text = bodies(mail(lang=lang, theme=theme))
        for ending, content in (("html", html.replace("><", ">\n<")), ("txt", text)):
            kept = GOLDEN / f"confirm-{lang}.{ending}"
            if request.config.getoption("--update-golden"):
                kept.write_text(content, encoding="utf-8")
            assert content.splitlines() == kept.read_text(encoding="utf-8").splitlines()

    @pytest.mark.parametrize("lang", ["nl", "en"])
    def test_both_parts_name_the_list_sender_consent_and_expiry_and_that_the_mail_can_be_ignored(self, lang):
        content = mail(lang=lang)
        sound(content)
        html, text = bodies(content)
        told = {
            "nl": ["woensdag 2 december 2026, 11:04 uur", "hoef je niets te doen"],
            "en": ["Wednesday, December 2, 2026, 11:04", "nothing you need to do"],
        }
        wanted = [
            "MOZa Weekly",
            "MijnOverheid Zakelijk",
            ASKED.consent,
            LINKS.make_confirmation_url(ASKED),
            *told[lang],
        ]
        for part in (Words(html).text, text):
            assert [words for words in wanted if words not in " ".join(part.split())] == []

    def test_the_mail_links_only_to_the_confirmation_and_the_contact(self):
        html, _ = bodies(mail())
        assert set(Words(html).links) == {LINKS.make_confirmation_url(ASKED), "mailto:weekly@example.org"}

    def test_the_mail_has_the_headers_of_an_automatic_personal_mail(self):
        headers = {name: " ".join(lines) for name, lines in header_lines(mail()).items()}
        assert headers["To"] == "To: zoe@example.com"
        assert headers["Subject"] == "Subject: Bevestig je aanmelding voor MOZa Weekly"
        assert headers["Auto-Submitted"] == "Auto-Submitted: auto-generated"
        assert headers["Date"] == "Date: Wed, 25 Nov 2026 11:04:00 +0100"
        assert headers["Reply-To"] == "Reply-To: redactie@example.org"
        assert not [
            name for name in headers if name.startswith("List-") or name in {"Precedence", "Feedback-ID"}
        ]

    def test_the_same_sign_up_gives_the_same_bytes_and_another_one_another_message_id(self):
        compiled = confirmations()
        one, again, other = (
            compiled.compose_message(asked, until())[1] for asked in (ASKED, ASKED, replace(ASKED, id=4))
        )
        assert one == again
        assert one.message_id != other.message_id

    def test_values_of_a_form_are_only_text_in_the_mail(self):
        hostile = "<img src=x onerror=alert(1)> \"' {{ 7*7 }} =?utf-8?q?x?= https://slot.invalid/consent~"
        content = mail(replace(ASKED, consent=hostile))
        sound(content)
        html, text = bodies(content)
        assert hostile in text
        assert "<img" not in html
        assert hostile in Words(html).text

    def test_a_control_character_in_a_consent_is_refused(self):
        with pytest.raises(RenderError, match="control character"):
            mail(replace(ASKED, consent="a\x00b"))

    def test_each_confirmation_mail_has_its_own_return_address(self):
        compiled = confirmations(identity=compose.SenderIdentity(bounce_domain="bounce.example.org"))
        sender = compiled.compose_message(ASKED, until())[0].sender
        assert sender.domain == "bounce.example.org"
        assert LINKS.read_bounce_local_part(sender.local) == (NO_MAILING, ASKED.id)

    def test_the_mail_is_signed_with_dkim(self):
        key, _ = compose.generate_key(KeyType.RSA, domain="example.org", selector="moza1")
        content = mail(identity=compose.SenderIdentity(keys=(key,)))
        sound(content)
        assert f"t={int(MOMENT.timestamp())};".encode() in content
        assert has_valid_signatures(content, key)
        assert not has_valid_signatures(content.replace(b"MOZa Weekly", b"MOZa Daily"), key)

    def test_without_public_url_confirmation_mails_cannot_be_compiled(self):
        rendered = render.render_confirmation(LISTING, build.theme(), "nl")
        with pytest.raises(ProjectError, match="public_url"):
            compose.compile_confirmation(rendered, LISTING, SignedLinks(secret=SECRET))

    @pytest.mark.parametrize("name", ["confirm_url", "consent", "until"])
    @pytest.mark.parametrize("template", ["confirm.mjml", "confirm.txt"])
    def test_a_theme_without_a_required_placeholder_is_refused(self, name, template):
        without = build.theme().files[template].replace(f"{{{{ {name} }}}}", "x")
        with pytest.raises(RenderError, match=f"{name} is missing") as told:
            render.render_confirmation(LISTING, build.theme_with({template: without}), "nl")
        assert told.value.template == template
