"""Find the pages of the documentation, which are installed with the program."""

from pathlib import Path

from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _

PACKAGE = Path(__file__).parents[1]
# A wheel has the pages inside the package. A checkout of the repository has them beside it.
FOLDERS = (PACKAGE / "docs", PACKAGE.parent / "docs")


def find_topics() -> dict[str, Path]:
    """Return the file of each topic's page, by the name of the topic."""
    for folder in FOLDERS:
        if pages := sorted(folder.glob("*.md")):
            return {page.stem: page for page in pages}
    return {}


def list_topics() -> list[str]:
    """Return a line for each topic: its name and the title of its page."""
    return [f"  {name:<16}{_read_title(page)}" for name, page in find_topics().items()]


def read_topic(name: str) -> str:
    """Return the page of a topic; raise ProjectError if there is none."""
    topics = find_topics()
    if name not in topics:
        raise ProjectError(
            _("there is no topic `{name}`", name=name),
            hint=_(
                "The topics are: {topics}. The options of a command: moza-mail COMMAND --help",
                topics=", ".join(topics) or _("not installed"),
            ),
        )
    return topics[name].read_text(encoding="utf-8").rstrip()


def _read_title(page: Path) -> str:
    with page.open(encoding="utf-8") as lines:
        return next((line.lstrip("# ").strip() for line in lines if line.startswith("# ")), page.stem)
