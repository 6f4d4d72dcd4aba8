"""A rendered issue with placeholders, its recipient, and the composed message."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from types import MappingProxyType

from moza_mail.model.address import Address
from moza_mail.model.merge_field import NAME_FIELD, MergeField

# A placeholder is a URL in a reserved domain (RFC 2606), because MJML, premailer and URL quoting leave URLs unchanged. The
# placeholder of a merge field ends in `~`, because a letter may follow it.
PLACEHOLDER = re.compile(r"https://slot\.invalid/([a-z][a-z0-9_]*)~?")


def make_placeholder(name: str) -> str:
    """Return the placeholder for a recipient's own value in rendered HTML and text."""
    return f"https://slot.invalid/{name}"


def make_field_placeholder(number: int) -> str:
    """Return the placeholder of a merge field by its index in `Rendered.fields`."""
    return f"{make_placeholder(f'field_{number}')}~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """An attached file.

    content_type: includes its parameters, such as `text/calendar; charset=utf-8; method=PUBLISH`.
    content_id: set for an image that the HTML shows as `cid:...` (RFC 2392).
    """

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An issue rendered once for all recipients, with placeholders in `html` and `text`.

    fields: the merge fields, in the order of the numbers in their placeholders. `subject` and `preheader` can also contain
        these placeholders.
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
        """The merge fields by their placeholders."""
        return {f"field_{number}": one for number, one in enumerate(self.fields)}

    def fill_fields(self, values: Callable[[MergeField], str]) -> "Rendered":
        """Return the issue with every merge field filled in for one recipient, escaped in HTML.

        The placeholders of links stay in the text.
        """
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
        """Fill every merge field with its default, or its name in brackets.

        Checks measure this version, because a placeholder is longer than the values that replace it.
        """
        return self.fill_fields(lambda one: one.example_value)

    def compute_digest(self) -> str:
        """Return the SHA-256 digest, in hexadecimal, of all content of the mailing."""
        whole = hashlib.sha256()
        parts = [self.subject, self.preheader, self.html, self.text, self.lang]
        parts += [
            field
            for attachment in self.attachments
            for field in (attachment.filename, attachment.content_type, attachment.content_id)
        ]
        # Add the fields too: their placeholders are only numbered, so a change of a field leaves the text the same.
        parts += [
            f"{name} {one.name} {'' if one.default is None else repr(one.default)}"
            for name, one in self.fields_by_placeholder.items()
        ]
        for part in (
            *(part.encode() for part in parts),
            *(attachment.content for attachment in self.attachments),
        ):
            # Hash the length of each part too. Otherwise text could move to the next part and leave the digest the same.
            whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The recipient of one message; `values` are the attributes that the merge fields need."""

    subscriber_id: int
    address: Address
    name: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def value_of(self, field: MergeField) -> str | None:
        """Return the value of a merge field for this recipient, or else its default.

        None if there is neither.
        """
        return field.value_for({NAME_FIELD: self.name, **self.values})

    def missing_fields(self, fields: Iterable[MergeField]) -> tuple[str, ...]:
        """Return the names of the fields that have neither a value nor a default.

        A recipient with missing fields is skipped.
        """
        return tuple(dict.fromkeys(one.name for one in fields if self.value_of(one) is None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """MAIL FROM and RCPT TO of one transaction (RFC 5321 3.3).

    author: the address in the From field, if it differs from the sender. A reply that names this address is about us.
    """

    sender: Address
    recipient: Address
    author: Address | None = None

    @property
    def senders(self) -> tuple[str, ...]:
        """Our own addresses in this message: the sender, and the author if there is one."""
        return tuple(str(address) for address in (self.sender, self.author) if address is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One MIME message as it is sent.

    is_smtp_ready: the composer guarantees that lines end in CRLF and that no line starts with a dot, so the transport does not
        check it again.
    """

    content: bytes
    message_id: str
    is_smtp_ready: bool = False
