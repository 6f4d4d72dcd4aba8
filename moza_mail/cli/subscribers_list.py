"""`moza-mail subscribers export`, `list` and `segments`."""

import csv
import sys
from collections.abc import Sequence
from dataclasses import replace

from moza_mail.app import list_subscribers as app
from moza_mail.app.audience_text import describe_excluded
from moza_mail.app.list_subscribers import ListedSubscriber, ListQuery, SegmentCount
from moza_mail.app.list_text import list_as_lines
from moza_mail.app.open_project import open_store
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing_list import MailingList
from moza_mail.project import Project

MAX_SHOWN = 100
"""The number of subscribers to print in columns if no limit is given."""


def export(project: Project, list_slug: str, *, is_mailable: bool, as_json: bool) -> None:
    """Print the subscribers of a list, or only the mailable ones, as CSV or JSON lines."""
    mailing_list = project.read_list(list_slug)

    async def work() -> None:
        async with open_store(project) as store:
            if not as_json:
                write = csv.writer(sys.stdout, lineterminator="\n").writerow
                async for row in app.export_rows(store, mailing_list, is_mailable=is_mailable):
                    write(row)
                return
            async for one in app.export_subscribers(store, mailing_list, is_mailable=is_mailable):
                output.give_json_line(one.as_data())

    run_async(work)


def list_people(project: Project, list_slug: str, query: ListQuery, *, as_json: bool) -> None:
    """Print the subscribers that a query selects, in columns or as JSON lines."""
    mailing_list = project.read_list(list_slug)
    if query.limit is None and not as_json:
        query = replace(query, limit=MAX_SHOWN)

    async def work() -> None:
        async with open_store(project) as store:
            shown: list[ListedSubscriber] = []
            async for one in app.list_subscribers(store, mailing_list, query):
                if len(shown) == query.limit:
                    output.say(_("These are the first {limit}. Show more: --limit N", limit=query.limit))
                    break
                if as_json:
                    output.give_json_line(one.as_data())
                if query.limit is not None:
                    shown.append(one)
            if not as_json:
                _print_columns(mailing_list, shown)

    run_async(work)


def _print_columns(mailing_list: MailingList, shown: Sequence[ListedSubscriber]) -> None:
    if not shown:
        output.say(_("No subscriber of {slug} matches.", slug=mailing_list.slug))
        return
    for line in list_as_lines(mailing_list, shown):
        output.give(line)


def segments(project: Project, list_slug: str, *, as_json: bool) -> None:
    """Print each segment of a list: its rule, audience and counts of excluded subscribers."""
    mailing_list = project.read_list(list_slug)

    async def work() -> list[SegmentCount]:
        async with open_store(project) as store:
            return await app.count_segments(store, mailing_list)

    counts = run_async(work)
    if as_json:
        output.give_json([one.as_data() for one in counts])
        return
    if not counts:
        output.say(
            _("The list {slug} has no segments. How to make one: docs/subscribers.md", slug=mailing_list.slug)
        )
    for one in counts:
        segment, audience = one.segment, one.audience
        description = f": {segment.description}" if segment.description else ""
        excluded = describe_excluded(audience)
        count = _("{count} subscribers now{excluded}", count=audience.confirmed, excluded=excluded)
        output.give(f"{segment.slug}{description}\n  {segment}\n  {output.shown(count)}")
