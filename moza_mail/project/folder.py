"""Find the project folder, and read and write its files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from moza_mail.errors import IssueError, ListError, ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.finding import CheckOptions
from moza_mail.model.issue_name import issue_name
from moza_mail.model.mailing_list import MailingList, OptIn
from moza_mail.model.oauth import OAuthClient
from moza_mail.model.site import ISSUE_CALENDAR, fill_url_pattern
from moza_mail.model.store_mark import StoreMark
from moza_mail.model.theme import Theme
from moza_mail.project import config, issue_folder, lists, secrets, store_mark, themes
from moza_mail.project.atomic_write import write_atomically
from moza_mail.project.config import CONFIG_FILE, PREFIX, ProjectConfig
from moza_mail.project.read_file import UnreadableFile, printable_path, read_file
from moza_mail.project.tracked_files import find_tracked_files

if TYPE_CHECKING:
    from moza_mail.model.address_search import AddressSetFinder
    from moza_mail.model.file_erasure import ErasureScope, FileErasure
    from moza_mail.model.image_file import ImageFile
    from moza_mail.model.issue import Issue

MAX_BYTES = 2_000_000
# Letters, digits and these characters are not encoded in a URL (RFC 3986 2.2 and 2.3).
SAFE_IN_URL = "%/:?#[]@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a moza-mail.toml, and its settings."""

    root: Path
    config: ProjectConfig
    is_new_store: bool = False

    @property
    def issues_folder(self) -> Path:
        """The folder of the issues.

        If the setting is a pattern, this is its part before the first wildcard.
        """
        return issue_folder.fixed_folder(self.root, self.config.issues)

    def list_issues(self) -> list[Path]:
        """Return the files of the issues, sorted by path, without hidden files of editors."""
        return issue_folder.find_issue_files(self.root, self.config.issues)

    def list_other_issues(self, path: Path) -> list[Path]:
        """Return the issues of the project, except the issue in the file `path`.

        If `path` is outside the folder of the issues, return the other issues in the same folder as `path`.
        """
        own = os.path.realpath(path)
        issues = self.list_issues()
        if own not in map(os.path.realpath, issues):
            issues = sorted(filter(issue_folder.is_issue_file, path.parent.glob("*")))
        return [other for other in issues if os.path.realpath(other) != own]

    def find_issue(self, name: str) -> Path:
        """Find the file of an issue by its path, its page bundle or its name."""
        given = [path for path in (Path(name), self.root / name) if path.exists()]
        for path in given:
            if not path.is_dir():
                return path
            for file in ("index.md", "index.markdown"):
                if (path / file).is_file():
                    return path / file
        issues = self.list_issues()
        named = [path for path in issues if issue_name(str(path)) == name]
        if len(named) == 1 or (given and not named):
            return (named or given)[0]
        if named:
            hint = _("Name one of these files: {files}.", files=", ".join(map(str, named)))
            raise IssueError(_("several issues have this name"), source=name, line=0, hint=hint)
        folder = str(self.issues_folder)
        raise IssueError(
            _("the file does not exist"),
            source=name,
            line=0,
            hint=_(
                "The last issue in {folder} is {last}.",
                folder=folder,
                last=str(issues[-1].relative_to(self.issues_folder)),
            )
            if issues
            else _("Write an issue in {folder}.", folder=folder),
        )

    def read_issue(self, path: Path) -> str:
        """Read the file of an issue; raise IssueError if it is not readable UTF-8 text."""
        name = printable_path(path)
        if name != path.as_posix():
            raise IssueError(
                _("the file name has a character that cannot be shown"),
                source=name,
                line=0,
                hint=_("Rename the file, for example to 2026-01-14.md."),
            )
        try:
            content = read_file(path, max_bytes=MAX_BYTES)
        except UnreadableFile as error:
            raise IssueError(error.reason, source=str(path), line=0) from None
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
        """Create the file of an issue; raise IssueError if it exists already."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except FileExistsError:
            raise IssueError(
                _("the file exists already; nothing was written"),
                source=str(path),
                line=0,
                hint=_("Continue in that file, or give another day: moza-mail new --date 2026-01-31"),
            ) from None
        except OSError as error:
            raise IssueError(
                _("cannot be written: {reason}", reason=describe_os_error(error)), source=str(path), line=0
            ) from None

    def save_issue(self, path: Path, text: str) -> bytes:
        """Replace the text of an issue and return the bytes; raise IssueError if that fails."""
        content = text.encode()
        if len(content) > MAX_BYTES:
            raise IssueError(_("is too long for a newsletter"), source=str(path), line=0)
        try:
            write_atomically(path, content)
        except OSError as error:
            raise IssueError(
                _("cannot be written: {reason}", reason=describe_os_error(error)),
                source=str(path),
                line=0,
                hint=_(
                    "Your text is still on the page. Free disk space or get write access, then save again."
                ),
            ) from None
        return content

    def read_theme(self, name: str) -> Theme:
        """Read a theme. Files of the project replace files of the bundled theme."""
        return themes.read_theme(name, self.root / "templates", self.config.trust)

    def read_lists(self) -> dict[str, MailingList]:
        """Read the usable lists in subscribers/lists.toml, by slug."""
        return dict(self._read_lists_file().lists)

    def find_list_faults(self) -> dict[str, ListError]:
        """Return the error of each list whose table cannot be used, by slug. The other lists work."""
        return dict(self._read_lists_file().faults)

    def _read_lists_file(self) -> lists.ListsFile:
        path = self.root / "subscribers" / "lists.toml"
        if not path.is_file():
            raise ProjectError(
                _("{path} is missing", path=str(path)),
                hint=_("Create it with a table for each list; see docs/subscribers.md for an example."),
            )
        return lists.read_lists(path, self.config.zone)

    def read_list(self, slug: str) -> MailingList:
        """Read one list. If no slug is given, read the default list of the project.

        Raises ListError if the table of that list cannot be used.
        """
        file = self._read_lists_file()
        known = {*file.lists, *file.faults}
        wanted = slug or self.config.default_list or (next(iter(known)) if len(known) == 1 else "")
        if not wanted:
            raise ProjectError(
                _("no list is named"),
                hint=_("Add --list with one of: {known}.", known=", ".join(sorted(known))),
            )
        if fault := file.faults.get(wanted):
            raise fault
        if wanted not in known:
            raise ProjectError(
                _(
                    "there is no list `{slug}` in {path}",
                    slug=wanted,
                    path=str(self.root / "subscribers" / "lists.toml"),
                ),
                hint=_("The lists are: {known}.", known=", ".join(sorted(known)) or _("none yet")),
            )
        return file.lists[wanted]

    def approval_policy(self, mailing_list: MailingList) -> ApprovalPolicy:
        """Return the approval policy of a list, or else the project's."""
        return mailing_list.approval or self.config.approval

    def check_rules(self) -> CheckOptions:
        """Return the settings in the table `[check]`."""
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
        """Return the host of the published images; empty if no images are published."""
        host = urlsplit(self.config.asset_url).hostname
        return (host,) if host else ()

    def view_url(self, issue: "Issue", mailing_list: MailingList) -> str:
        """Return the URL of the web page of an issue, empty if the issue has no page."""
        pattern = self.view_url_pattern(mailing_list)
        return quote(fill_url_pattern(pattern, issue), safe=SAFE_IN_URL)

    def view_url_pattern(self, mailing_list: MailingList) -> str:
        """Return the pattern of the URLs of a list's issues, such as `https://.../{slug}/`."""
        return self.config.view_url.replace("{list}", mailing_list.slug)

    def sign_up_url(self, mailing_list: MailingList) -> str:
        """Return the URL of the page where anyone can sign up to a list, empty if there is none."""
        base = self.config.public_url.rstrip("/")
        return f"{base}/lists/{mailing_list.slug}" if base and mailing_list.opt_in is OptIn.DOUBLE else ""

    def asset_url(self, issue: "Issue") -> str:
        """Return the URL of the published files of an issue, empty if nothing is published."""
        base = self.config.asset_url
        return f"{base.rstrip('/')}/{issue.slug}" if base else ""

    def calendar_url(self, issue: "Issue") -> str:
        """Return the URL of the calendar of an issue, empty if mails do not link to it.

        Raises ProjectError if mails link to the calendar, but `asset_url` is not set.
        """
        if self.config.calendar != "link":
            return ""
        if not self.config.asset_url:
            raise ProjectError(
                _(
                    '{path}: `calendar` is "link", but `asset_url` is not set',
                    path=str(self.root / CONFIG_FILE),
                ),
                hint=_('Set `asset_url` to the URL where you publish files, or write calendar = "attach".'),
            )
        return f"{self.asset_url(issue)}/{ISSUE_CALENDAR}"

    def read_images(self, issue: "Issue", issue_path: Path, *, column: int) -> "Mapping[str, ImageFile]":
        """Read the images of an issue, by `src`.

        Raises IssueError with the line of an image that cannot be mailed.

        issue_path: the file of the issue.
        column: the maximum width in CSS pixels.
        """
        from moza_mail.model.issue import find_images

        wanted = tuple(find_images(issue))
        if not wanted:
            return {}
        # Imported here because Pillow is slow to load.
        from moza_mail.project import images as project_images

        settings = project_images.ImageSettings(
            folder=issue_path.parent,
            root=self.root,
            column=column,
            asset_url=self.asset_url(issue),
            hosts=self.check_rules().allowed_hosts,
        )
        return project_images.read_images(wanted, issue.source, settings)

    def store_url(self, url: str = "") -> str:
        """Return `url`, else the URL of the store in the settings.

        The path of a SQLite file becomes absolute.
        """
        given = url or self.config.store
        scheme, _, path = given.partition(":///")
        return f"{scheme}:///{(self.root / path).resolve()}" if scheme == "sqlite" else given

    def erase_from_files(self, finder: "AddressSetFinder", scope: "ErasureScope") -> "FileErasure":
        """Remove people from every file of the project, except from what the author wrote."""
        from moza_mail.project.erase_files import erase_from_files

        root = self.root.resolve()
        tracked = find_tracked_files(root)
        issues = frozenset(path.resolve() for path in self.list_issues())
        folders = {root / "templates", root / "issues", self.issues_folder.resolve()} - {root}
        private = (
            root / "subscribers",
            root / ".moza-mail",
            *filter(None, [scope.outbox, *scope.bounce_folders]),
        )
        return erase_from_files(
            root,
            finder,
            replace(
                scope,
                own_folders=tuple(sorted(folders)),
                own_files=issues | (tracked or frozenset()),
                private_folders=private if tracked is None else None,
            ),
        )

    def has_secret(self) -> bool:
        """Return True if the project has a secret already; `read_secret` would create one."""
        return secrets.has_secret(self.root / "subscribers")

    def read_secret(self) -> bytes:
        """Return the secret that signs links and Message-IDs.

        A missing secret is created for a new project. If the project already has a store, a missing secret raises
        ProjectError, because that store works only with the old secret.
        """
        has_store = store_mark.read_mark(self.root) is not None and not self.is_new_store
        return secrets.read_secret(self.root / "subscribers", may_create=not has_store)

    def read_store_mark(self) -> StoreMark | None:
        """Return the mark that identifies the store which this project used last.

        Returns None for a new project, or if `--new-store` was given.
        """
        return None if self.is_new_store else store_mark.read_mark(self.root)

    def write_store_mark(self, mark: StoreMark, is_durable: bool = True) -> None:
        """Write the mark of the store to its file, unless the mark there is as new or newer.

        is_durable: wait until the mark is on the disk, and raise ProjectError if it cannot be written. If this
        is False, failures are ignored.
        """
        if not is_durable:
            store_mark.write_mark_fast(self.root, mark)
            return
        known = self.read_store_mark()
        if not (known and known.store_id == mark.store_id and known.generation >= mark.generation):
            store_mark.write_mark(self.root, mark)

    def read_dkim_key(self) -> tuple[bytes, str]:
        """Return the PEM of the DKIM key and its name for errors, both empty if no key is set."""
        return secrets.read_private_key("DKIM_KEY", self.config.dkim_key, self.root)

    def read_dkim_ed25519_key(self) -> tuple[bytes, str]:
        """Return the PEM of the Ed25519 key and its name for errors, both empty if no key is set."""
        return secrets.read_private_key("DKIM_ED25519_KEY", self.config.dkim_ed25519_key, self.root)

    def find_private_files(self) -> list[tuple[str, Path]]:
        """Return the files that only their owner may read, each with a description."""
        config = self.config
        return secrets.find_private_files(
            self.root, {"dkim_key": config.dkim_key, "dkim_ed25519_key": config.dkim_ed25519_key}
        )

    def read_smtp_password(self) -> str:
        """Return the password for the relay, empty if there is none."""
        return secrets.read_smtp_password()

    def read_oauth_client(self, purpose: str = "") -> OAuthClient | None:
        """Return the OAuth 2 client for a server; None if the server uses a password.

        purpose: `relay` or `bounce_mailbox`. If empty, return the client of the project, for either server.

        Raises ProjectError if a setting is missing.
        """
        settings = self.config.oauth
        if purpose and purpose not in settings.use_for:
            return None
        if problem := settings.find_problem():
            raise ProjectError(
                _("moza-mail.toml, table [oauth]: {problem}", problem=problem), hint=_("See docs/oauth.md.")
            )
        return settings.make_client(secrets.read_oauth_client_secret())

    def write_token_file(self, content: bytes) -> None:
        """Replace the file with the OAuth 2 tokens; raise OSError if that fails.

        Only its owner can read the file.
        """
        self.token_file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.token_file, content, is_private=True)

    @property
    def token_file(self) -> Path:
        """The file with the OAuth 2 tokens."""
        return self.root / secrets.TOKEN_FILE

    def read_imap_password(self) -> str:
        """Return the password of the bounce mailbox, empty if there is none."""
        return secrets.read_imap_password()


def find_project(start: Path | None = None, **overrides: Any) -> Project:
    """Find the project in `start`, else in the working folder or above.

    Raises ProjectError if there is none.

    overrides: settings that replace the settings of the file and the environment.
    """
    given = start or (Path(os.environ[f"{PREFIX}PROJECT"]) if os.environ.get(f"{PREFIX}PROJECT") else None)
    if given:
        if not given.is_dir():
            raise ProjectError(
                _("the folder {path} does not exist", path=str(given)),
                hint=_("Name the folder of the newsletter after --project."),
            )
        folders = [given.resolve()]
    else:
        here = Path.cwd()
        folders = [here, *here.parents]
    for folder in folders:
        if (folder / CONFIG_FILE).is_file():
            return Project(root=folder, config=config.read_config(folder / CONFIG_FILE, overrides))
    searched = str(folders[0])
    raise ProjectError(
        _("there is no {file} in {folder}", file=CONFIG_FILE, folder=searched)
        if given
        else _("there is no {file} in {folder} or above it", file=CONFIG_FILE, folder=searched),
        hint=_("Go to the folder of your newsletter, or name it: moza-mail --project FOLDER ..."),
    )
