"""Read submitted forms within limits of size and time, and detect forms sent by programs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from secrets import randbits
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from moza_mail.compose import SignedLinks
from moza_mail.errors import InvalidLink

MAX_BODY_BYTES = 16_384
"""The largest size of a form. Names and addresses are short, so a larger form is not ours."""
MAX_FIELDS = 50
BODY_TIMEOUT = 10.0
"""The time in seconds within which a whole form must arrive."""
MIN_FILL_TIME = timedelta(seconds=2)
"""The shortest time in which most people fill in a form. Faster visitors must press the button once more."""
RANDOM_BITS = 20
STAMP_FIELD, CONSENT_FIELD, HONEYPOT_FIELD = "form", "terms", "homepage"
SUGGESTION_FIELD = "use"
"""The form field with the address that the person chose instead of the one that was typed."""
CHECKED_FIELD = "checked"
"""The form field with the address that the person was asked to check."""
URLENCODED = "application/x-www-form-urlencoded"


FormFields = Mapping[str, tuple[str, ...]]


async def read_body(request: Request) -> bytes:
    """Return the body of a request.

    Raises HTTPException 413 if the body is larger than 16 KiB, and 408 if it does not arrive in time.
    """
    if int(request.headers.get("content-length", "0")) > MAX_BODY_BYTES:
        raise HTTPException(413, headers={"Connection": "close"})
    read = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for chunk in request.stream():
                read += chunk
                if len(read) > MAX_BODY_BYTES:
                    raise HTTPException(413, headers={"Connection": "close"})
    except TimeoutError:
        raise HTTPException(408, headers={"Connection": "close"}) from None
    return bytes(read)


async def read_form(request: Request) -> FormFields:
    """Return the values of a form by field.

    Raises HTTPException 415 or 400 if the body is not a valid form, and the errors of `read_body`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != URLENCODED:
        raise HTTPException(415)
    try:
        text = (await read_body(request)).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise HTTPException(400) from None
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


def first_value(sent: FormFields, name: str) -> str:
    """Return the first value of a field, or an empty string if the field was not sent."""
    return sent.get(name, ("",))[0]


class StampKind(StrEnum):
    """The reason why a form is shown. The value is the purpose of the token in the form."""

    OPENED = "form"
    """The visitor opened the page. A program may have done so."""
    ASKED = "form-asked"
    """The visitor was asked to press the button once more. Then the form is accepted, however fast it is sent."""
    RESEND = "form-resend"
    """The visitor may ask for the mail again, some minutes after the sign-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormStamp:
    """The stamp in a form: when and why the form was shown."""

    kind: StampKind
    shown_at: datetime


def make_stamp(links: SignedLinks, list_slug: str, now: datetime, kind: StampKind = StampKind.OPENED) -> str:
    """Return a new stamp for a hidden field of a form. The stamp makes a cookie unnecessary.

    Random bits make two stamps of the same moment different, because each stamp can be used only once.
    """
    return links.make_token(
        kind, list_slug, int(now.timestamp() * 1000) << RANDOM_BITS | randbits(RANDOM_BITS)
    )


def read_stamp(links: SignedLinks, list_slug: str, text: str) -> FormStamp | None:
    """Return the stamp of a form; None if the stamp is forged or for another list."""
    for kind in StampKind:
        try:
            milliseconds = links.read_token(kind, list_slug, text) >> RANDOM_BITS
        except InvalidLink:
            continue
        return FormStamp(kind=kind, shown_at=datetime.fromtimestamp(milliseconds / 1000, UTC))
    return None


def comes_from_elsewhere(request: Request, hosts: frozenset[str]) -> bool:
    """Return True if a page of another site sent the form.

    Browsers without Sec-Fetch-Site send an Origin, which is `null` for our own pages because of their referrer policy.
    """
    site = request.headers.get("sec-fetch-site", "")
    if site:
        return site in {"cross-site", "same-site"}
    origin = request.headers.get("origin", "null")
    return origin != "null" and origin.lower().partition("://")[2] not in hosts
