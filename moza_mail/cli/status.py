"""`moza-mail status`: where a mailing stands, from the ledger alone."""

from moza_mail import send as sending
from moza_mail.cli import report, talk, wires
from moza_mail.errors import UnknownMailing
from moza_mail.model.mailing import DeliveryState
from moza_mail.project import Project


def status(project: Project, issue: str, list_slug: str, *, as_json: bool) -> None:
    """Print the newest mailing, or the newest of an issue; `issue` is a slug or a file."""
    wires.run(lambda: _status(project, issue, list_slug, as_json=as_json))


async def _status(project: Project, issue: str, list_slug: str, *, as_json: bool) -> None:
    slug = issue_slug(project, issue) if issue else ""
    async with wires.opened_store(project) as store:
        known = [mailing for mailing in await store.mailings(slug) if list_slug in {"", mailing.list_slug}]
        if not known:
            what = f"of {slug} " if slug else ""
            raise UnknownMailing(
                f"there is no mailing {what}in the ledger yet", hint="Begin one: moza-mail send ISSUE"
            )
        progress = await sending.progress(store, known[0])
        uncertain = [
            str(delivery.address)
            async for delivery in store.deliveries(
                known[0].id, (DeliveryState.UNCERTAIN, DeliveryState.INTENT)
            )
        ]
    if as_json:
        talk.give_json({**report.as_data(progress, project.config.relay), "uncertain": uncertain})
        return
    talk.give(report.as_text(progress, project.config.relay))
    for address in uncertain:
        talk.give(f"    uncertain: {address}")
    if len(known) > 1:
        talk.say(f"There are {len(known) - 1} earlier mailings; name an issue to see one.")


def issue_slug(project: Project, issue: str) -> str:
    """The slug of an issue that is given as a file, or the text itself when it is none."""
    from moza_mail.cli.dressing import read_issue
    from moza_mail.errors import IssueError

    try:
        return read_issue(project, issue).slug
    except IssueError:
        return issue
