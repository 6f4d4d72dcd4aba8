"""A mailbox on a mail server, over IMAP (RFC 3501): read without being changed, marked or moved when a fact is stored.

The library's calls wait, so whoever has an event loop calls these methods in a thread, one at a time.
"""

import imaplib
import re
import ssl
from base64 import b64encode
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from io import BytesIO
from typing import Any

from moza_mail.bounces.clearing import ClearingResult
from moza_mail.bounces.header import clean_text
from moza_mail.bounces.imap_url import ImapUrl, MailboxAccess, encode_folder
from moza_mail.bounces.message import MAX_CONTENT, MailboxMessage, read_lines
from moza_mail.errors import MailboxError, ProjectError
from moza_mail.i18n import Translatable, describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model import network

TIMEOUT = 60.0
"""How long we wait for any answer, in seconds."""
MAX_ANSWER = 4 * MAX_CONTENT
# What a search gives is one line, of which the library takes a million characters; a number has ten at most.
SEARCH_BATCH = 10_000
# Their numbers in one command stay well below the 8,000 octets that a server must take (RFC 7162 4).
DELETE_BATCH = 500
COUNTED_FLAG, UNRECOGNIZED_FLAG = "$MozaMailCounted", "$MozaMailLeft"
UID = re.compile(rb"\bUID (\d+)")
SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
QUOTED = re.compile(rb'BODY\[\]<0> "((?:[^"\\]|\\.)*)"')
MAX_DESCRIPTION = 200


class _Bounded(imaplib.IMAP4):
    """Refuses an answer larger than anything that was asked for, before it is in memory."""

    def read(self, size: int) -> bytes:
        if size > MAX_ANSWER:
            raise self.abort("it sends more than it was asked for")
        return super().read(size)


class _BoundedTls(_Bounded, imaplib.IMAP4_SSL):
    """The same inside TLS from the first byte."""


class ImapMailbox:
    """A folder of a mail server. `done` moves what is counted into the folder that the URL names, or marks it.

    What nobody knows is marked too, with a flag that mail programs show, and is not read again. `clear` alone deletes, of what
    carries our mark of the counted, what has had its time.
    """

    def __init__(self, url: ImapUrl, access: MailboxAccess) -> None:
        self.name = str(url)
        self._url = url
        self._access = access
        self._server: imaplib.IMAP4 | None = None
        self._is_waiting = False
        self._keeps_keywords = False
        self._validity: list[Any] = []

    def read_messages(self) -> Iterator[MailboxMessage]:
        """Each message that was not read before, by its number; raise MailboxError when the server is gone."""
        with self._translate_errors():
            server = self._server = self._connect()
            numbers = self._find_unread(server)
        for number in numbers:
            with self._translate_errors():
                letter = self._fetch(server, number)
            if letter:
                yield letter

    def mark_counted(self, message: MailboxMessage) -> None:
        """Mark the message as counted and move it, or mark it as counted and seen where it is."""
        if self._url.done:
            if self._keeps_keywords:
                # The mark goes along, and is what `clear` knows it by.
                self._change(message, lambda server, number: self._mark(server, number, COUNTED_FLAG))
            self._change(message, self._move)
        else:
            self._change(message, lambda server, number: self._mark(server, number, rf"{COUNTED_FLAG} \Seen"))

    def mark_unrecognized(self, message: MailboxMessage) -> None:
        r"""Mark the message so that it is not read anew, with the flag by which a person finds it."""
        flags = rf"{UNRECOGNIZED_FLAG} \Flagged" if self._keeps_keywords else r"\Flagged"
        self._change(message, lambda server, number: self._mark(server, number, flags))

    def delete_counted(self, before: datetime, *, dry_run: bool) -> ClearingResult:
        """Delete the letters that came before a moment's day and carry our mark of the counted; with `dry_run` only count them."""
        taken = 0
        stay: dict[str, int] = {}
        with self._translate_errors():
            server = self._server = self._connect()
            for folder in dict.fromkeys(filter(None, (self._url.folder, self._url.done))):
                typ, data = server.list(pattern=encode_folder(folder))  # type: ignore[arg-type]
                if folder == self._url.done and typ == "OK" and not any(data):
                    continue
                count = self._select(server, folder, readonly=dry_run)
                # RFC 3501 6.4.4: BEFORE compares the day on which it came with this one.
                old = f"BEFORE {imaplib.Time2Internaldate(before)[1:12].strip()}"
                ours = self._search(server, count, f"{old} KEYWORD {COUNTED_FLAG}")
                others = len(self._search(server, count, f"UNDELETED {old} UNKEYWORD {COUNTED_FLAG}"))
                if others:
                    stay[_("in {folder} are not marked as counted", folder=folder)] = others
                if "UIDPLUS" in server.capabilities:
                    taken += len(ours)
                    if not dry_run:
                        self._delete(server, ours)
                elif ours:
                    stay[
                        _(
                            "in {folder} cannot be deleted one by one by this server (no UIDPLUS)",
                            folder=folder,
                        )
                    ] = len(ours)
        return ClearingResult(deleted=taken, kept=stay)

    def _delete(self, server: imaplib.IMAP4, numbers: Sequence[int]) -> None:
        """Delete these and no others (UIDPLUS, RFC 4315): a plain EXPUNGE would take away what others have marked."""
        for first in range(0, len(numbers), DELETE_BATCH):
            these = ",".join(map(str, numbers[first : first + DELETE_BATCH]))
            self._mark(server, these, r"\Deleted")
            typ, data = server.uid("EXPUNGE", these)
            self._require_ok(typ, data, _("does not delete counted messages"))

    def close(self) -> None:
        """Take leave of the server, unless another thread still waits for its answer."""
        server, self._server = self._server, None
        if server is None or self._is_waiting:
            return
        with suppress(OSError, EOFError, imaplib.IMAP4.error):
            server.logout()
        with suppress(OSError):
            server.shutdown()

    def _connect(self) -> imaplib.IMAP4:
        url = self._url
        if not self._access.password:
            raise MailboxError(
                _("the mailbox `{mailbox}` needs a password, but none is set", mailbox=self.name),
                hint=_(
                    "Set MOZA_MAIL_IMAP_PASSWORD in the environment, or name its file in MOZA_MAIL_IMAP_PASSWORD_FILE."
                ),
            )
        context = None if url.scheme == "imap" else self._context()
        server: imaplib.IMAP4
        if context and url.scheme == "imaps":
            server = _BoundedTls(url.host, url.port, ssl_context=context, timeout=TIMEOUT)
        else:
            server = _Bounded(url.host, url.port, timeout=TIMEOUT)
        try:
            if context and url.scheme == "imap+starttls":
                server.starttls(context)
            elif url.scheme == "imap":
                self._guard_plaintext(str(server.socket().getpeername()[0]))
            self._log_in(server)
            # What it can do it may tell only now (RFC 3501 6.1.1).
            server.capabilities = tuple(str(server.capability()[1][-1], "ascii", "replace").upper().split())
        except BaseException:
            with suppress(OSError):
                server.shutdown()
            raise
        return server

    def _context(self) -> ssl.SSLContext:
        cafile = self._access.cafile
        try:
            return ssl.create_default_context(cafile=cafile or None)
        except OSError as error:
            raise ProjectError(
                _(
                    "`bounce_ca_file`: {path} has no certificates that can be read ({reason})",
                    path=cafile,
                    reason=describe_os_error(error),
                ),
                hint=_(
                    "Name a PEM file with the certificate authority that signed the mail server's certificate."
                ),
            ) from None

    def _guard_plaintext(self, peer: str) -> None:
        """A name shows only now where it leads; the password has not been said yet."""
        if not network.is_private(peer):
            raise ProjectError(
                _(
                    "`{mailbox}` leads to {peer}, outside this machine's private networks, and is not encrypted",
                    mailbox=self.name,
                    peer=peer,
                ),
                hint=_("Use imaps:// or imap+starttls://."),
            )

    def _log_in(self, server: imaplib.IMAP4) -> None:
        """Log in once: a second way after a refused password would count as a second wrong password."""
        user, password = self._url.user, self._access.password
        try:
            if "AUTH=PLAIN" in server.capabilities:
                token = b"\0".join((b"", user.encode(), password.encode()))
                server.authenticate("PLAIN", lambda _: token)
            elif "LOGINDISABLED" in server.capabilities or not f"{user}{password}".isascii():
                raise server.error("it offers no login method that we support (AUTH=PLAIN, LOGIN)")
            else:
                quoted = user.replace("\\", "\\\\").replace('"', '\\"')
                server.login(f'"{quoted}"', password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise MailboxError(
                _(
                    "the mailbox `{mailbox}` refuses the login: {reply}",
                    mailbox=self.name,
                    reply=self._describe(error),
                ),
                hint=_(
                    "Check the user name in the URL and MOZA_MAIL_IMAP_PASSWORD. Only one attempt is made, so that the account is not locked."
                ),
            ) from None

    def _find_unread(self, server: imaplib.IMAP4) -> list[int]:
        """The numbers (UIDs) of the messages that were neither counted nor left before."""
        count = self._select(server, self._url.folder)
        self._validity = server.response("UIDVALIDITY")[1]
        allowed = b" ".join(found for found in server.response("PERMANENTFLAGS")[1] if found)
        self._keeps_keywords = not allowed or rb"\*" in allowed or COUNTED_FLAG.encode() in allowed
        if not self._keeps_keywords and not self._url.done:
            raise ProjectError(
                _(
                    "the mailbox `{mailbox}` keeps no flags of our own, so counted messages must be moved",
                    mailbox=self.name,
                ),
                hint=_("Add a folder for them to the URL: ?done=Processed"),
            )
        wanted = (
            f"UNKEYWORD {COUNTED_FLAG} UNKEYWORD {UNRECOGNIZED_FLAG}" if self._keeps_keywords else "UNFLAGGED"
        )
        return self._search(server, count, f"UNDELETED {wanted}")

    def _select(self, server: imaplib.IMAP4, folder: str, *, readonly: bool = False) -> int:
        """Open a folder and give how many messages are in it."""
        typ, data = server.select(encode_folder(folder), readonly)  # type: ignore[arg-type]  # bytes are sent as they are
        self._require_ok(typ, data, _("does not open the folder {folder}", folder=folder))
        return int(data[0] or 0)

    def _search(self, server: imaplib.IMAP4, count: int, wanted: str) -> list[int]:
        """The numbers (UIDs) of those of the open folder that are wanted."""
        found: list[int] = []
        for first in range(1, count + 1, SEARCH_BATCH):
            typ, lines = server.uid("SEARCH", f"{first}:{first + SEARCH_BATCH - 1}", wanted)
            self._require_ok(typ, lines, _("does not search"))
            found += [int(number) for line in lines if line for number in line.split()]
        return sorted(set(found))

    def _fetch(self, server: imaplib.IMAP4, number: int) -> MailboxMessage | None:
        """The beginning of a message, which stays unread for others (PEEK); None when it is gone meanwhile."""
        typ, data = server.uid("FETCH", str(number), f"(UID RFC822.SIZE BODY.PEEK[]<0.{MAX_CONTENT}>)")
        self._require_ok(typ, data, _("does not return message {number}", number=number))
        told, content = b"", None
        for item in data:
            told += item[0] if isinstance(item, tuple) else item or b""
            if isinstance(item, tuple) and content is None:
                content = item[1]
        found = UID.search(told)
        if found is None or int(found[1]) != number:
            return None
        if content is None:
            quoted = QUOTED.search(told)
            content = re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else b""
        size = SIZE.search(told)
        return _make_message(f"UID {number}", content, int(size[1]) if size else len(content))

    def _change(self, letter: MailboxMessage, how: Any) -> None:
        server = self._server
        if server is None:
            raise MailboxError(_("the mailbox `{mailbox}` was closed", mailbox=self.name))
        with self._translate_errors():
            renumbered = server.response("UIDVALIDITY")[1]
            if renumbered not in ([None], self._validity):
                raise MailboxError(
                    _(
                        "the mailbox `{mailbox}` was recreated while it was read (UIDVALIDITY)",
                        mailbox=self.name,
                    )
                )
            how(server, letter.name.removeprefix("UID "))

    def _mark(self, server: imaplib.IMAP4, number: str, flags: str) -> None:
        typ, data = server.uid("STORE", number, "+FLAGS.SILENT", f"({flags})")
        self._require_ok(typ, data, _("does not mark message {number}", number=number))

    def _move(self, server: imaplib.IMAP4, number: str) -> None:
        """Move by MOVE (RFC 6851), else copy and take away this one alone (UIDPLUS, RFC 4315)."""
        command = "MOVE" if "MOVE" in server.capabilities else "COPY"
        goal = encode_folder(self._url.done)
        typ, data = server.uid(command, number, goal)  # type: ignore[arg-type]
        if typ == "NO" and b"[TRYCREATE]" in (data[-1] or b""):
            server.create(goal)  # type: ignore[arg-type]
            server.subscribe(goal)  # type: ignore[arg-type]
            typ, data = server.uid(command, number, goal)  # type: ignore[arg-type]
        self._require_ok(
            typ, data, _("does not move message {number} to {folder}", number=number, folder=self._url.done)
        )
        if command == "COPY":
            self._mark(server, number, r"\Deleted \Seen")
            # Without UIDPLUS it stays, marked, for a plain EXPUNGE would take away what others have marked.
            if "UIDPLUS" in server.capabilities:
                typ, data = server.uid("EXPUNGE", number)
                self._require_ok(typ, data, _("does not delete message {number}", number=number))

    def _require_ok(self, typ: str, data: list[Any], failure: Translatable) -> None:
        if typ != "OK":
            raise MailboxError(
                _(
                    "the mailbox `{mailbox}` {failure}: {reply}",
                    mailbox=self.name,
                    failure=failure,
                    reply=self._describe(data[-1] if data else b""),
                )
            )

    @contextmanager
    def _translate_errors(self) -> Generator[None]:
        """Turn what the library and the network raise into errors of ours."""
        self._is_waiting = True
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise self._make_tls_error(
                _("its certificate is not valid: {reason}", reason=error.verify_message or str(error))
            ) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise self._make_unreachable_error(_("it closed the connection")) from None
        except ssl.SSLError as error:
            raise self._make_tls_error(
                _("TLS could not be negotiated ({reason})", reason=error.reason or str(error))
            ) from None
        except imaplib.IMAP4.readonly:
            raise ProjectError(
                _(
                    "the mailbox `{mailbox}` is read-only, so nothing can be marked as counted",
                    mailbox=self.name,
                ),
                hint=_("Give its user write access. Nothing was counted."),
            ) from None
        except (OSError, EOFError, imaplib.IMAP4.error) as error:
            said = self._describe(error.strerror if isinstance(error, OSError) and error.strerror else error)
            raise self._make_unreachable_error(said or _("it closed the connection")) from None
        finally:
            self._is_waiting = False

    def _make_unreachable_error(self, reason: str) -> MailboxError:
        return MailboxError(
            _("the mailbox `{mailbox}` does not answer: {reason}", mailbox=self.name, reason=reason)
        )

    def _make_tls_error(self, reason: str) -> MailboxError:
        return MailboxError(
            _("the mailbox `{mailbox}` has no secure connection: {reason}", mailbox=self.name, reason=reason),
            hint=_(
                "Check the host and port in the URL, or ask the server's operator. The password was not sent."
            ),
        )

    def _describe(self, said: object) -> str:
        """The server's words, clean and short, without the password should it repeat one."""
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        user, secret = self._url.user, self._access.password
        for token in (secret, *(b64encode(raw.encode()).decode() for raw in (secret, f"\0{user}\0{secret}"))):
            words = words.replace(token, "***") if secret else words
        return clean_text(words)[:MAX_DESCRIPTION]


def _make_message(name: str, content: bytes, size: int) -> MailboxMessage:
    """A letter by its beginning; of one that is longer its size stands for the rest, in its digest."""
    beginning = content[:MAX_CONTENT]
    rest = [b"\n%d octets" % size] if size > len(beginning) >= MAX_CONTENT else []
    return MailboxMessage.from_lines(name, [*read_lines(BytesIO(beginning)), *rest])
