"""What a form sends: read within bounds, and with signs of who filled it in."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from moza_mail.compose import SignedLinks
from moza_mail.errors import InvalidLink

LARGEST = 16_384
"""Octets of a form at most: names and addresses are short."""
FIELDS = 50
PATIENCE = 10.0
"""Seconds in which all of a form must be here."""
FILLING_IN = timedelta(seconds=2)
"""Nobody reads a form and fills it in faster; a program does."""
OLD = timedelta(hours=24)
FORM = "form"
STAMP, TERMS, TRAP = "form", "terms", "homepage"
URLENCODED = "application/x-www-form-urlencoded"


Fields = Mapping[str, tuple[str, ...]]


async def body(request: Request) -> bytes:
    """What a request holds, 16 KiB at most; raise HTTPException 413 without reading the rest, or 408 when it does not come."""
    if int(request.headers.get("content-length", "0")) > LARGEST:
        raise HTTPException(413, headers={"Connection": "close"})
    read = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                read += chunk
                if len(read) > LARGEST:
                    raise HTTPException(413, headers={"Connection": "close"})
    except TimeoutError:
        raise HTTPException(408, headers={"Connection": "close"}) from None
    return bytes(read)


async def fields(request: Request) -> Fields:
    """A form by the names of its fields; raise HTTPException 415 or 400 for what is not one of ours."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != URLENCODED:
        raise HTTPException(415)
    try:
        text = (await body(request)).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
    except ValueError:
        raise HTTPException(400) from None
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found


def first(sent: Fields, name: str) -> str:
    """The value of a field; empty when it was not sent."""
    return sent.get(name, ("",))[0]


def stamp(links: SignedLinks, list_slug: str, now: datetime) -> str:
    """When a form was given out, signed, so that no cookie need say it."""
    return links.make_token(FORM, list_slug, int(now.timestamp() * 1000))


def age(links: SignedLinks, list_slug: str, text: str, now: datetime) -> timedelta | None:
    """How long ago the form was given out; None when that is not our own stamp."""
    try:
        moment = links.read_token(FORM, list_slug, text) / 1000
    except InvalidLink:
        return None
    return now - datetime.fromtimestamp(moment, UTC)
