"""`moza-mail oauth login`: show the page and the code for a person's consent."""

from moza_mail.app.oauth_login import log_in as ask_for_consent
from moza_mail.cli import output
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


def log_in(project: Project) -> None:
    """Show the login page's address and the code, wait for consent, and store the tokens."""
    path = ask_for_consent(
        project,
        lambda prompt: output.say(
            _(
                "Open {url} in any browser, log in to the mail account that sends, and type the code {code}",
                url=prompt.url,
                code=prompt.code,
            )
        ),
    )
    output.say(_("moza-mail has access now. The tokens are in {path}: keep them out of git.", path=str(path)))
