"""Examine a project's settings, secrets, clock, store, relay and sender domains.

Changes nothing and sends nothing.
"""

import asyncio
import ctypes
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from moza_mail import dns_check
from moza_mail.app.clock import now
from moza_mail.app.judge_health import RelayRequirements, judge_clock, judge_files, judge_relay, judge_store
from moza_mail.app.open_project import mailbox_access, outbox_folder, relay_access, token_getter
from moza_mail.app.prepare_issue import find_newest_issue, prepare_issue
from moza_mail.app.render_issue import example_recipient
from moza_mail.app.signing import load_signing_keys
from moza_mail.bounces import is_imap_url, open_mailbox
from moza_mail.compose import DkimKey
from moza_mail.errors import MozaMailError, RelayUnreachable
from moza_mail.i18n import gettext as _
from moza_mail.i18n import ngettext
from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.health import Diagnosis, FilePermissions, StoreStatus, bad, doubtful, good, unknown
from moza_mail.model.mailing_list import MailingList
from moza_mail.project import Project
from moza_mail.store import inspect_store
from moza_mail.transport import find_outbox_problem, probe_relay

Keys = dict[str, tuple[DkimKey, ...]]
"""The keys that sign for each list."""

# For adjtimex(2): the value that it returns if the clock is not synchronised, and the size of a buffer for its structure.
TIME_ERROR, TIMEX_BYTES = 5, 512
# A return address in the usual form, with a token that belongs to no message.
EXAMPLE_LOCAL_PART = "bounce+" + 48 * "a"


async def examine(project: Project, resolver: str | None) -> AsyncIterator[Diagnosis]:
    """Yield each diagnosis when it is ready.

    resolver: the DNS server for questions about sender domains; empty for the system's server,
        None to skip these questions.
    """
    dns = None if resolver is None else dns_check.DnsResolver(resolver)
    lists = project.read_lists()
    keys: Keys = {}
    for diagnosis in _examine_settings(project, lists, keys):
        yield diagnosis
    status = None
    try:
        hasher = AddressHasher(secret=project.read_secret()) if project.has_secret() else None
        status = await inspect_store(project.store_url(), hasher)
    except MozaMailError as error:
        yield bad("store", error.message, error.hint)
    for diagnosis in judge_files(_find_private_files(project, status)):
        yield diagnosis
    newest = status.last_change if status else None
    for diagnosis in judge_clock(now(), newest, synchronised=_is_clock_synchronised()):
        yield diagnosis
    if status:
        for diagnosis in judge_store(status, free=_find_free_space(project, status)):
            yield diagnosis
    async for diagnosis in _examine_servers(project, lists, keys):
        yield diagnosis
    if dns is None:
        yield unknown("domain", _("DNS was not queried (--offline)"))
        return
    async for diagnosis in _examine_domains(project, lists, keys, dns):
        yield diagnosis


def _examine_settings(project: Project, lists: dict[str, MailingList], keys: Keys) -> Iterator[Diagnosis]:
    """Check that the settings fit together, and load the signing keys of each list."""
    config = project.config
    count = ngettext("{count} list", "{count} lists", len(lists))
    yield good(
        "config",
        _("{folder}: {count} ({names})", folder=str(project.root), count=count, names=", ".join(lists)),
    )
    faults = project.find_list_faults()
    for fault in faults.values():
        yield bad("config", fault.message, fault.hint)
    for slug, mailing_list in lists.items():
        try:
            project.read_theme(mailing_list.theme or config.theme)
            keys[slug] = load_signing_keys(project, mailing_list)
        except MozaMailError as error:
            yield bad("config", error.message, error.hint)
    if config.default_list and config.default_list not in {*lists, *faults}:
        yield bad(
            "config",
            _(
                "`default_list` is {default_list}, but there is no such list",
                default_list=config.default_list,
            ),
            _("Correct default_list in moza-mail.toml."),
        )
    if not config.public_url:
        yield doubtful(
            "config",
            _(
                "`public_url` is not set, so messages have no unsubscribe link, which Gmail, Yahoo and the law require"
            ),
            _("Run moza-mail serve, and set public_url to its address (docs/operate.md)."),
        )
    elif not config.public_url.startswith("https://"):
        yield doubtful(
            "config",
            _(
                "`public_url` ({public_url}) is not https, which one-click unsubscribe requires (RFC 8058 3.1)",
                public_url=config.public_url,
            ),
            _("Put a reverse proxy with a certificate in front of moza-mail serve."),
        )
    if not config.view_url:
        yield good("config", _('`view_url` is not set, so mails have no "Lees online" link'))


def _find_private_files(project: Project, status: StoreStatus | None) -> list[FilePermissions]:
    """Return the permissions of the files that only their owner should be able to read."""
    files = project.find_private_files()
    if status and status.path:
        path = status.path
        sides = (path, *(path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm")))
        files += [("the store", side) for side in sides if side.is_file()]
    seen = []
    for name, file in files:
        stat = file.stat()
        is_ours = stat.st_uid in {os.geteuid(), 0}
        seen.append(FilePermissions(name=name, path=file, mode=stat.st_mode, is_owned=is_ours))
    return seen


def _find_free_space(project: Project, status: StoreStatus) -> int | None:
    """Return the free space on the store's disk in bytes; None if the store is on a server."""
    if status.path is None:
        return None
    nearest = next((folder for folder in status.path.parents if folder.is_dir()), project.root)
    return shutil.disk_usage(nearest).free


def _is_clock_synchronised() -> bool | None:
    """Return True if the clock is synchronised (adjtimex); None if the system does not say."""
    if Path("/run/systemd/timesync/synchronized").exists():
        return True
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (AttributeError, OSError):
        return None
    return None if state < 0 else state != TIME_ERROR


def _make_envelopes(bounce_domain: str, lists: dict[str, MailingList]) -> list[tuple[Address, Address]]:
    """Return, for each list, a return address and a recipient to try at the relay.

    The return address looks like that of a real message. The recipient is the sender of the list.
    """
    bounce = Address(local=EXAMPLE_LOCAL_PART, domain=bounce_domain) if bounce_domain else None
    return [(bounce or one.sender, one.sender) for one in lists.values()]


async def _examine_servers(
    project: Project, lists: dict[str, MailingList], keys: Keys
) -> AsyncIterator[Diagnosis]:
    """Examine the access token, the relay and the bounce mailbox, if the project has them."""
    if token := await _examine_token(project):
        yield token
    async for diagnosis in _examine_relay(project, lists, keys):
        yield diagnosis
    if mailbox := await _examine_mailbox(project):
        yield mailbox


async def _examine_token(project: Project) -> Diagnosis | None:
    """Get an OAuth 2 access token. Returns None if the project has passwords only."""
    try:
        get_token = token_getter(project)
        if get_token is None:
            return None
        await asyncio.to_thread(get_token, "")
    except MozaMailError as error:
        return bad("oauth", error.message, error.hint)
    return good("oauth", _("there is an access token for the mail servers"))


async def _examine_mailbox(project: Project) -> Diagnosis | None:
    """Log in at the bounce mailbox's server. Returns None if the mailbox is not on a server."""
    source = project.config.bounce_mailbox
    if not is_imap_url(source):
        return None
    try:
        mailbox = open_mailbox(source, project.root, mailbox_access(project))
        await asyncio.to_thread(mailbox.check_login)
    except MozaMailError as error:
        return bad("mailbox", error.message, error.hint)
    return good("mailbox", _("{mailbox} accepts the login", mailbox=mailbox.name))


async def _examine_relay(
    project: Project, lists: dict[str, MailingList], keys: Keys
) -> AsyncIterator[Diagnosis]:
    config = project.config
    if outbox_folder(project):
        if problem := find_outbox_problem(config.relay, project.root):
            yield bad("relay", problem, _("Make the folder writable, or name another one."))
        yield doubtful(
            "relay",
            _(
                "`relay` is {relay}: messages are written to a folder, and nobody is mailed",
                relay=config.relay,
            ),
            _("Name a real relay when you are ready (docs/configuration.md)."),
        )
        return
    try:
        seen = await probe_relay(
            config.relay, relay_access(project), _make_envelopes(config.bounce_domain, lists)
        )
    except MozaMailError as error:
        # The hint of this error, to run the same command again, would be wrong advice here.
        is_unreachable = isinstance(error, RelayUnreachable)
        yield bad(
            "relay", error.message, _("Fix this before you send anything.") if is_unreachable else error.hint
        )
        return
    needs = RelayRequirements(
        size=measure_newest_issue(project, keys),
        reports=bool(config.dsn_notify),
        smtputf8=config.smtputf8,
    )
    for diagnosis in judge_relay(seen, needs, now=now()):
        yield diagnosis


def measure_newest_issue(project: Project, keys: Keys) -> int:
    """Return the size in bytes of one message with the newest issue.

    Returns 0 if the message cannot be composed, or if the project has no secret yet. Composing would create the secret.
    """
    path = find_newest_issue(project)
    if path is None or not any(name == "the secret" for name, _ in project.find_private_files()):
        return 0
    try:
        prepared = prepare_issue(project, str(path))
        compiled = prepared.compile(prepared.draft_mailing(), keys=keys.get(prepared.mailing_list.slug, ()))
        _, message = compiled.compose_message(example_recipient(prepared.rendered))
    except MozaMailError:
        return 0
    return len(message.content)


async def _examine_domains(
    project: Project, lists: dict[str, MailingList], keys: Keys, dns: dns_check.DnsResolver
) -> AsyncIterator[Diagnosis]:
    """Examine the DNS of each sender domain. A domain that lists share is examined once."""
    domains = {}
    for slug, mailing_list in lists.items():
        domain = mailing_list.sender.domain
        domains[domain] = dns_check.SenderDomain(
            domain=domain,
            return_path=project.config.bounce_domain,
            signing_domain=project.config.dkim_domain,
            keys=tuple(
                dns_check.ExpectedKey(
                    record_name=key.record_name,
                    key_type=key.key_type.value,
                    public_key=key.public_key,
                    zone_line=key.zone_line,
                )
                for key in keys.get(slug, ())
            ),
        )
    for sender in domains.values():
        for diagnosis in await dns_check.check_domain(dns.look_up, sender):
            yield diagnosis
