"""Open the store and the relay that a project's settings name."""

import gc
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from moza_mail import store as stores
from moza_mail import transport as transports
from moza_mail.errors import StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.server_url import ServerAccess
from moza_mail.model.store_mark import StoreMark
from moza_mail.project import Project
from moza_mail.store import Store
from moza_mail.transport import Limits, Transport


@asynccontextmanager
async def open_store(
    project: Project, account: str = "", *, any_secret: bool = False
) -> AsyncGenerator[Store]:
    """Open the project's store.

    account: the account that the audit log names; by default the account of this process.
    any_secret: accept a secret that is not the store's own.

    Raises StoreError if the store is gone, is not the project's store, is a backup, or is an older copy.
    """
    known = project.read_store_mark()
    _require_file(project, known)
    store = await stores.open_store(
        project.store_url(),
        actor=account,
        hasher=AddressHasher(secret=project.read_secret()),
        any_secret=any_secret,
        thresholds=project.config.bounce_thresholds,
    )
    try:
        if await store.identity.is_backup():
            raise StoreError(
                _("this store is a backup, so it has no record of mail sent after it was made"),
                hint=_("Move the file elsewhere, then type: moza-mail restore FILE"),
            )
        mark = await store.identity.read_mark()
        if problem := find_store_problem(known, mark):
            raise problem
        project.write_store_mark(mark)
        store.identity.on_advance = project.write_store_mark
        yield store
    finally:
        await store.close()


def _require_file(project: Project, known: StoreMark | None) -> None:
    """Raise StoreError if the project has used a store before and its file is gone.

    Otherwise, opening the store would create an empty store instead.
    """
    scheme, _colon, path = project.store_url().partition(":///")
    if known is None or scheme != "sqlite" or Path(path).exists():
        return
    raise StoreError(
        _("the store {path} is missing; it records who was mailed and who unsubscribed", path=path),
        hint=_(
            "Restore it: moza-mail restore BACKUP. To start with an empty store instead, type: moza-mail --new-store status"
        ),
    )


def find_store_problem(known: StoreMark | None, found: StoreMark) -> StoreError | None:
    """Return an error if a store is not the project's store, or is an older copy of it."""
    if known is None or (known.store_id == found.store_id and known.generation <= found.generation):
        return None
    if known.store_id != found.store_id:
        return StoreError(
            _("this is not the store that this project used before"),
            hint=_(
                "Correct `store` in moza-mail.toml, or restore the right store: moza-mail restore BACKUP. To use this store anyway, type: moza-mail --new-store status"
            ),
        )
    return StoreError(
        _("this is an older copy of the store, so it has no record of mail sent after the copy was made"),
        hint=_(
            "Put the newest copy of the store back. If there is no newer copy, type: moza-mail restore FILE, where FILE is this copy."
        ),
    )


@asynccontextmanager
async def open_transport(project: Project) -> AsyncGenerator[Transport]:
    """Open the project's relay or outbox. The first message opens the first connection."""
    config = project.config
    transport = transports.open_transport(
        config.relay,
        base=project.root,
        access=relay_access(project),
        limits=Limits(
            connections=config.connections,
            messages_per_connection=config.messages_per_connection,
            notify=config.dsn_notify,
        ),
    )
    try:
        yield transport
    finally:
        await transport.close()


def relay_access(project: Project) -> ServerAccess:
    """Return the settings for a connection to the relay, other than its URL."""
    return ServerAccess(
        password=project.read_smtp_password(),
        cafile=_path_of(project, project.config.relay_ca_file),
        allow_plaintext=project.config.allow_plaintext,
        helo_name=project.config.helo_name,
        get_token=token_getter(project, "relay"),
    )


def mailbox_access(project: Project) -> ServerAccess:
    """Return the settings for a connection to the bounce mailbox, other than its URL."""
    return ServerAccess(
        password=project.read_imap_password(),
        cafile=_path_of(project, project.config.bounce_ca_file),
        allow_plaintext=project.config.allow_plaintext,
        get_token=token_getter(project, "bounce_mailbox"),
    )


def token_getter(project: Project, purpose: str = "") -> Callable[[str], str] | None:
    """Return the function that provides OAuth 2 tokens; None if the project uses passwords.

    purpose: `relay` or `bounce_mailbox`; empty for either.
    """
    client = project.read_oauth_client(purpose)
    if client is None:
        return None
    # httpx takes a tenth of a second to import, and most projects have a password.
    from moza_mail.oauth import TokenFile, TokenSource

    return TokenSource(client, TokenFile(path=project.token_file, replace=project.write_token_file)).get_token


def _path_of(project: Project, name: str) -> str:
    return str(project.root / name) if name else ""


def outbox_folder(project: Project) -> Path | None:
    """Return the folder with the outbox's messages; None if the relay is not an outbox."""
    kind, _, path = project.config.relay.partition(":")
    return project.root / path / "new" if kind.lower() == "outbox" else None


@contextmanager
def pause_garbage_collection() -> Generator[None]:
    """Make garbage collection rare during a `with` block, and leave out existing objects.

    A send or an import creates many objects but few reference cycles.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
