"""Read submitted forms within limits of size and time, and detect forms sent by programs."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
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
"""The shortest time in which a person can fill in a form. A faster sender is a program."""
MAX_FORM_AGE = timedelta(hours=24)
FORM_PURPOSE = "form"
TIMESTAMP_FIELD, CONSENT_FIELD, HONEYPOT_FIELD = "form", "terms", "homepage"
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


def make_timestamp(links: SignedLinks, list_slug: str, now: datetime) -> str:
    """Return the signed time at which a form is shown, for a hidden field of the form.

    The hidden field makes a cookie unnecessary.
    """
    return links.make_token(FORM_PURPOSE, list_slug, int(now.timestamp() * 1000))


def measure_age(links: SignedLinks, list_slug: str, text: str, now: datetime) -> timedelta | None:
    """Return the time since the form was shown, or None if the timestamp is forged."""
    try:
        moment = links.read_token(FORM_PURPOSE, list_slug, text) / 1000
    except InvalidLink:
        return None
    return now - datetime.fromtimestamp(moment, UTC)
