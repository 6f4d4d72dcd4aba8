"""Render an issue as one reader would get it, and write it as files."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from moza_mail.app.prepare_issue import PreparedIssue, prepare_issue
from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.model.message import Recipient, Rendered, make_placeholder
from moza_mail.project import Project

# An invented reader. Subscriber 0 exists in no store, so the links in this reader's mail change nothing.
EXAMPLE_RECIPIENT = Recipient(
    subscriber_id=0, address=Address(local="lezer", domain="example.org"), name="Lezer Voorbeeld"
)

# The subfolder for the files that must be online under `asset_url`.
PUBLISH = "publish"


def example_recipient(rendered: Rendered) -> Recipient:
    """Return the invented reader with example values for the fields without a default.

    The example value of a field is its name in brackets.
    """
    values = {field.name: field.example_value for field in rendered.fields if field.default is None}
    return replace(EXAMPLE_RECIPIENT, values={**values, NAME_FIELD: EXAMPLE_RECIPIENT.name})


def personalise(prepared: PreparedIssue, recipient: Recipient) -> Rendered:
    """Return an issue for a browser, with the recipient's values and with embedded images."""
    unsubscribe_url = prepared.links.make_unsubscribe_url(prepared.mailing_list.slug, recipient.subscriber_id)
    filled = prepared.rendered.fill_fields(lambda field: recipient.value_of(field) or "")
    return replace(
        filled,
        html=prepared.embed_images(filled.html).replace(make_placeholder("unsubscribe_url"), unsubscribe_url),
        text=filled.text.replace(make_placeholder("unsubscribe_url"), unsubscribe_url),
    )


def render_files(prepared: PreparedIssue) -> dict[str, bytes]:
    """Return the issue as HTML, text, message and calendar, with the files to publish.

    The result has the content of each file by name. The example recipient's values are filled in.
    """
    recipient = example_recipient(prepared.rendered)
    _, message = prepared.compile(prepared.draft_mailing()).compose_message(recipient)
    shown = personalise(prepared, recipient)
    files = {
        "issue.html": shown.html.encode(),
        "issue.txt": shown.text.encode(),
        "issue.eml": message.content,
    }
    if calendar := prepared.render_calendar():
        files["issue.ics"] = calendar
    return files | {f"{PUBLISH}/{name}": content for name, content in prepared.files_to_publish().items()}


def write_rendering(project: Project, name: str, list_slug: str, folder: Path) -> Iterator[Path]:
    """Write the files of an issue to a folder. Yield the path of each file after writing it.

    list_slug: the list; empty for the issue's own list, or else the default list.
    """
    files = render_files(prepare_issue(project, name, list_slug))
    for file, content in files.items():
        path = folder / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise ProjectError(
                _("{path} cannot be written: {reason}", path=str(path), reason=describe_os_error(error)),
                hint=_("Name another folder: -o DIR"),
            ) from None
        yield path
    if "issue.ics" not in files:
        # The calendar of an earlier rendering would look like the calendar of this issue.
        (folder / "issue.ics").unlink(missing_ok=True)
