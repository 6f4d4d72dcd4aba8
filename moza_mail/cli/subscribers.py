"""`moza-mail subscribers` for one person: add, unsubscribe, suppress, show, erase."""

from moza_mail.app import held_suppressions as held
from moza_mail.app import manage_subscriber as app
from moza_mail.app.erase_subscriber import erase_subscriber
from moza_mail.app.manage_subscriber import AddRequest
from moza_mail.app.open_project import open_store
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


def add(project: Project, person: AddRequest, list_slug: str, *, as_json: bool) -> int:
    """Add a person to a list; return 3 if the person will still not be mailed."""
    added = run_async(lambda: app.add_subscriber(project, person, list_slug))
    if as_json:
        output.give_json(added.as_data())
    else:
        output.give(
            _(
                "{address}: {arrival} on {list_slug}",
                address=str(added.address),
                arrival=added.arrival,
                list_slug=added.list_slug,
            )
        )
    if added.is_mailed:
        return 0
    output.say(
        _(
            "They are not mailed: they unsubscribed, were erased, or their address is suppressed. Adding does not undo that."
        )
    )
    return output.NEEDS_ATTENTION


def unsubscribe(project: Project, address: str, list_slug: str, *, as_json: bool) -> None:
    """Unsubscribe a person from a list."""
    slug = run_async(lambda: app.unsubscribe(project, address, list_slug))
    _print_done(address, _("unsubscribed from {list}", list=slug), as_json=as_json)


def suppress(project: Project, address: str, evidence: str, *, as_json: bool) -> None:
    """Suppress an address, so that it is never mailed again."""
    run_async(lambda: app.suppress(project, address, evidence))
    _print_done(address, _("suppressed on every list"), as_json=as_json)


def unsuppress(project: Project, address: str, reason: str, *, they_asked: bool, as_json: bool) -> None:
    """Remove the suppression of an address, so that it can be mailed again."""
    removed = run_async(lambda: app.remove_suppression(project, address, reason, is_requested=they_asked))
    if as_json:
        output.give_json(
            {
                "address": str(removed.address),
                "done": "unsuppressed",
                "reason": removed.reason.value,
                "created_at": removed.created_at.isoformat(),
                "evidence": removed.evidence,
                "removed_at": removed.removed_at.isoformat() if removed.removed_at else "",
                "removal_reason": removed.removal_reason,
            }
        )
    else:
        output.give(
            _(
                "{address}: may be mailed again\n{suppression}",
                address=str(removed.address),
                suppression=app.describe_suppression(removed),
            )
        )


def _print_done(address: str, done: str, *, as_json: bool) -> None:
    if as_json:
        output.give_json({"address": address, "done": done})
    else:
        output.give(f"{address}: {output.shown(done)}")


def show(project: Project, address: str, *, as_json: bool) -> None:
    """Print the record of an address. As JSON, print all stored data, for a GDPR request."""
    if as_json:
        output.give_json(run_async(lambda: app.export_record(project, address)))
        return
    record = run_async(lambda: app.find_record(project, address))
    output.give(output.shown_lines(app.describe_record(record)))


def erase(project: Project, address: str, *, yes: bool, as_json: bool) -> int:
    """Erase a person, after asking; return 3 if some of their data can still be read."""
    if not yes:
        output.confirm(
            _(
                "Erase {address} and everything about them, also in the files of this project? This cannot be undone.",
                address=address,
            ),
            _("nothing was erased"),
        )
    report = run_async(lambda: erase_subscriber(project, address))
    result = report.result
    if as_json:
        output.give_json(report.as_data())
    else:
        rows = ", ".join(f"{count} {table}" for table, count in sorted(result.rows.items()))
        output.give(
            _(
                "{address}: erased ({rows})",
                address=address,
                rows=rows or _("nothing was left in the database"),
            )
        )
    for remark in report.remarks:
        output.say(remark)
    return 0 if report.is_complete else output.NEEDS_ATTENTION


def unsuppress_many(
    project: Project, options: held.UnsuppressOptions, reason: str, *, asks: bool, as_json: bool
) -> None:
    """Remove all suppressions that match the options, after asking."""
    count = run_async(lambda: _unsuppress_many(project, options, reason, asks=asks))
    if as_json:
        output.give_json({"done": "unsuppressed", "count": count})
    else:
        output.give(held.describe_removed(count))


async def _unsuppress_many(
    project: Project, options: held.UnsuppressOptions, reason: str, *, asks: bool
) -> int:
    async with open_store(project) as store:
        found = await held.find_removable(store, project, options)
        output.say(held.describe_found(len(found)))
        for one in found[:1]:
            output.say(f"  {one.address.mask()}: {one.evidence[:120]}")
        if found and asks:
            output.confirm(str(_("Allow mail to them again?")), str(_("nothing was changed")))
        return await held.remove_all(store, found, reason)
