"""Opening a connection: greeting, TLS and login by aiosmtplib, after which our own Session takes the connection over.

aiosmtplib's own commands cannot tell a line that broke before the 354 from one that broke after the dot, hold no
place for the ledger between the two, and cannot pipeline (RFC 2920).
"""

import asyncio
import base64
import socket
import ssl
from typing import cast

import aiosmtplib

from moza_mail.errors import AuthenticationRefused, ProjectError, RelayUnreachable, TlsFailed, TransportError
from moza_mail.i18n import Translatable, describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import Reply
from moza_mail.model.network import is_private
from moza_mail.transport.limits import Limits
from moza_mail.transport.session import SmtpSession
from moza_mail.transport.url import Relay

# PLAIN first: it is one round trip, and a user name is never sent without TLS.
MECHANISMS = ("plain", "login", "cram-md5")


def tls_context(cafile: str) -> ssl.SSLContext:
    """What decides whether a certificate holds: the system's authorities, or those of `cafile` alone."""
    try:
        return ssl.create_default_context(cafile=cafile or None)
    except OSError as error:
        raise ProjectError(
            _(
                "`cafile`: {path} has no certificates that can be read ({reason})",
                path=cafile,
                reason=describe_os_error(error),
            ),
            hint=_("Name a PEM file with the certificate authority that signed the relay's certificate."),
        ) from None


class SmtpConnector:
    """Opens sessions to one relay; raises CannotConnect, TlsRefused or AuthenticationRefused."""

    def __init__(self, relay: Relay, *, password: str, cafile: str, limits: Limits) -> None:
        self._relay = relay
        self._password = password
        self._limits = limits
        self._tls = None if relay.scheme == "smtp" else tls_context(cafile)

    async def connect(self) -> SmtpSession:
        """Connect, negotiate TLS and log in, each as the relay's URL demands."""
        smtp = aiosmtplib.SMTP(
            hostname=self._relay.host,
            port=self._relay.port,
            use_tls=self._relay.scheme == "smtps",
            start_tls=False,
            tls_context=self._tls,
            timeout=self._limits.timeouts.connect,
            local_hostname="localhost",  # never said: without one, connect() asks the DNS for our name
        )
        try:
            return await self._start_session(smtp)
        except BaseException as error:
            smtp.close()
            if isinstance(error, (aiosmtplib.SMTPException, OSError, ValueError)):
                raise self._translate_error(error) from None
            raise

    async def _start_session(self, smtp: aiosmtplib.SMTP) -> SmtpSession:
        await smtp.connect()
        self._refuse_public_plaintext(str(smtp.get_transport_info("peername")[0]))
        name = _make_ehlo_name(str(smtp.get_transport_info("sockname")[0]))
        await self._say_hello(smtp, name)
        if self._relay.scheme == "smtp+starttls":
            await self._start_tls(smtp)
            await self._say_hello(smtp, name)
        if self._relay.user:
            await self._log_in(smtp)
        extensions = dict(smtp.esmtp_extensions)
        if not smtp.is_connected:
            raise aiosmtplib.SMTPServerDisconnected("the relay closed the connection")
        transport = cast("asyncio.Transport", smtp.transport)
        session = SmtpSession(transport, extensions=extensions, limits=self._limits)
        transport.set_protocol(session)
        return session

    async def _say_hello(self, smtp: aiosmtplib.SMTP, name: str) -> None:
        try:
            await smtp.ehlo(hostname=name)
        except aiosmtplib.SMTPHeloError:
            if not smtp.is_connected:
                raise
            await smtp.helo(hostname=name)

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
        """Log in once. A second mechanism after a refused password would count as a second wrong password."""
        if not self._password:
            raise self._make_login_error(_("no password is set"))
        offered = [mechanism for mechanism in MECHANISMS if mechanism in smtp.server_auth_methods]
        for mechanism in offered:
            login = getattr(smtp, f"auth_{mechanism.replace('-', '')}")
            try:
                await login(self._relay.user, self._password)
            except aiosmtplib.SMTPAuthenticationError as error:
                # RFC 4954 4: the mechanism is not there after all, so no password was judged.
                if error.code == 504:
                    continue
                raise self._make_login_error(
                    _("it says {reply}", reply=self._describe_reply(error))
                ) from None
            return
        raise self._make_login_error(_("it offers no login method that we support (PLAIN, LOGIN, CRAM-MD5)"))

    def _refuse_public_plaintext(self, peer: str) -> None:
        """A name shows only now where it leads; nothing has been said yet."""
        if self._relay.scheme == "smtp" and not self._relay.plaintext and not is_private(peer):
            raise TlsFailed(
                _(
                    "{relay} leads to {peer}, outside this machine's private networks, and is not encrypted",
                    relay=str(self._relay),
                    peer=peer,
                ),
                relay=str(self._relay),
                hint=_("Use smtp+starttls:// or smtps://, or set allow_plaintext = true if you are sure."),
            )

    def _translate_error(self, error: Exception) -> TransportError:
        """What aiosmtplib raises, as ours. A bad certificate comes bare from STARTTLS, and wrapped from smtps."""
        for found in (error, error.__cause__):
            if isinstance(found, ssl.SSLCertVerificationError):
                return self._make_tls_error(
                    _("its certificate is not valid: {reason}", reason=found.verify_message or str(found))
                )
            if isinstance(found, ssl.SSLError):
                return self._make_tls_error(
                    _("TLS could not be negotiated ({reason})", reason=found.reason or str(found))
                )
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return self._make_unreachable_error(_("says {reply}", reply=self._describe_reply(error)))
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        return self._make_unreachable_error(
            _("does not answer ({reason})", reason=reason or _("the connection was closed"))
        )

    def _describe_reply(self, error: aiosmtplib.SMTPResponseException) -> str:
        """The relay's words, without the password should it repeat one."""
        if error.code < 200:
            return _("something that is not SMTP")
        text = str(Reply.read(error.code, error.message))
        user, secret = self._relay.user.encode(), self._password.encode()
        for token in (secret, base64.b64encode(secret), base64.b64encode(b"\0" + user + b"\0" + secret)):
            text = text.replace(token.decode(), "***") if secret else text
        return text

    def _make_unreachable_error(self, reason: Translatable) -> RelayUnreachable:
        return RelayUnreachable(
            _("the relay {relay} {reason}", relay=str(self._relay), reason=reason),
            relay=str(self._relay),
            hint=_("Nothing is lost. Run the same command again when the relay is back."),
        )

    def _make_tls_error(self, reason: Translatable) -> TlsFailed:
        return TlsFailed(
            _("the relay {relay} has no secure connection: {reason}", relay=str(self._relay), reason=reason),
            relay=str(self._relay),
            hint=_("Check the host and port of `relay`, or ask the relay's operator. Nothing was sent."),
        )

    def _make_login_error(self, reason: Translatable) -> AuthenticationRefused:
        return AuthenticationRefused(
            _("the relay {relay} refuses the login: {reason}", relay=str(self._relay), reason=reason),
            relay=str(self._relay),
            hint=_(
                "Check the user name in `relay` and MOZA_MAIL_SMTP_PASSWORD. Only one attempt is made, so that the account is not locked."
            ),
        )


def _make_ehlo_name(address: str) -> str:
    """What we call ourselves in EHLO: our full name when we have one, else our address (RFC 5321 4.1.3, 4.1.4)."""
    name = socket.gethostname()
    if "." in name and name.isascii() and name.isprintable() and " " not in name:
        return name
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"
