"""Connect to a relay; SmtpSession then takes over the connection.

aiosmtplib handles the greeting, TLS and login. Its commands for sending are not used, for three reasons. They
do not show whether a connection broke before the 354 or after the final dot. They give the ledger no time to
commit between the 354 and the final dot. And they do not support pipelining (RFC 2920).
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import aiosmtplib

from moza_mail.errors import AuthenticationRefused, RelayUnreachable, TlsFailed, TransportError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.network import is_own
from moza_mail.model.oauth import TokenRefused, TokenUnavailable, find_login_remedy
from moza_mail.model.reply import Reply
from moza_mail.model.server_url import (
    ServerAccess,
    ServerUrl,
    describe_tls_error,
    find_tls_remedy,
    hide_password,
    make_tls_context,
)
from moza_mail.transport.happy_eyeballs import connect_socket
from moza_mail.transport.limits import Limits
from moza_mail.transport.relay_url import RELAY
from moza_mail.transport.session import SmtpSession

# PLAIN comes first, because it takes only one round trip. It is safe, because no login is sent without TLS.
MECHANISMS = ("plain", "login", "cram-md5")
# After this many seconds without a greeting, the port is probed for TLS: a server that expects TLS first stays silent. Some
# servers delay the greeting by some 6 s and distrust clients that send anything before it, so only port 465 is probed early.
GREETING_DELAY, GREETING_DELAY_465 = 15.0, 3.0
# The reasons that OpenSSL gives if a server answers a handshake in plain text.
NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL"}
)


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeReplies:
    """The replies to MAIL and RCPT when an envelope is tried without a message.

    A reply is None if the relay did not give it.
    """

    mail: Reply | None = None
    rcpt: Reply | None = None


class _AccessTokenRefused(Exception):
    """The relay refuses an OAuth 2 token that has not expired."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


class SmtpConnector:
    """Connects to one relay. Raises RelayUnreachable, TlsFailed or AuthenticationRefused."""

    def __init__(self, relay: ServerUrl, *, access: ServerAccess, limits: Limits) -> None:
        self._relay = relay
        self._access = access
        self._limits = limits
        self._tls = None if relay.scheme == "smtp" else make_tls_context(access, RELAY)

    async def connect(self) -> SmtpSession:
        """Connect, start TLS and log in, as the relay's URL requires."""
        return await self._connect(self._start_session)

    async def try_envelope(
        self, sender: Address, recipient: Address | None = None
    ) -> tuple[SmtpSession | None, EnvelopeReplies]:
        """Connect, and send MAIL, RCPT and RSET, without a message.

        RCPT is sent only if there is a recipient. Returns the session and the replies. The session is None if the relay closed
        the connection.
        """
        return await self._connect(lambda smtp: self._try_envelope(smtp, sender, recipient))

    async def _connect(self, work: Callable[[aiosmtplib.SMTP], Awaitable[T]]) -> T:
        """Connect, log in, and call `work` with the connection.

        A stored OAuth 2 token may have been revoked before it expires, so a refused token is replaced once.
        Some servers close the connection after a refused login, so the second login has its own connection.
        """
        try:
            return await self._connect_once(work, "")
        except _AccessTokenRefused as refused:
            return await self._connect_once(work, refused.token)

    async def _connect_once(self, work: Callable[[aiosmtplib.SMTP], Awaitable[T]], rejected_token: str) -> T:
        sock = await self._open_socket()
        smtp = aiosmtplib.SMTP(
            hostname=self._relay.host,
            port=None,
            sock=sock,
            use_tls=self._relay.scheme == "smtps",
            start_tls=False,
            tls_context=self._tls,
            timeout=self._limits.timeouts.greeting,
            local_hostname="localhost",  # not sent; without it, connect() asks the DNS for our name
        )
        try:
            await self._log_on(smtp, rejected_token)
            return await work(smtp)
        except BaseException as error:
            # close() alone would wait for the relay to end TLS, and leave the transport open until then.
            if isinstance(smtp.transport, asyncio.WriteTransport):
                smtp.transport.abort()
            smtp.close()
            sock.close()
            if isinstance(error, (aiosmtplib.SMTPException, OSError, ValueError)):
                raise self._translate_error(error) from None
            raise

    async def _open_socket(self) -> socket.socket:
        seconds = self._limits.timeouts.connect
        try:
            async with asyncio.timeout(seconds):
                return await connect_socket(self._relay.host, self._relay.port)
        except TimeoutError:
            reason = _("no connection within {seconds} seconds", seconds=f"{seconds:g}")
            raise self._make_unreachable_error(reason) from None
        except OSError as error:
            raise self._translate_error(error) from None

    async def _log_on(self, smtp: aiosmtplib.SMTP, rejected_token: str) -> None:
        await self._await_greeting(smtp)
        smtp.timeout = self._limits.timeouts.connect
        self._refuse_public_plaintext(str(smtp.get_transport_info("peername")[0]))
        name = self._access.helo_name or _make_ehlo_name(str(smtp.get_transport_info("sockname")[0]))
        await self._say_hello(smtp, name)
        if self._relay.scheme == "smtp+starttls":
            await self._start_tls(smtp)
            await self._say_hello(smtp, name)
        if not self._relay.user:
            return
        if get_token := self._access.get_token:
            token = await self._get_token(get_token, rejected_token)
            await self._log_in_with_token(smtp, token, is_new=bool(rejected_token))
        else:
            await self._log_in(smtp)

    async def _try_envelope(
        self, smtp: aiosmtplib.SMTP, sender: Address, recipient: Address | None
    ) -> tuple[SmtpSession | None, EnvelopeReplies]:
        commands = [f"MAIL FROM:<{sender}>"]
        if recipient is not None and str(recipient).isascii():
            commands.append(f"RCPT TO:<{recipient}>")
        replies: list[Reply] = []
        try:
            for command in commands:
                response = await smtp.execute_command(command.encode("ascii"))
                replies.append(Reply.parse(response.code, self._hide(response.message)))
                if response.code >= 300:
                    break
            await smtp.rset()
            session = await self._start_session(smtp)
        except (aiosmtplib.SMTPException, OSError, ValueError):
            smtp.close()
            session = None
        mail, rcpt = [*replies, None, None][:2]
        return session, EnvelopeReplies(mail=mail, rcpt=rcpt)

    async def _start_session(self, smtp: aiosmtplib.SMTP) -> SmtpSession:
        extensions = dict(smtp.esmtp_extensions)
        if not smtp.is_connected:
            raise aiosmtplib.SMTPServerDisconnected("the relay closed the connection")
        transport = cast("asyncio.Transport", smtp.transport)
        session = SmtpSession(transport, extensions=extensions, limits=self._limits)
        transport.set_protocol(session)
        return session

    async def _await_greeting(self, smtp: aiosmtplib.SMTP) -> None:
        """Wait for the greeting; raise TlsFailed if the port expects TLS first."""
        greeting = asyncio.create_task(smtp.connect())
        try:
            is_tls_port = self._relay.port == RELAY.ports["smtps"]
            await asyncio.wait({greeting}, timeout=GREETING_DELAY_465 if is_tls_port else GREETING_DELAY)
            if not greeting.done() and self._relay.scheme != "smtps" and await self._expects_tls():
                raise self._make_tls_error(
                    _("port {port} expects TLS from the start", port=self._relay.port),
                    _(
                        "Write smtps://{host}:{port}, or smtp+starttls://{host}:587.",
                        host=self._relay.host,
                        port=self._relay.port,
                    ),
                )
            await greeting
        finally:
            greeting.cancel()
            await asyncio.gather(greeting, return_exceptions=True)

    async def _expects_tls(self) -> bool:
        """Return True if the port answers a TLS handshake. Opens a second connection for it."""
        context = self._tls or ssl.create_default_context()
        try:
            async with asyncio.timeout(self._limits.timeouts.connect):
                sock = await connect_socket(self._relay.host, self._relay.port)
                transport, _protocol = await asyncio.get_running_loop().create_connection(
                    asyncio.Protocol, sock=sock, ssl=context, server_hostname=self._relay.host
                )
        except ssl.SSLCertVerificationError:
            return True
        except OSError:
            return False
        transport.abort()
        return True

    async def _say_hello(self, smtp: aiosmtplib.SMTP, name: str) -> None:
        try:
            await smtp.ehlo(hostname=name)
        except aiosmtplib.SMTPHeloError:
            if not smtp.is_connected:
                raise
            try:
                await smtp.helo(hostname=name)
            except aiosmtplib.SMTPHeloError as error:
                raise self._make_helo_error(name, self._describe_reply(error)) from None

    async def _start_tls(self, smtp: aiosmtplib.SMTP) -> None:
        if not smtp.supports_extension("starttls"):
            raise self._make_tls_error(_("it does not offer STARTTLS"))
        try:
            await smtp.starttls()
        except aiosmtplib.SMTPResponseException as error:
            raise self._make_tls_error(
                _("it answers STARTTLS with {reply}", reply=self._describe_reply(error))
            ) from None

    async def _log_in(self, smtp: aiosmtplib.SMTP) -> None:
        """Log in with one mechanism only: a second wrong password could lock the account."""
        if not self._access.password:
            raise self._make_login_error(_("no password is set"))
        offered = [mechanism for mechanism in MECHANISMS if mechanism in smtp.server_auth_methods]
        for mechanism in offered:
            log_in = getattr(smtp, f"auth_{mechanism.replace('-', '')}")
            try:
                await log_in(self._relay.user, self._access.password)
            except aiosmtplib.SMTPAuthenticationError as error:
                # RFC 4954 4: the relay does not know the mechanism after all, and has not judged the password.
                if error.code == 504:
                    continue
                raise self._make_login_error(
                    _("it says {reply}", reply=self._describe_reply(error))
                ) from None
            return
        raise self._make_login_error(_("it offers no login method that we support (PLAIN, LOGIN, CRAM-MD5)"))

    async def _log_in_with_token(self, smtp: aiosmtplib.SMTP, token: str, *, is_new: bool) -> None:
        """Log in with XOAUTH2; raise _AccessTokenRefused if the relay refuses a stored token."""
        if "xoauth2" not in smtp.server_auth_methods:
            raise self._make_login_error(_("it does not offer XOAUTH2"))
        try:
            await smtp.auth_xoauth2(self._relay.user, token)
        except aiosmtplib.SMTPAuthenticationError as error:
            if not is_new:
                raise _AccessTokenRefused(token) from None
            reply = self._describe_reply(error).replace(token, "***")
            raise self._make_login_error(_("it says {reply}", reply=reply)) from None

    async def _get_token(self, get_token: Callable[[str], str], rejected: str) -> str:
        try:
            return await asyncio.to_thread(get_token, rejected)
        except TokenUnavailable as error:
            raise RelayUnreachable(error.message, relay=str(self._relay), hint=error.hint) from None
        except TokenRefused as error:
            raise AuthenticationRefused(error.message, relay=str(self._relay), hint=error.hint) from None

    def _refuse_public_plaintext(self, peer: str) -> None:
        """Raise TlsFailed if an unencrypted relay is outside our own networks.

        The check uses the IP address of the connection, and is made before anything is sent.
        """
        if self._relay.scheme != "smtp" or self._access.allow_plaintext or is_own(peer):
            return
        raise TlsFailed(
            _(
                "the relay {relay} is at {peer}, outside our own networks, and is not encrypted",
                relay=str(self._relay),
                peer=peer,
            ),
            relay=str(self._relay),
            hint=_("Use smtp+starttls:// or smtps://, or set allow_plaintext = true if you are sure."),
        )

    def _translate_error(self, error: Exception) -> TransportError:
        # For smtps, aiosmtplib wraps the error of a bad certificate. For STARTTLS it does not.
        for found in (error, error.__cause__):
            if isinstance(found, ssl.SSLError):
                if found.reason in NOT_TLS and self._relay.scheme == "smtps":
                    return self._make_tls_error(
                        _("port {port} does not begin with TLS", port=self._relay.port),
                        _(
                            "Write smtp+starttls://{host}:{port}, or smtps://{host}:465.",
                            host=self._relay.host,
                            port=self._relay.port,
                        ),
                    )
                return self._make_tls_error(describe_tls_error(found), find_tls_remedy(found, RELAY))
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return self._make_unreachable_error(_("it says {reply}", reply=self._describe_reply(error)))
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        return self._make_unreachable_error(reason or _("it closed the connection"))

    def _describe_reply(self, error: aiosmtplib.SMTPResponseException) -> str:
        if error.code < 200:
            return _("something that is not SMTP")
        return str(Reply.parse(error.code, self._hide(error.message)))

    def _hide(self, text: str) -> str:
        return hide_password(text, self._relay.user, self._access.password)

    def _make_unreachable_error(self, reason: str) -> RelayUnreachable:
        return RelayUnreachable(
            _("the relay {relay} does not answer ({reason})", relay=str(self._relay), reason=reason),
            relay=str(self._relay),
            hint=_("Nothing is lost. Run the same command again when the relay is back."),
        )

    def _make_tls_error(self, reason: str, hint: str = "") -> TlsFailed:
        return TlsFailed(
            _("the relay {relay} has no secure connection: {reason}", relay=str(self._relay), reason=reason),
            relay=str(self._relay),
            hint=hint
            or _("Check the host and port of `relay`, or ask the relay's operator. Nothing was sent."),
        )

    def _make_helo_error(self, name: str, reply: str) -> TransportError:
        return TransportError(
            _(
                "the relay {relay} refuses our host name {name}: {reply}",
                relay=str(self._relay),
                name=name,
                reply=reply,
            ),
            relay=str(self._relay),
            hint=_("Set helo_name in moza-mail.toml to the full host name of this machine."),
        )

    def _make_login_error(self, reason: str) -> AuthenticationRefused:
        remedy = find_login_remedy(reason, with_token=self._access.get_token is not None)
        return AuthenticationRefused(
            _("the relay {relay} refuses the login: {reason}", relay=str(self._relay), reason=reason),
            relay=str(self._relay),
            hint=remedy
            or _(
                "Check the user name in `relay` and MOZA_MAIL_SMTP_PASSWORD. Only one attempt is made, so that the account is not locked."
            ),
        )


def _make_ehlo_name(address: str) -> str:
    """Return this machine's full name, or its address as a literal (RFC 5321 4.1.3, 4.1.4)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and name.isprintable() and " " not in name:
        return name
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"
