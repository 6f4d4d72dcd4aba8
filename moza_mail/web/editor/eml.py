"""Letters: a message's bytes as a page shows them. Whatever stands in them, it is shown as it is or not at all."""

from base64 import b64encode
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path

from moza_mail.web.editor.workshop import Letter

# Headers come first, and none of ours are longer.
HEAD_BYTES = 32_768
PER_PAGE = 50
SUFFIX = ".eml"
# A header that cannot be read must not hide its letter.
UNREADABLE = (ValueError, LookupError, AttributeError, TypeError, IndexError)


def names(folder: Path) -> list[str]:
    """The messages of a Maildir's `new`, the newest first."""
    try:
        found = [(path.stat().st_mtime_ns, path.name) for path in folder.glob(f"*{SUFFIX}")]
    except OSError:
        return []
    return [name for _, name in sorted(found, reverse=True)]


def listed(folder: Path, wanted: list[str]) -> list[Letter]:
    """What a list shows of each message."""
    letters = []
    for name in wanted:
        try:
            with (folder / name).open("rb") as file:
                head = file.read(HEAD_BYTES)
        except OSError:
            continue
        found = BytesHeaderParser(policy=policy.default).parsebytes(head)
        letters.append(
            Letter(
                name=name,
                subject=_said(found, "Subject"),
                recipient=_said(found, "To"),
                moment=_said(found, "Date"),
            )
        )
    return letters


def _said(message: EmailMessage, header: str) -> str:
    try:
        return str(message.get(header, ""))
    except UNREADABLE:
        return ""


def headers(content: bytes) -> list[tuple[str, str]]:
    """The headers of a message, decoded, in their order."""
    message = parsed(content[:HEAD_BYTES])
    return [(name, _said_at(value)) for name, value in message.raw_items()]


def _said_at(raw: str) -> str:
    from email.header import decode_header, make_header

    try:
        return " ".join(str(make_header(decode_header(str(raw)))).split())
    except UNREADABLE:
        return " ".join(str(raw).split())


def parsed(content: bytes) -> EmailMessage:
    """A message's parts."""
    return BytesParser(policy=policy.default).parsebytes(content)


def text(message: EmailMessage) -> str:
    """The text part, empty when there is none."""
    return _body(message, "plain")


def html(message: EmailMessage) -> str:
    """The HTML part with the images that travel beside it put inside, empty when there is none."""
    page = _body(message, "html")
    for part, inside in _embedded_images(message):
        page = page.replace(f"cid:{part}", inside)
    return page


def calendar(message: EmailMessage) -> str:
    """The calendar that comes along, empty when there is none."""
    found = next((part for part in message.walk() if part.get_content_type() == "text/calendar"), None)
    return _content(found) if found is not None else ""


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return _content(part) if part is not None else ""


def _content(part: object) -> str:
    try:
        return str(part.get_content())  # type: ignore[attr-defined]
    except UNREADABLE:
        return ""


def _embedded_images(message: EmailMessage) -> Iterator[tuple[str, str]]:
    for part in message.walk():
        name = str(part.get("Content-ID", "")).strip("<> ")
        if name and part.get_content_maintype() == "image":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield name, f"data:{part.get_content_type()};base64,{b64encode(content).decode()}"
