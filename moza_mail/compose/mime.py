"""The body of a message (RFC 2045, 2046): text and HTML as alternatives, the HTML with its images, attachments beside."""

import hashlib
import re
from base64 import encodebytes
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from moza_mail.compose.headers import format_field, format_parameter
from moza_mail.compose.quoted_printable import BodyFormat, OpenPlaceholder, Segments, encode_template
from moza_mail.errors import RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.message import Attachment, Rendered

# RFC 2045 5.1: a type, a subtype, and parameters as the caller wrote them.
CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9_-]+=[!-:<-~]+)*")
# RFC 2392 2: an address as an identifier, of which we write the plainest form.
CONTENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MimeEntity:
    """A MIME entity: its own header fields, and its body behind the empty line."""

    fields: bytes
    body: Segments


def build_body(rendered: Rendered) -> MimeEntity:
    """The whole of a message below its own headers.

    Text comes first and HTML last, because a reader shows the last alternative it understands (RFC 2046 5.1.4). Slots
    are left open.
    """
    shown = [attachment for attachment in rendered.attachments if attachment.content_id]
    beside = [attachment for attachment in rendered.attachments if not attachment.content_id]
    html = _build_text_part("text/html", rendered.html, BodyFormat.HTML)
    if shown:
        html = _build_multipart("related", [html, *map(_build_attachment, shown)], 'type="text/html"')
    bodies = _build_multipart(
        "alternative", [_build_text_part("text/plain", rendered.text, BodyFormat.TEXT), html]
    )
    return _build_multipart("mixed", [bodies, *map(_build_attachment, beside)]) if beside else bodies


def _build_text_part(content_type: str, text: str, part: BodyFormat) -> MimeEntity:
    fields = format_field("Content-Type", [f"{content_type};", "charset=utf-8"])
    fields += format_field("Content-Transfer-Encoding", ["quoted-printable"])
    return MimeEntity(fields=fields, body=encode_template(text, part))


def _build_attachment(attachment: Attachment) -> MimeEntity:
    if not CONTENT_TYPE.fullmatch(attachment.content_type) or "=?" in attachment.content_type:
        raise RenderError(
            _(
                "the type {content_type!a} of the attachment is not a media type",
                content_type=attachment.content_type,
            )
        )
    words = re.sub("; ?", "; ", attachment.content_type).split(" ")
    name = format_parameter("filename", attachment.filename)
    fields = format_field("Content-Type", words) + format_field("Content-Transfer-Encoding", ["base64"])
    if attachment.content_id:
        if not CONTENT_ID.fullmatch(attachment.content_id):
            raise RenderError(
                _("the id {content_id!a} of the image is not a Content-ID", content_id=attachment.content_id)
            )
        fields += format_field("Content-ID", [f"<{attachment.content_id}>"])
    return MimeEntity(
        fields=fields
        + format_field("Content-Disposition", ["inline;" if attachment.content_id else "attachment;", name]),
        body=(encodebytes(attachment.content).replace(b"\n", b"\r\n"),),
    )


def _build_multipart(subtype: str, parts: list[MimeEntity], *parameters: str) -> MimeEntity:
    """Put a boundary between the parts (a related one must name the type of its first, RFC 2387 3.1). It is made from them, so that the same content gives the same bytes.

    "=_" makes it impossible in quoted-printable and base64, also in a value that comes later; that the parts do
    not hold it is checked all the same.
    """
    digest = hashlib.sha256(repr((subtype, parts)).encode()).hexdigest()
    boundary = f"=_{subtype}_{digest[:24]}".encode("ascii")
    body: list[Segments] = []
    for part in parts:
        if any(isinstance(piece, bytes) and boundary in piece for piece in (part.fields, *part.body)):
            raise RenderError(_("a part of the message contains the boundary between the parts"))
        body += [(b"--" + boundary + b"\r\n" + part.fields + b"\r\n",), part.body, (b"\r\n",)]
    body.append((b"--" + boundary + b"--\r\n",))
    return MimeEntity(
        fields=format_field(
            "Content-Type",
            [
                f"multipart/{subtype};",
                *(f"{each};" for each in parameters),
                f'boundary="{boundary.decode("ascii")}"',
            ],
        ),
        body=_join_segments(body),
    )


def _join_segments(groups: Iterable[Segments]) -> Segments:
    """All segments in order, with the bytes between two slots made one."""
    joined: list[bytes | OpenPlaceholder] = []
    for piece in chain.from_iterable(groups):
        before = joined[-1] if joined else None
        if isinstance(before, bytes) and isinstance(piece, bytes):
            joined[-1] = before + piece
        else:
            joined.append(piece)
    return tuple(joined)
