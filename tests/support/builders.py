"""Builders of issues and themes, for tests."""

import tomllib
from dataclasses import replace
from datetime import date
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from moza_mail.model.issue import (
    Event,
    EventGroup,
    EventTable,
    Issue,
    Item,
    ItemList,
    Paragraph,
    Section,
    Text,
)
from moza_mail.model.theme import Colophon, Theme

ROOT = Path(__file__).parents[2]
TEXT_FILES = {".toml", ".mjml", ".txt", ".html", ".css", ".jinja"}
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

COLOPHON = Colophon(
    sender_name="MijnOverheid Zakelijk",
    list_title="MOZa Weekly",
    postal_address="Voorbeeldstraat 1, 2500 AA Den Haag",
    contact="weekly@example.org",
    view_url="https://example.org/weekly/14-januari-2026/",
    address="weekly@example.org",
    can_unsubscribe=True,
)


@lru_cache
def theme(name: str = "moza") -> Theme:
    """Return a theme of this repository. Files that it lacks come from the theme `default`."""
    files = {}
    for folder in (ROOT / "templates/default", ROOT / "templates" / name):
        found = (path for path in folder.rglob("*") if path.suffix in TEXT_FILES)
        files |= {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}
    return Theme(name=name, settings=tomllib.loads(files["theme.toml"]), files=files)


def theme_with(files: dict[str, str] | None = None, **settings: object) -> Theme:
    """Return the moza theme with some files or settings replaced."""
    base = theme()
    return replace(base, files={**base.files, **(files or {})}, settings={**base.settings, **settings})


def text(words: str) -> tuple[Text]:
    return (Text(text=words),)


def issue(*sections: Section, agenda: Section | None = None, **fields: object) -> Issue:
    """Return an issue with sections and an agenda below them.

    sections: if there are none, the issue has one short section.
    """
    body = sections or (section("Algemeen", "Er is nieuws."),)
    given = {
        "title": "MOZa Weekly",
        "date": date(2026, 1, 14),
        "slug": "2026-01-14",
        "source": "issues/2026-01-14.md",
    }
    parts = fields.pop("sections", body)
    return Issue(**{**given, "sections": (*parts, agenda) if agenda else parts, **fields})


def section(title: str, *paragraphs: str) -> Section:
    return Section(title=text(title), blocks=tuple(Paragraph(inlines=text(words)) for words in paragraphs))


def bullets(*items: Item) -> ItemList:
    return ItemList(items=items)


def agenda(*events: Event, **fields: object) -> Section:
    """Return an agenda with the events in a table, in groups by `Event.group`."""
    groups = [
        EventGroup(title=text(name) if name else (), events=tuple(members))
        for name, members in groupby(events, key=lambda event: event.group)
    ]
    blocks = (EventTable(groups=tuple(groups)),) if groups else ()
    return Section(**{"title": text("Agenda"), "blocks": blocks, "is_agenda": True, **fields})


def event(title: str, *days: date, **fields: object) -> Event:
    return Event(title=text(title), dates=days, **fields)
