"""`moza-mail render`: an issue as the files a reader would get."""

from dataclasses import replace
from pathlib import Path

from moza_mail.app import prepare_issue
from moza_mail.cli import output
from moza_mail.errors import ProjectError
from moza_mail.model.address import Address
from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.model.message import Recipient, Rendered, slot
from moza_mail.project import Project

# Who a mail is shown for when nobody is asked for: an invented reader whose links lead to no subscriber.
EXAMPLE_READER = Recipient(
    subscriber=0, address=Address(local="lezer", domain="example.org"), name="Lezer Voorbeeld"
)

# The folder of a rendering whose content goes to asset_url as it is.
PUBLISH = "publish"


def example_reader(rendered: Rendered) -> Recipient:
    """The invented reader with a value for each field that has no default: its name in brackets."""
    values = {field.name: field.example_value for field in rendered.fields if field.default is None}
    return replace(EXAMPLE_READER, values={**values, NAME_FIELD: EXAMPLE_READER.name})


def render(project: Project, name: str, list_slug: str, folder: Path) -> None:
    """Write issue.html, issue.txt, issue.eml, issue.ics with dated events, and what is to be published; print each path."""
    dressed = prepare_issue.prepare_issue(project, name, list_slug)
    made = files(dressed)
    publish = {f"{PUBLISH}/{file}": content for file, content in dressed.files_to_publish().items()}
    for file, content in (made | publish).items():
        path = folder / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise ProjectError(
                f"{path} cannot be written: {error.strerror}", hint="Name another folder with -o."
            ) from None
        output.give(str(path))
    if "issue.ics" not in made:
        # One of an earlier render would pass for this issue's.
        (folder / "issue.ics").unlink(missing_ok=True)


def shown_to(dressed: prepare_issue.PreparedIssue, reader: Recipient) -> Rendered:
    """An issue as a browser shows it to a reader: with their own words and links, and its pictures inside the HTML."""
    leave = dressed.links.unsubscribe(dressed.mailing_list.slug, reader.subscriber)
    filled = dressed.rendered.filled(lambda field: reader.value(field) or "")
    return replace(
        filled,
        html=dressed.embed_images(filled.html).replace(slot("unsubscribe_url"), leave),
        text=filled.text.replace(slot("unsubscribe_url"), leave),
    )


def files(dressed: prepare_issue.PreparedIssue) -> dict[str, bytes]:
    """The files of an issue by name, as the example reader gets them."""
    reader = example_reader(dressed.rendered)
    _, message = dressed.compile(dressed.draft_mailing()).message(reader)
    shown = shown_to(dressed, reader)
    made = {
        "issue.html": shown.html.encode(),
        "issue.txt": shown.text.encode(),
        "issue.eml": message.content,
    }
    if calendar := dressed.render_calendar():
        made["issue.ics"] = calendar
    return made
