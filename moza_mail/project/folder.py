"""The project folder: where it is, and what is read from it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from moza_mail.errors import IssueError, ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.finding import CheckOptions
from moza_mail.model.image_file import ImageFile, find_images
from moza_mail.model.issue import Issue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.theme import Theme
from moza_mail.project import config, lists, saving, secrets, themes
from moza_mail.project.config import CONFIG_FILE, PREFIX, ProjectConfig

MAX_BYTES = 2_000_000
CALENDAR = "issue.ics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a moza-mail.toml, and its configuration."""

    root: Path
    config: ProjectConfig

    def list_issues(self) -> list[Path]:
        """The files in `issues/`, by their names."""
        return sorted((self.root / "issues").glob("*.md"))

    def find_issue(self, name: str) -> Path:
        """The file of an issue given as a path, or by its slug in `issues/`."""
        for path in (Path(name), self.root / name, self.root / "issues" / f"{name}.md"):
            if path.exists():
                return path
        known = [path.name for path in self.list_issues()]
        raise IssueError(
            _("there is no such file"),
            source=name,
            line=0,
            hint=_("The last issue in {folder} is {last}.", folder=str(self.root / "issues"), last=known[-1])
            if known
            else _("Write an issue in issues/."),
        )

    def read_issue(self, path: Path) -> str:
        """The text of an issue's file; raise IssueError when it is no readable UTF-8 text."""
        if path.is_dir():
            raise IssueError(_("is a folder, not an issue"), source=str(path), line=0)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise IssueError(
                _("cannot be read: {reason}", reason=describe_os_error(error)), source=str(path), line=0
            ) from None
        if len(content) > MAX_BYTES:
            raise IssueError(_("is too long for a newsletter"), source=str(path), line=0)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise IssueError(
                _("is not UTF-8 text"),
                source=str(path),
                line=line,
                hint=_("Save the file as UTF-8 in your editor."),
            ) from None

    def create_issue(self, path: Path, text: str) -> None:
        """Make an issue's file; raise IssueError, and change nothing, when there is one of that name."""
        try:
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except FileExistsError:
            raise IssueError(
                _("is there already, and nothing was written"),
                source=str(path),
                line=0,
                hint=_("Go on in that file, or give another day: moza-mail new --date 2026-01-31"),
            ) from None
        except OSError as error:
            raise IssueError(
                _("cannot be written: {reason}", reason=describe_os_error(error)), source=str(path), line=0
            ) from None

    def save_issue(self, path: Path, text: str) -> bytes:
        """Put a new text in an issue's file, whole or not at all, and give its bytes; raise IssueError when that fails."""
        content = text.encode()
        if len(content) > MAX_BYTES:
            raise IssueError(_("is too long for a newsletter"), source=str(path), line=0)
        try:
            saving.write_atomically(path, content)
        except OSError as error:
            raise IssueError(
                _("cannot be written: {reason}", reason=describe_os_error(error)),
                source=str(path),
                line=0,
                hint=_(
                    "What you typed is still on the page. Make room or give write access, and save again."
                ),
            ) from None
        return content

    def read_theme(self, name: str) -> Theme:
        """A theme by name; the project's own files come before the bundled ones."""
        return themes.read_theme(name, self.root / "templates")

    def read_lists(self) -> dict[str, MailingList]:
        """The lists of subscribers/lists.toml by slug."""
        path = self.root / "subscribers" / "lists.toml"
        if not path.is_file():
            raise ProjectError(
                f"{path} is missing", hint="It names the lists; see docs/subscribers.md for an example."
            )
        return lists.read_lists(path, self.config.zone)

    def read_list(self, slug: str) -> MailingList:
        """A list by slug, or the project's default one when no slug is given."""
        known = self.read_lists()
        wanted = slug or self.config.default_list or (next(iter(known)) if len(known) == 1 else "")
        if not wanted:
            raise ProjectError(
                "no list is named", hint=f"Add --list with one of: {', '.join(sorted(known))}."
            )
        if wanted not in known:
            raise ProjectError(
                f"there is no list `{wanted}` in {self.root / 'subscribers' / 'lists.toml'}",
                hint=f"The lists are: {', '.join(sorted(known)) or 'none yet'}.",
            )
        return known[wanted]

    def approval_policy(self, mailing_list: MailingList) -> ApprovalPolicy:
        """Whether a mailing to a list must be approved: by its own setting, else the project's."""
        return mailing_list.approval or self.config.approval

    def check_rules(self) -> CheckOptions:
        """What the programme asks of its issues: the table `[check]`."""
        given = self.config.check
        return CheckOptions(
            preferred_words=MappingProxyType(dict(given.preferred_words)),
            required_sections=given.required_sections,
            required_events=given.required_events,
            restricted_hosts=tuple(host.lower() for host in given.restricted_hosts),
            allowed_hosts=given.allowed_hosts + self._own_hosts(),
            clients=given.clients,
            disabled=frozenset(given.disabled),
        )

    def _own_hosts(self) -> tuple[str, ...]:
        """The host that the project publishes its own images at."""
        host = urlsplit(self.config.asset_url).hostname
        return (host,) if host else ()

    def view_url(self, issue: Issue, mailing_list: MailingList) -> str:
        """Where the issue stands on the web for a list's readers, empty when it has no page there."""
        pattern = self.view_url_pattern(mailing_list)
        return pattern.replace("{slug}", issue.slug).replace("{date}", issue.date.isoformat())

    def view_url_pattern(self, mailing_list: MailingList) -> str:
        """The same for any issue: `{slug}` and `{date}` are left in it."""
        return self.config.view_url.replace("{list}", mailing_list.slug)

    def asset_url(self, issue: Issue) -> str:
        """Where what belongs to the issue is published, empty when nothing is: a folder of its own under `asset_url`."""
        base = self.config.asset_url
        return f"{base.rstrip('/')}/{issue.slug}" if base else ""

    def calendar_url(self, issue: Issue) -> str:
        """Where mails lead to for the issue's calendar, empty when they do not; raise ProjectError without an asset_url."""
        if self.config.calendar != "link":
            return ""
        if not self.config.asset_url:
            raise ProjectError(
                f'{self.root / CONFIG_FILE}: `calendar` is "link", and there is no asset_url to link to',
                hint='Set asset_url to where you publish files, or write calendar = "attach".',
            )
        return f"{self.asset_url(issue)}/{CALENDAR}"

    def read_images(self, issue: Issue, issue_path: Path, *, column: int) -> Mapping[str, ImageFile]:
        """The images of an issue by their `src`, made to fit a column of so many CSS pixels.

        `issue_path` is the issue's file. Raises IssueError, with the line, for one that cannot be mailed.
        """
        wanted = tuple(find_images(issue))
        if not wanted:
            return {}
        # Reading images takes a library that is slow to load.
        from moza_mail.project import images as project_images

        shelf = project_images.ImageSettings(
            folder=issue_path.parent,
            root=self.root,
            column=column,
            asset_url=self.asset_url(issue),
            hosts=self.check_rules().allowed_hosts,
        )
        return project_images.read_images(wanted, issue.source, shelf)

    def store_url(self) -> str:
        """The store's URL, its SQLite path made absolute."""
        scheme, _, path = self.config.store.partition(":///")
        return f"{scheme}:///{(self.root / path).resolve()}" if scheme == "sqlite" else self.config.store

    def read_secret(self) -> bytes:
        """What links and Message-IDs are signed with."""
        return secrets.read_secret(self.root / "subscribers")

    def read_dkim_key(self) -> tuple[bytes, str]:
        """The PEM of the key that signs messages and how to call it in a message, both empty when there is none."""
        return secrets.read_private_key("DKIM_KEY", self.config.dkim_key, self.root)

    def read_dkim_ed25519_key(self) -> tuple[bytes, str]:
        """The same for the second key."""
        return secrets.read_private_key("DKIM_ED25519_KEY", self.config.dkim_ed25519_key, self.root)

    def find_private_files(self) -> list[tuple[str, Path]]:
        """The files that nobody but their owner may read, each with what it is."""
        config = self.config
        return secrets.find_private_files(
            self.root, {"dkim_key": config.dkim_key, "dkim_ed25519_key": config.dkim_ed25519_key}
        )

    def read_smtp_password(self) -> str:
        """The relay's password, empty when none is given."""
        return secrets.read_smtp_password()

    def read_imap_password(self) -> str:
        """The password of the bounce mailbox on a mail server, empty when none is given."""
        return secrets.read_imap_password()


def find_project(start: Path | None = None, **overrides: Any) -> Project:
    """The project of a folder, or of the nearest one above the working folder; raise ProjectError when there is none."""
    given = start or (Path(os.environ[f"{PREFIX}PROJECT"]) if os.environ.get(f"{PREFIX}PROJECT") else None)
    if given:
        if not given.is_dir():
            raise ProjectError(
                f"there is no folder {given}", hint="Name the newsletter's folder after --project."
            )
        folders = [given.resolve()]
    else:
        here = Path.cwd()
        folders = [here, *here.parents]
    for folder in folders:
        if (folder / CONFIG_FILE).is_file():
            return Project(root=folder, config=config.read_config(folder / CONFIG_FILE, overrides))
    raise ProjectError(
        f"there is no {CONFIG_FILE} in {folders[0]}{'' if given else ' or above it'}",
        hint="Go to your newsletter's folder, or name it: moza-mail --project FOLDER ...",
    )
