"""The data and functions that the templates of an issue can use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from markupsafe import Markup

from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import (
    Blocks,
    Event,
    EventTable,
    Image,
    Inlines,
    Issue,
    Section,
    find_images,
    to_plain_text,
)
from moza_mail.model.message import make_placeholder
from moza_mail.model.theme import Colophon, Theme
from moza_mail.render.agenda_rows import AgendaRow, arrange_events
from moza_mail.render.item_headings import arrange_blocks, list_labels
from moza_mail.render.locale import ThemeLocale
from moza_mail.render.masthead import make_masthead
from moza_mail.render.palette import Palette
from moza_mail.render.pictures import split_picture

DEFAULT_FONT = "Arial, Helvetica, sans-serif"

# A line of contents helps if there are at least five items, and if the whole list is short enough to skim.
MIN_CONTENTS = 5
MAX_CONTENTS = 360
SEPARATOR = " · "


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePart:
    """A section, divided at the place of the link to the calendar.

    That place is below the last table of events.

    id: identifies the section in links on a page of the archive.
    above, below: the blocks above and below the link to the calendar.
    has_calendar: True if the link to the calendar belongs in this section.
    """

    id: str
    title: Inlines
    is_agenda: bool
    above: Blocks
    below: Blocks = ()
    has_calendar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRun:
    """Consecutive parts of an issue: either all are agendas, or none is an agenda."""

    is_agenda: bool
    parts: tuple[IssuePart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueView:
    """An issue, its theme and its sender, ready for a template.

    parts: the sections in reading order.
    """

    issue: Issue
    theme: Theme
    colophon: Colophon
    locale: ThemeLocale
    palette: Palette
    preheader: str
    images: Mapping[str, ImageFile]
    parts: tuple[IssuePart, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _divide_into_parts(self.issue))

    @classmethod
    def create(
        cls,
        issue: Issue,
        theme: Theme,
        colophon: Colophon,
        *,
        preheader: str,
        images: Mapping[str, ImageFile],
    ) -> "IssueView":
        """Return the view of an issue, with the language and colours of its theme.

        Raises ThemeError if the theme is invalid.
        """
        return cls(
            issue=issue,
            theme=theme,
            colophon=colophon,
            locale=ThemeLocale.load(theme, issue.lang),
            palette=Palette.load(theme),
            preheader=preheader,
            images=images,
        )

    def displayed_images(self) -> tuple[ImageFile, ...]:
        """Return the images that the mail shows: the logo of the theme, then the issue's images."""
        found = find_images(self.issue) if self.images else ()
        own = tuple(self.images[image.src] for image in found if image.src in self.images)
        return (self.theme.logo, *own) if self.theme.logo else own

    def image_attributes(self, image: Image) -> dict[str, Any] | None:
        """Return the attributes for the <img> of an image, None if there is no file for it."""
        file = self.images.get(image.src)
        return _img_attributes(file, image.alt, self.colophon.domain) if file else None

    def logo_attributes(self) -> dict[str, Any] | None:
        """Return the attributes for the <img> of the theme's logo, None if there is no logo."""
        settings = self.theme.settings.get("logo")
        alt = str(settings.get("alt", "")) if isinstance(settings, Mapping) else ""
        return _img_attributes(self.theme.logo, alt, self.colophon.domain) if self.theme.logo else None

    def contents(self) -> tuple[Inlines, ...]:
        """Return the labels of all items, and the title of each section without labels.

        The result is empty if there are fewer than five labels, or more text than a recipient skims.
        """
        if sum(len(list_labels(section)) for section in self.issue.sections) < MIN_CONTENTS:
            return ()
        entries: list[Inlines] = []
        for section in self.issue.sections:
            labels = () if section.is_agenda else list_labels(section)
            entries += labels or ((section.title,) if section.title else ())
        length = sum(len(to_plain_text(entry)) + len(SEPARATOR) for entry in entries)
        return tuple(entries) if length <= MAX_CONTENTS else ()

    def arrange_events(self, events: tuple[Event, ...]) -> tuple[AgendaRow, ...]:
        """Return the rows of a group of events, in order of date."""
        return arrange_events(events, self.issue.date, self.locale)

    def runs(self) -> tuple[PartRun, ...]:
        """Divide the parts into runs: those with agendas alternate with those of other sections.

        The first run has no agendas. It is empty if the issue begins with an agenda.
        """
        runs = [
            PartRun(is_agenda=is_agenda, parts=tuple(members))
            for is_agenda, members in groupby(self.parts, key=lambda part: part.is_agenda)
        ]
        return tuple(runs) if runs and not runs[0].is_agenda else (PartRun(is_agenda=False, parts=()), *runs)

    def calendar_url(self) -> str:
        """Return the address of the issue's calendar, empty if there is no address.

        It is also empty if no event has a date.
        """
        return self.colophon.calendar_url if any(event.dates for event in self.issue.events) else ""

    def variables(self) -> dict[str, Any]:
        """Return the variables that HTML and text templates share."""
        return {
            "issue": self.issue,
            "masthead": make_masthead(self.issue, self.colophon.list_title),
            "lead": " ".join(self.issue.summary.split()),
            "arrange_events": self.arrange_events,
            "parts": self.parts,
            "runs": self.runs(),
            "colophon": self.colophon,
            "lang": self.issue.lang,
            "dir": self.locale.direction,
            "start": "right" if self.locale.direction == "rtl" else "left",
            "end": "left" if self.locale.direction == "rtl" else "right",
            "date": self.locale.format_day(self.issue.date),
            "preheader": self.preheader,
            "t": self.locale.translate,
            "unsubscribe_url": make_placeholder("unsubscribe_url") if self.colophon.can_unsubscribe else "",
            "light": self.palette.light,
            "dark": self.palette.dark,
            "width": self.theme.width,
            "logo": self.logo_attributes(),
            "image_attributes": self.image_attributes,
            "split_picture": split_picture,
            "calendar_url": self.calendar_url(),
            "font": str(self.theme.settings.get("font", DEFAULT_FONT)),
            "web": False,
            "in_mail": _mail_attributes,
        }


def _arrange(section: Section, blocks: Blocks, lang: str) -> Blocks:
    if section.is_agenda:
        return blocks
    return arrange_blocks(blocks, level=2 if section.title else 1, lang=lang)


def _divide_into_parts(issue: Issue) -> tuple[IssuePart, ...]:
    """Return the sections in reading order."""
    parts: list[IssuePart] = []
    agendas = 0
    has_link = False
    for number, section in enumerate(issue.sections, start=1):
        agendas += section.is_agenda
        agenda_id = "agenda" if agendas == 1 else f"agenda-{agendas}"
        is_first = not has_link and any(event.dates for event in section.events)
        has_link = has_link or is_first
        at = _below_last_table(section) if is_first else len(section.blocks)
        parts.append(
            IssuePart(
                id=agenda_id if section.is_agenda else f"part-{number}",
                title=section.title,
                is_agenda=section.is_agenda,
                above=_arrange(section, section.blocks[:at], issue.lang),
                below=_arrange(section, section.blocks[at:], issue.lang),
                has_calendar=is_first,
            )
        )
    return tuple(parts)


def _below_last_table(section: Section) -> int:
    """Return the index after the last table of events, or after all blocks if none is a table."""
    tables = [index for index, block in enumerate(section.blocks) if isinstance(block, EventTable)]
    return tables[-1] + 1 if tables else len(section.blocks)


def _mail_attributes(written: str) -> Markup:
    """Return the attributes of an element that only mail programs need.

    Archive pages leave these attributes out.
    """
    return Markup(f" {written}")  # noqa: S704  # the text is from a template, never from an issue


def _img_attributes(image: ImageFile, alt: str, domain: str) -> dict[str, Any]:
    return {"src": image.src_in_mail(domain), "alt": alt, "width": image.width, "height": image.height}
