"""Process bounces, complaints and unsubscribe requests from a mailbox."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from moza_mail import bounces, subscribe
from moza_mail.app import login_backoff
from moza_mail.app.clock import now
from moza_mail.app.notify import describe_cause, forget_causes, notify_operator
from moza_mail.app.open_project import mailbox_access, open_store
from moza_mail.compose import SignedLinks
from moza_mail.errors import MailboxError, MailboxLoginRefused, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.bounce import Bounce, BounceEffect
from moza_mail.model.subscriber import Suppression
from moza_mail.project import Project
from moza_mail.store import Store

T = TypeVar("T")
HELD = (
    "addresses are held: too many readers of one provider fail alike\n"
    "  Decide: moza-mail status, then moza-mail bounces accept ISSUE, or reject"
)
PIPED_FOLDER = Path("subscribers", "bounces")
"""The Maildir of messages piped by the mail server, relative to the project's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceRun:
    """Counts of the messages in a mailbox, and the resulting suppressions and unsubscriptions.

    counts: the number of messages by kind.
    repeated: the number of messages that an earlier run counted already.
    unrecognised: messages that are left for a person.
    held: the number of held suppressions. A person decides about them, because too many addresses at one provider
        fail in the same way.
    error: the error that stopped reading the mailbox; None if it was read to its end.
    """

    source: str
    is_dry_run: bool
    counts: Mapping[str, int]
    repeated: int
    suppressed: Sequence[Mapping[str, str]]
    unsubscribed: Sequence[Mapping[str, str]]
    unrecognised: Sequence[Mapping[str, str]]
    held: int = 0
    error: MailboxError | None = None

    @property
    def total(self) -> int:
        """The number of messages that were read."""
        return sum(self.counts.values()) + self.repeated

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "source": self.source,
            "dry_run": self.is_dry_run,
            "read": self.total,
            "kinds": dict(self.counts),
            "counted_before": self.repeated,
            "suppressed": list(self.suppressed),
            "unsubscribed": list(self.unsubscribed),
            "left": list(self.unrecognised),
            "held": self.held,
        }


@dataclass(slots=True)
class BounceTally:
    """Counts messages while a mailbox is read."""

    counts: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    suppressed: list[Suppression] = field(default_factory=list)
    unsubscribed: list[dict[str, str]] = field(default_factory=list)
    unrecognised: list[dict[str, str]] = field(default_factory=list)
    held: int = 0

    def add(self, message: bounces.MailboxMessage, kind: str, bounce: Bounce, effect: BounceEffect) -> None:
        """Count one message. `kind` is its classification."""
        if not bounce.is_settled:
            self.counts["unknown"] += 1
            why = (
                _("it is not a bounce or a complaint")
                if kind == "unknown"
                else _("nothing proves that it is about a message of ours")
            )
            self.unrecognised.append({"message": message.name, "kind": kind, "why": why})
        elif effect.already_counted:
            self.repeated += 1
        else:
            self.counts[bounce.kind.value] += 1
        self.held += effect.is_held
        if effect.suppression and not effect.is_held:
            self.suppressed.append(effect.suppression)
        if effect.unsubscribed and bounce.sent_message:
            sent = bounce.sent_message
            self.unsubscribed.append({"address": sent.address.mask(), "list": sent.list_slug})

    async def recount_held(self, store: Store) -> None:
        """Correct `suppressed` and `held` after the whole mailbox was read.

        A later bounce in the mailbox can put suppressions on hold that were counted as `suppressed` before.
        """
        if not self.held:
            return
        left = [one for one in self.suppressed if await store.suppressions.find(one.address)]
        self.held += len(self.suppressed) - len(left)
        self.suppressed = left

    def report(self, source: str, *, is_dry_run: bool, error: MailboxError | None = None) -> BounceRun:
        """Return the counts so far."""
        return BounceRun(
            source=source,
            is_dry_run=is_dry_run,
            counts=dict(sorted(self.counts.items())),
            repeated=self.repeated,
            suppressed=[
                {"address": one.address.mask(), "reason": one.reason.value} for one in self.suppressed
            ],
            unsubscribed=self.unsubscribed,
            unrecognised=self.unrecognised,
            held=self.held,
            error=error,
        )


async def process_mailbox(
    project: Project, source: str, root: Path, *, is_dry_run: bool, is_by_hand: bool = True
) -> BounceRun | None:
    """Process a bounce mailbox and return the counts.

    Returns None without a login if the server refused the login before, unless a person started the run.

    source: the mailbox; empty for the project's own mailbox.
    root: the folder for a relative path in `source`.
    is_by_hand: True if a person started the run. Then a login that the server refused before is tried again.

    Raises ProjectError if there is no mailbox. If the mail server fails, the report has the error and the results so far.
    """
    if not source and not project.config.bounce_mailbox:
        raise ProjectError(
            _("no bounce mailbox is named"),
            hint=_(
                "Name one (maildir:PATH, mbox:PATH, imaps://USER@HOST/INBOX or -), or set bounce_mailbox in moza-mail.toml."
            ),
        )
    folder = root if source else project.root
    mailbox = bounces.open_mailbox(source or project.config.bounce_mailbox, folder, mailbox_access(project))
    tally = BounceTally()
    error: MailboxError | None = None
    has_login = not source and bounces.is_imap_url(project.config.bounce_mailbox)
    if has_login and not is_by_hand and await _was_refused(project):
        return None
    try:
        await _process(project, mailbox, tally, is_dry_run=is_dry_run)
    except MailboxError as stopped:
        error = stopped
    report = tally.report(mailbox.name, is_dry_run=is_dry_run, error=error)
    if not is_dry_run and not source:
        await _record_login_and_notify(project, report, has_login=has_login)
    return report


async def _was_refused(project: Project) -> bool:
    async with open_store(project) as store:
        return await login_backoff.was_refused(store, project, login_backoff.MAILBOX)


async def _record_login_and_notify(project: Project, report: BounceRun, *, has_login: bool) -> None:
    """Record the refusal or success of the login. Mail the operator if a person must act."""
    is_refused = isinstance(report.error, MailboxLoginRefused)
    async with open_store(project) as store:
        if has_login and (is_refused or report.error is None):
            remember = login_backoff.remember_refusal if is_refused else login_backoff.forget_refusal
            await remember(store, project, login_backoff.MAILBOX)
        causes = [describe_cause(report.error)] if report.error and is_refused else []
        if report.held:
            causes.append(HELD)
        else:
            await forget_causes(store, [HELD])
        await notify_operator(project, store, causes)


async def process_piped_message(project: Project, file: BinaryIO, *, is_dry_run: bool) -> BounceRun:
    """Store one message that the mail server pipes to us, and process it.

    If processing fails, the stored message is deleted again.
    """
    tally = BounceTally()
    folder = project.root / PIPED_FOLDER
    message, path = bounces.save_to_maildir(file, folder)
    try:
        mailbox = bounces.open_mailbox(f"maildir:{folder}", project.root)
        await _process(project, mailbox, tally, is_dry_run=is_dry_run, only=message)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if is_dry_run:
        path.unlink(missing_ok=True)
    return tally.report("standard input", is_dry_run=is_dry_run)


async def _process(
    project: Project,
    mailbox: bounces.Mailbox,
    tally: BounceTally,
    *,
    is_dry_run: bool,
    only: bounces.MailboxMessage | None = None,
) -> None:
    """Record each message in the store, and mark it in the mailbox after the commit."""
    links = SignedLinks(secret=project.read_secret())
    messages = iter([only]) if only else mailbox.read_messages()
    async with open_store(project) as store:
        try:
            while message := await _run_in_thread(next, messages, None):
                bounce = await _record(store, message, links, tally, is_dry_run=is_dry_run)
                if not is_dry_run:
                    mark = mailbox.mark_processed if bounce.is_settled else mailbox.mark_unrecognized
                    await _run_in_thread(mark, message)
            # Wait until the whole mailbox is read: the last message may report a bounce of one of these addresses.
            if not is_dry_run:
                await store.suppressions.release_held(now=now())
                await tally.recount_held(store)
        finally:
            mailbox.close()


async def _record(
    store: Store,
    message: bounces.MailboxMessage,
    links: SignedLinks,
    tally: BounceTally,
    *,
    is_dry_run: bool,
) -> Bounce:
    report = bounces.classify_message(message.content)
    bounce, effect = await subscribe.record_bounce(
        store, report, links, digest=message.digest, now=now(), dry_run=is_dry_run
    )
    tally.add(message, report.kind.value, bounce, effect)
    return bounce


async def _run_in_thread(call: Callable[..., T], *arguments: Any) -> T:
    """Run a call in a thread, because it may wait for a mail server.

    The thread is a daemon, so Ctrl-C need not wait for the call.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: Exception | None) -> None:
        # After Ctrl-C nothing awaits the result.
        if future.done():
            return
        if error is None:
            future.set_result(cast("T", result))
        else:
            future.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = call(*arguments)
        except Exception as error:  # noqa: BLE001  (raised again where the caller waits)
            failure = error
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, result, failure)

    threading.Thread(target=run, daemon=True).start()
    return await future
