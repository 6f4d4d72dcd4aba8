"""`moza-mail bounces`: read the bounce mailbox, keep what it says, and tell what followed and what is left for a person."""

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from moza_mail import bounces, subscribe
from moza_mail.app import open_project
from moza_mail.app.clock import now
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.compose import SignedLinks
from moza_mail.errors import MailboxError, MozaMailError, ProjectError
from moza_mail.model.bounce import Bounce, BounceEffect
from moza_mail.project import Project
from moza_mail.store import Store

T = TypeVar("T")
TRY_AGAIN = 75
KEPT_IN = Path("subscribers", "bounces")
UNPROVEN = "nothing proves that it is about a message of ours"


@dataclass(slots=True)
class Tally:
    """What was read: counted by kind, what followed, and what is left where it is."""

    counts: Counter[str] = field(default_factory=Counter)
    again: int = 0
    suppressed: list[dict[str, str]] = field(default_factory=list)
    unsubscribed: list[dict[str, str]] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)

    def add(self, letter: bounces.MailboxMessage, kind: str, bounce: Bounce, follows: BounceEffect) -> None:
        """Count one report; `kind` is what it was read as."""
        if not bounce.is_settled:
            self.counts["unknown"] += 1
            self.left.append({"message": letter.name, "kind": kind, "why": _why(kind)})
        elif follows.already_counted:
            self.again += 1
        else:
            self.counts[bounce.kind.value] += 1
        if follows.suppression:
            of = follows.suppression
            self.suppressed.append({"address": of.address.mask(), "reason": of.reason.value})
        if follows.unsubscribed and bounce.sent_message:
            self.unsubscribed.append(
                {"address": bounce.sent_message.address.mask(), "list": bounce.sent_message.list_slug}
            )


def _why(kind: str) -> str:
    return "it is no report that can be read" if kind == "unknown" else UNPROVEN


def read(project: Project, source: str, *, as_json: bool, dry_run: bool) -> int:
    """Read a mailbox, the project's own when none is named, and report; give the exit code."""
    if source == "-":
        return _read_one(project, sys.stdin.buffer, as_json=as_json, dry_run=dry_run)
    if not source and not project.config.bounce_mailbox:
        raise ProjectError(
            "no mailbox is named",
            hint="Name one (maildir:PATH, mbox:PATH, imaps://USER@HOST/INBOX or -), or set bounce_mailbox in moza-mail.toml.",
        )
    root = Path.cwd() if source else project.root
    mailbox = bounces.open_mailbox(
        source or project.config.bounce_mailbox, root, open_project.mailbox_access(project)
    )
    tally = Tally()
    try:
        _run(project, mailbox, tally, dry_run=dry_run)
    except MailboxError:
        # What was stored before the server went away is told too.
        _report(mailbox.name, tally, as_json=as_json, dry_run=dry_run)
        raise
    _report(mailbox.name, tally, as_json=as_json, dry_run=dry_run)
    return output.NEEDS_ATTENTION if tally.left else 0


def _read_one(project: Project, file: BinaryIO, *, as_json: bool, dry_run: bool) -> int:
    """Take one message from a mail server: 0 when it is kept, 75 when it is not, so that the server tries again."""
    try:
        tally = Tally()
        folder = project.root / KEPT_IN
        letter, kept = bounces.save_to_maildir(file, folder)
        try:
            mailbox = bounces.open_mailbox(f"maildir:{folder}", project.root)
            _run(project, mailbox, tally, dry_run=dry_run, only=letter)
        except BaseException:
            kept.unlink(missing_ok=True)
            raise
        if dry_run:
            kept.unlink(missing_ok=True)
    except MozaMailError as error:
        output.say(f"moza-mail: {error.message}")
        output.say(f"  {error.hint or 'The mail server keeps the message and tries again.'}")
        return TRY_AGAIN
    _report("standard input", tally, as_json=as_json, dry_run=dry_run)
    return 0


def _run(
    project: Project,
    mailbox: bounces.Mailbox,
    tally: Tally,
    *,
    dry_run: bool,
    only: bounces.MailboxMessage | None = None,
) -> None:
    """Read each letter, in a thread because a server may keep us waiting; put it away once its fact is committed."""
    links = SignedLinks(secret=project.read_secret())
    letters = iter([only]) if only else mailbox.read_messages()

    async def work() -> None:
        async with open_project.open_store(project) as store:
            try:
                while letter := await _in_thread(next, letters, None):
                    bounce = await _one(store, letter, links, tally, dry_run=dry_run)
                    if not dry_run:
                        await _in_thread(
                            mailbox.mark_processed if bounce.is_settled else mailbox.mark_unrecognized, letter
                        )
            finally:
                mailbox.close()

    run_async(work)


async def _in_thread(call: Callable[..., T], *arguments: Any) -> T:
    """Call what may wait for a server, in a thread that ends with us: who stops us need not wait for it too."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(found: T | None, error: Exception | None) -> None:
        # Nobody listens any more when we were stopped.
        if future.done():
            return
        if error is None:
            future.set_result(cast("T", found))
        else:
            future.set_exception(error)

    def run() -> None:
        found, failure = None, None
        try:
            found = call(*arguments)
        except Exception as error:  # noqa: BLE001  (it is raised where the caller waits)
            failure = error
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, found, failure)

    threading.Thread(target=run, daemon=True).start()
    return await future


async def _one(
    store: Store, letter: bounces.MailboxMessage, links: SignedLinks, tally: Tally, *, dry_run: bool
) -> Bounce:
    report = bounces.classify_message(letter.content)
    origin = subscribe.Origin(digest=letter.digest, at=now())
    bounce, follows = await subscribe.record_bounce(store, report, links, origin, dry_run=dry_run)
    tally.add(letter, report.kind.value, bounce, follows)
    return bounce


def _report(name: str, tally: Tally, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        output.give_json(_data(name, tally, dry_run=dry_run))
        return
    read = sum(tally.counts.values()) + tally.again
    shown = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.counts.items()))
    told = f"{name}: {read} read" + (f": {shown}" if shown else "")
    output.give(told + (f"; {tally.again} counted before" if tally.again else ""))
    would = "would be " if dry_run else ""
    for one in tally.suppressed:
        output.give(f"  {would}suppressed: {one['address']} ({one['reason']})")
    for one in tally.unsubscribed:
        output.give(f"  {would}unsubscribed: {one['address']} from {one['list']}")
    for one in tally.left:
        output.say(f"  left: {one['message']}: {one['why']}")


def _data(name: str, tally: Tally, *, dry_run: bool) -> dict[str, Any]:
    return {
        "source": name,
        "dry_run": dry_run,
        "read": sum(tally.counts.values()) + tally.again,
        "kinds": dict(sorted(tally.counts.items())),
        "counted_before": tally.again,
        "suppressed": tally.suppressed,
        "unsubscribed": tally.unsubscribed,
        "left": tally.left,
    }
