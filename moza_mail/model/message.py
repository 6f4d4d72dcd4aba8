"""What is sent: Rendered (an issue dressed, slots still open), Recipient, Envelope, Message."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from types import MappingProxyType

from moza_mail.model.address import Address
from moza_mail.model.merge_field import NAME_FIELD, MergeField

# A slot is a whole URL in a reserved domain (RFC 2606), because MJML, premailer and URL quoting all leave one alone. That of a
# merge field ends in `~`, for a letter may follow it.
PLACEHOLDER = re.compile(r"https://slot\.invalid/([a-z][a-z0-9_]*)~?")


def make_placeholder(name: str) -> str:
    """The mark that stands in rendered HTML and text where a recipient's own value comes."""
    return f"https://slot.invalid/{name}"


def make_field_placeholder(number: int) -> str:
    """The mark of a merge field by its place in `Rendered.fields`."""
    return f"{make_placeholder(f'field_{number}')}~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file beside the bodies; `content_type` with its parameters, `text/calendar; charset=utf-8; method=PUBLISH`.

    One with a `content_id` (RFC 2392) is an image that the HTML shows, where it says `cid:` and that.
    """

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An issue dressed in its theme, once for all recipients: slots are still open in `html` and `text`.

    Those of the merge fields are open in `subject` and `preheader` too; `fields` says what each stands for, by number.
    """

    subject: str
    preheader: str
    html: str
    text: str
    lang: str
    attachments: tuple[Attachment, ...] = ()
    fields: tuple[MergeField, ...] = ()

    @property
    def fields_by_placeholder(self) -> Mapping[str, MergeField]:
        """The merge fields by the names of their slots."""
        return {f"field_{number}": one for number, one in enumerate(self.fields)}

    def fill_fields(self, values: Callable[[MergeField], str]) -> "Rendered":
        """The same with every merge field filled for one reader, escaped in HTML; the links' slots stay open."""
        known = {name: values(one) for name, one in self.fields_by_placeholder.items()}
        if not known:
            return self

        def in_text(text: str) -> str:
            return PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), text)

        def in_html(text: str) -> str:
            return PLACEHOLDER.sub(
                lambda found: escape(known[found[1]]) if found[1] in known else found[0], text
            )

        return replace(
            self,
            subject=in_text(self.subject),
            preheader=in_text(self.preheader),
            html=in_html(self.html),
            text=in_text(self.text),
            fields=(),
        )

    def fill_with_typical_values(self) -> "Rendered":
        """The same as it looks to a reader of whom nothing is known: with defaults, or names in brackets.

        This is what to measure and judge: a slot's mark is neither as long nor as wide as what will stand there.
        """
        return self.fill_fields(lambda one: one.example_value)

    def compute_digest(self) -> str:
        """What this content is known by: SHA-256, in hexadecimal, over everything that a reader can receive of it."""
        whole = hashlib.sha256()
        parts = [self.subject, self.preheader, self.html, self.text, self.lang]
        parts += [
            field
            for attachment in self.attachments
            for field in (attachment.filename, attachment.content_type, attachment.content_id)
        ]
        # What a slot stands for; its number is not enough, for it is the same for every first field.
        parts += [
            f"{name} {one.name} {'' if one.default is None else repr(one.default)}"
            for name, one in self.fields_by_placeholder.items()
        ]
        for part in (
            *(part.encode() for part in parts),
            *(attachment.content for attachment in self.attachments),
        ):
            # A length before each part, so that no text can move from one part to the next unnoticed.
            whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who one message is for. `subscriber` is the store's number; `values` are the attributes that merge fields ask for."""

    subscriber_id: int
    address: Address
    name: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def value_of(self, field: MergeField) -> str | None:
        """What fills a merge field for this reader; None when they have no value and the field no default."""
        return field.value_for({NAME_FIELD: self.name, **self.values})

    def missing_fields(self, fields: Iterable[MergeField]) -> tuple[str, ...]:
        """The names of the fields that nothing fills for this reader, who is therefore not mailed."""
        return tuple(dict.fromkeys(one.name for one in fields if self.value_of(one) is None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """MAIL FROM and RCPT TO of one transaction (RFC 5321 3.3)."""

    sender: Address
    recipient: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One MIME message in its final bytes: CRLF line ends, no line that starts with a dot.

    `canonical` says that who composed it vouches for that, so that nobody looks through it once more.
    """

    content: bytes
    message_id: str
    is_smtp_ready: bool = False
