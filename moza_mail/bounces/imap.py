"""A bounce mailbox on an IMAP server (RFC 3501).

Reading changes nothing; processed messages are marked or moved. imaplib blocks, so a program with an event loop calls these
methods in a thread, one at a time.
"""

import binascii
import imaplib
import ssl
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from moza_mail.bounces.header import clean_text
from moza_mail.bounces.imap_connection import TIMEOUT, BoundedImap, BoundedImapTls, ReplyLimitExceeded
from moza_mail.bounces.imap_replies import read_fetched, read_numbers
from moza_mail.bounces.imap_url import MAILBOX, ImapUrl, encode_folder
from moza_mail.bounces.message import MAX_CONTENT, ClearingResult, MailboxMessage
from moza_mail.errors import MailboxError, MailboxLoginRefused, ProjectError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.network import is_own
from moza_mail.model.oauth import find_login_remedy
from moza_mail.model.server_url import (
    ServerAccess,
    describe_tls_error,
    find_tls_remedy,
    hide_password,
    make_tls_context,
)

LOGOUT_TIMEOUT = 5.0  # seconds to wait for the reply to a logout
MAX_MESSAGES = 1_000_000
"""The maximum number of messages in a folder."""
# A search result is one line. imaplib accepts a million characters in a line, and a UID has at most ten.
SEARCH_BATCH = 10_000
# A command with this many UIDs is well below the 8,000 bytes that a server must accept (RFC 7162 4).
DELETE_BATCH = 500
PROCESSED_FLAG, UNRECOGNIZED_FLAG = "$MozaMailProcessed", "$MozaMailUnrecognized"
MAX_DESCRIPTION = 200


class _AccessTokenRefused(Exception):
    """The server refuses an OAuth 2 token that has not expired."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class ImapMailbox:
    """A folder on a mail server.

    Processed messages move to the folder that `?done=` names. Without such a folder, they get a flag.
    Unrecognised messages get a flag that mail programs show. Neither processed nor unrecognised messages are
    read again. Only `delete_processed` deletes messages, and it deletes only messages with our flag.
    """

    def __init__(self, url: ImapUrl, access: ServerAccess) -> None:
        self.name = str(url)
        self._url = url
        self._access = access
        self._server: BoundedImap | None = None
        self._is_waiting = False
        self._keeps_keywords = False
        self._validity: list[Any] = []

    def read_messages(self) -> Iterator[MailboxMessage]:
        """Yield each message that is neither processed nor unrecognised.

        Raises MailboxError if the server does not answer.
        """
        with self._translate_errors():
            server = self._server = self._connect()
            uids = self._find_unread(server)
        for uid in uids:
            with self._translate_errors():
                message = self._fetch(server, uid)
            if message:
                yield message

    def mark_processed(self, message: MailboxMessage) -> None:
        """Flag the message as processed, and move it to the folder in `?done=`, if there is one."""
        if self._url.done:
            if self._keeps_keywords:
                # The flag moves with the message, and delete_processed looks for it.
                self._change(message, lambda server, uid: self._mark(server, uid, PROCESSED_FLAG))
            self._change(message, self._move)
        else:
            self._change(message, lambda server, uid: self._mark(server, uid, rf"{PROCESSED_FLAG} \Seen"))

    def mark_unrecognized(self, message: MailboxMessage) -> None:
        """Flag the message, so that a person finds it.

        A flagged message is not read again.
        """
        flags = rf"{UNRECOGNIZED_FLAG} \Flagged" if self._keeps_keywords else r"\Flagged"
        self._change(message, lambda server, uid: self._mark(server, uid, flags))

    def delete_processed(self, before: datetime, *, dry_run: bool) -> ClearingResult:
        """Delete processed messages that arrived before the day of `before`.

        With `dry_run`, they are only counted.
        """
        deleted = 0
        kept: dict[str, int] = {}
        with self._translate_errors():
            server = self._server = self._connect()
            for folder in dict.fromkeys(filter(None, (self._url.folder, self._url.done))):
                typ, data = server.list(pattern=encode_folder(folder))  # type: ignore[arg-type]
                if folder == self._url.done and typ == "OK" and not any(data):
                    continue
                count = self._select(server, folder, readonly=dry_run)
                # RFC 3501 6.4.4: BEFORE compares dates without their time.
                old = f"BEFORE {imaplib.Time2Internaldate(before)[1:12].strip()}"
                processed = self._search(server, count, f"{old} KEYWORD {PROCESSED_FLAG}")
                others = len(self._search(server, count, f"UNDELETED {old} UNKEYWORD {PROCESSED_FLAG}"))
                if others:
                    kept[_("in {folder} are not marked as processed by moza-mail", folder=folder)] = others
                if "UIDPLUS" in server.capabilities:
                    deleted += len(processed)
                    if not dry_run:
                        self._delete(server, processed)
                elif processed:
                    kept[
                        _(
                            "in {folder} cannot be deleted one by one, because the server has no UIDPLUS",
                            folder=folder,
                        )
                    ] = len(processed)
        return ClearingResult(deleted=deleted, kept=kept)

    def _delete(self, server: imaplib.IMAP4, uids: Sequence[int]) -> None:
        """Delete the messages with the given UIDs, and no others (UIDPLUS, RFC 4315).

        A plain EXPUNGE would also delete messages that other programs have marked.
        """
        for first in range(0, len(uids), DELETE_BATCH):
            batch = ",".join(map(str, uids[first : first + DELETE_BATCH]))
            self._mark(server, batch, r"\Deleted")
            typ, data = server.uid("EXPUNGE", batch)
            self._require_ok(typ, data, _("does not delete the processed messages"))

    def check_login(self) -> None:
        """Log in and out; raise MailboxError if the server refuses."""
        try:
            with self._translate_errors():
                self._server = self._connect()
        finally:
            self.close()

    def close(self) -> None:
        """Log out and disconnect.

        The connection stays open if another thread is waiting for a reply.
        """
        server, self._server = self._server, None
        if server is None or self._is_waiting:
            return
        with suppress(OSError, EOFError, imaplib.IMAP4.error, ReplyLimitExceeded):
            server.limit_time(LOGOUT_TIMEOUT)
            server.logout()
        with suppress(OSError):
            server.shutdown()

    def _connect(self) -> BoundedImap:
        url = self._url.server
        if not (self._access.password or self._access.get_token):
            raise MailboxError(
                _("the mailbox `{mailbox}` needs a password, but none is set", mailbox=self.name),
                hint=_(
                    "Set MOZA_MAIL_IMAP_PASSWORD in the environment, or name its file in MOZA_MAIL_IMAP_PASSWORD_FILE."
                ),
            )
        context = None if url.scheme == "imap" else make_tls_context(self._access, MAILBOX)
        get_token = self._access.get_token
        if get_token is None:
            return self._log_on(context, "")
        token = get_token("")
        try:
            return self._log_on(context, token)
        except _AccessTokenRefused:
            # A stored token may have been revoked before it expires. The server may have closed the
            # connection.
            token = get_token(token)
        try:
            return self._log_on(context, token)
        except _AccessTokenRefused as refused:
            raise self._make_login_error(refused.reason.replace(token, "***")) from None

    def _log_on(self, context: ssl.SSLContext | None, token: str) -> BoundedImap:
        """Open a connection and log in, with the OAuth 2 token if there is one."""
        url = self._url.server
        server: BoundedImap
        if context and url.scheme == "imaps":
            server = BoundedImapTls(url.host, url.port, ssl_context=context, timeout=TIMEOUT)
        else:
            server = BoundedImap(url.host, url.port, timeout=TIMEOUT)
        try:
            if context and url.scheme == "imap+starttls":
                server.starttls(context)
            elif url.scheme == "imap":
                self._refuse_public_plaintext(str(server.socket().getpeername()[0]))
            self._log_in(server, token)
            # A server may have more capabilities after the login (RFC 3501 6.1.1).
            listed = server.capability()[1][-1] or b""
            server.capabilities = tuple(str(listed, "ascii", "replace").upper().split())
        except BaseException:
            with suppress(OSError):
                server.shutdown()
            raise
        return server

    def _refuse_public_plaintext(self, peer: str) -> None:
        """Raise ProjectError if an unencrypted server is outside our own networks.

        The check uses the IP address of the connection, and is made before the login.
        """
        if not is_own(peer):
            raise ProjectError(
                _(
                    "the mailbox `{mailbox}` is at {peer}, outside our own networks, and is not encrypted",
                    mailbox=self.name,
                    peer=peer,
                ),
                hint=_("Use imaps:// or imap+starttls://."),
            )

    def _log_in(self, server: imaplib.IMAP4, token: str) -> None:
        """Log in with one mechanism only: a second wrong password could lock the account."""
        if token:
            self._log_in_with_token(server, token)
            return
        user, password = self._url.server.user, self._access.password
        try:
            if "AUTH=PLAIN" in server.capabilities:
                login = b"\0".join((b"", user.encode(), password.encode()))
                server.authenticate("PLAIN", lambda _challenge: login)
            elif "LOGINDISABLED" in server.capabilities or not f"{user}{password}".isascii():
                raise self._make_login_error(
                    _("it offers no login method that moza-mail supports (AUTH=PLAIN, LOGIN)")
                )
            else:
                quoted = user.replace("\\", "\\\\").replace('"', '\\"')
                server.login(f'"{quoted}"', password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise self._make_login_error(self._describe(error)) from None

    def _log_in_with_token(self, server: imaplib.IMAP4, token: str) -> None:
        """Log in with XOAUTH2; raise _AccessTokenRefused if the server refuses the token."""
        if "AUTH=XOAUTH2" not in server.capabilities:
            raise self._make_login_error(_("it does not offer XOAUTH2"))
        first = f"user={self._url.server.user}\1auth=Bearer {token}\1\1".encode()
        # A server that refuses the token sends an error in JSON, and expects an empty answer.
        answers = iter([first])
        try:
            server.authenticate("XOAUTH2", lambda _challenge: next(answers, b""))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise _AccessTokenRefused(self._describe(error)) from None

    def _make_login_error(self, reason: str) -> MailboxLoginRefused:
        remedy = find_login_remedy(reason, with_token=self._access.get_token is not None)
        return MailboxLoginRefused(
            _("the mailbox `{mailbox}` refuses the login: {reason}", mailbox=self.name, reason=reason),
            hint=remedy
            or _(
                "Check the user name in the URL and MOZA_MAIL_IMAP_PASSWORD. Only one attempt is made, so that the account is not locked."
            ),
        )

    def _find_unread(self, server: imaplib.IMAP4) -> list[int]:
        """Return the UIDs of the messages that are neither processed nor unrecognised."""
        count = self._select(server, self._url.folder)
        self._validity = server.response("UIDVALIDITY")[1]
        allowed = b" ".join(
            found for found in server.response("PERMANENTFLAGS")[1] if isinstance(found, bytes)
        )
        self._keeps_keywords = not allowed or rb"\*" in allowed or PROCESSED_FLAG.encode() in allowed
        if not self._keeps_keywords and not self._url.done:
            raise ProjectError(
                _(
                    "the mailbox `{mailbox}` does not support custom flags, so processed messages must be moved to another folder",
                    mailbox=self.name,
                ),
                hint=_("Add the name of that folder to the URL: ?done=Processed"),
            )
        unread = (
            f"UNKEYWORD {PROCESSED_FLAG} UNKEYWORD {UNRECOGNIZED_FLAG}"
            if self._keeps_keywords
            else "UNFLAGGED"
        )
        return self._search(server, count, f"UNDELETED {unread}")

    def _select(self, server: imaplib.IMAP4, folder: str, *, readonly: bool = False) -> int:
        """Open a folder and return its number of messages."""
        typ, data = server.select(encode_folder(folder), readonly)  # type: ignore[arg-type]  # bytes are sent as they are
        self._require_ok(typ, data, _("refuses to open the folder {folder}", folder=folder))
        count = next(iter(read_numbers(data[:1])), None)
        if count is None:
            raise self._make_reply_error(
                _("it does not report the number of messages in {folder}", folder=folder)
            )
        if count > MAX_MESSAGES:
            raise self._make_reply_error(
                _("it reports {count} messages in {folder}, which is too many", count=count, folder=folder)
            )
        return count

    def _search(self, server: imaplib.IMAP4, count: int, criteria: str) -> list[int]:
        """Return the UIDs of the matching messages in the open folder."""
        found: list[int] = []
        for first in range(1, count + 1, SEARCH_BATCH):
            typ, lines = server.uid("SEARCH", f"{first}:{first + SEARCH_BATCH - 1}", criteria)
            self._require_ok(typ, lines, _("refuses to search"))
            uids = read_numbers(lines)
            # The command searches SEARCH_BATCH messages, so an honest server returns no more UIDs than that.
            if len(uids) > SEARCH_BATCH:
                raise self._make_reply_error(_("it sends more than was requested"))
            found += uids
        return sorted(set(found))

    def _fetch(self, server: imaplib.IMAP4, uid: int) -> MailboxMessage | None:
        """Return at most MAX_CONTENT bytes of a message; None if it is gone.

        Because of PEEK, the message stays unread for other programs.
        """
        typ, data = server.uid("FETCH", str(uid), f"(UID RFC822.SIZE BODY.PEEK[]<0.{MAX_CONTENT}>)")
        self._require_ok(typ, data, _("does not return message {number}", number=uid))
        return read_fetched(data, uid)

    def _change(self, message: MailboxMessage, change: Callable[[imaplib.IMAP4, str], None]) -> None:
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
            change(server, message.name.removeprefix("UID "))

    def _mark(self, server: imaplib.IMAP4, uids: str, flags: str) -> None:
        typ, data = server.uid("STORE", uids, "+FLAGS.SILENT", f"({flags})")
        self._require_ok(typ, data, _("does not mark message {number}", number=uids))

    def _move(self, server: imaplib.IMAP4, uid: str) -> None:
        """Move a message with MOVE (RFC 6851).

        On a server without MOVE, the message is copied. The original is then deleted if the server has
        UIDPLUS (RFC 4315).
        """
        command = "MOVE" if "MOVE" in server.capabilities else "COPY"
        target = encode_folder(self._url.done)
        typ, data = server.uid(command, uid, target)  # type: ignore[arg-type]
        if typ == "NO" and b"[TRYCREATE]" in (data[-1] or b""):
            server.create(target)  # type: ignore[arg-type]
            server.subscribe(target)  # type: ignore[arg-type]
            typ, data = server.uid(command, uid, target)  # type: ignore[arg-type]
        self._require_ok(
            typ, data, _("does not move message {number} to {folder}", number=uid, folder=self._url.done)
        )
        if command == "COPY":
            self._mark(server, uid, r"\Deleted \Seen")
            # Without UIDPLUS the original only keeps the mark \Deleted. A plain EXPUNGE would also delete
            # messages that other programs have marked.
            if "UIDPLUS" in server.capabilities:
                typ, data = server.uid("EXPUNGE", uid)
                self._require_ok(typ, data, _("does not delete message {number}", number=uid))

    def _require_ok(self, typ: str, data: list[Any], failure: str) -> None:
        if typ != "OK":
            reply = self._describe(data[-1] if data else b"")
            raise MailboxError(
                _(
                    "the mailbox `{mailbox}` {failure}: {reply}",
                    mailbox=self.name,
                    failure=failure,
                    reply=reply,
                )
            )

    @contextmanager
    def _translate_errors(self) -> Generator[None]:
        """Raise errors of imaplib and the network as MailboxError or ProjectError."""
        self._is_waiting = True
        try:
            yield
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise self._make_unreachable_error(_("it closed the connection")) from None
        except ssl.SSLError as error:
            raise MailboxError(
                _(
                    "the mailbox `{mailbox}` has no secure connection: {reason}",
                    mailbox=self.name,
                    reason=describe_tls_error(error),
                ),
                hint=find_tls_remedy(error, MAILBOX),
            ) from None
        except imaplib.IMAP4.readonly:
            raise ProjectError(
                _(
                    "the mailbox `{mailbox}` is read-only, so nothing can be marked as processed",
                    mailbox=self.name,
                ),
                hint=_("Give its user write access. Nothing was processed."),
            ) from None
        except ReplyLimitExceeded as error:
            raise self._make_reply_error(error.reason) from None
        except (UnicodeDecodeError, binascii.Error):
            # imaplib decodes the capabilities as ASCII, and login challenges as base64.
            raise self._make_reply_error(_("it sends something that is not IMAP")) from None
        except (OSError, EOFError, imaplib.IMAP4.error) as error:
            reason = self._describe(
                error.strerror if isinstance(error, OSError) and error.strerror else error
            )
            raise self._make_unreachable_error(reason or _("it closed the connection")) from None
        finally:
            self._is_waiting = False

    def _make_unreachable_error(self, reason: str) -> MailboxError:
        return MailboxError(
            _("the mailbox `{mailbox}` does not answer: {reason}", mailbox=self.name, reason=reason)
        )

    def _make_reply_error(self, reason: Translatable) -> MailboxError:
        return MailboxError(
            _(
                "the mailbox `{mailbox}` does not answer as IMAP requires: {reason}",
                mailbox=self.name,
                reason=reason,
            )
        )

    def _describe(self, reply: object) -> str:
        """Return a server's reply or an error as a short text without the password."""
        if isinstance(reply, imaplib.IMAP4.error) and reply.args:
            # imaplib raises the reply of the server as bytes.
            reply = reply.args[0]
        text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
        text = hide_password(text, self._url.server.user, self._access.password)
        return clean_text(text)[:MAX_DESCRIPTION]
