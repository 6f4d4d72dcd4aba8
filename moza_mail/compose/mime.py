"""Build the MIME body of a message (RFC 2045, RFC 2046) from its texts and attachments."""

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

# RFC 2045 5.1: a type, a subtype, and parameters.
CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9_-]+=[!-:<-~]+)*")
# A Content-ID. RFC 2392 2 allows any address, but ours has a plain form.
CONTENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MimeEntity:
    """A MIME entity: its header fields and its body, without the empty line between the two."""

    fields: bytes
    body: Segments


def build_body(rendered: Rendered) -> MimeEntity:
    """Return the body of a message, with placeholders that are not yet filled in.

    HTML is the last alternative, because mail programs show the last alternative that they support (RFC
    2046 5.1.4).
    """
    inline = [attachment for attachment in rendered.attachments if attachment.content_id]
    attached = [attachment for attachment in rendered.attachments if not attachment.content_id]
    html = _build_text_part("text/html", rendered.html, BodyFormat.HTML)
    if inline:
        html = _build_multipart("related", [html, *map(_build_attachment, inline)], 'type="text/html"')
    bodies = _build_multipart(
        "alternative", [_build_text_part("text/plain", rendered.text, BodyFormat.TEXT), html]
    )
    return _build_multipart("mixed", [bodies, *map(_build_attachment, attached)]) if attached else bodies


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
    """Return a multipart entity.

    parameters: the parameters of the Content-Type. `related` must name the type of its first part (RFC 2387
    3.1).

    The boundary is a hash of the parts, so the same content gives the same bytes. It contains "=_", which
    cannot occur in quoted-printable or base64, even after values are filled in. The parts are still checked
    for the boundary.
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
                *(f"{parameter};" for parameter in parameters),
                f'boundary="{boundary.decode("ascii")}"',
            ],
        ),
        body=_join_segments(body),
    )


def _join_segments(groups: Iterable[Segments]) -> Segments:
    """Return the segments of all groups in one tuple, and join adjacent segments of bytes."""
    joined: list[bytes | OpenPlaceholder] = []
    for piece in chain.from_iterable(groups):
        previous = joined[-1] if joined else None
        if isinstance(previous, bytes) and isinstance(piece, bytes):
            joined[-1] = previous + piece
        else:
            joined.append(piece)
    return tuple(joined)
