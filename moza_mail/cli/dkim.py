"""`moza-mail dkim`: make a signing key, and show its DNS record."""

from moza_mail.app import signing
from moza_mail.app.clock import now
from moza_mail.app.signing import NewKeyOptions
from moza_mail.cli import output
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


def create(project: Project, options: NewKeyOptions, *, as_json: bool) -> None:
    """Make a key, and print its DNS record and the next steps."""
    created = signing.create_key(project, options, now=now())
    key = created.key
    if as_json:
        output.give_json({**signing.record_as_data(key), "file": str(created.path)})
        return
    output.say(_("The key is in {path}. Keep it out of git, and back it up.\n", path=str(created.path)))
    output.give(signing.describe_record(key))
    settings = "\n".join(f'     {name} = "{value}"' for name, value in created.settings.items())
    output.say(
        _(
            "\n1. Have this record published in the DNS of {domain}.\n2. Check that it is published: dig +short TXT {record_name}\n3. Then write in moza-mail.toml:\n{settings}\n4. Send a test copy, and check that DKIM passes: moza-mail send ISSUE --test ADDRESS",
            domain=key.domain,
            record_name=key.record_name,
            settings=settings,
        )
    )


def show(project: Project, list_slug: str, *, as_json: bool) -> None:
    """Print the DNS records of the configured keys; raise ProjectError if there are none."""
    keys = signing.load_signing_keys(project, project.read_list(list_slug))
    if not keys:
        raise ProjectError(_("no key is set: `dkim_key` is empty"), hint=_("Make one: moza-mail dkim new"))
    if as_json:
        output.give_json([signing.record_as_data(key) for key in keys])
        return
    for key in keys:
        output.give(signing.describe_record(key))
