"""The URL of a mailbox that is read over IMAP, read and refused before anything is said to a server."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from moza_mail.errors import ProjectError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.network import is_private, normalize_host

# RFC 8314 3.2 for imaps, RFC 3501 2.1 for the others.
PORTS = {"imaps": 993, "imap+starttls": 143, "imap": 143}
EXAMPLE = _('For example: bounce_mailbox = "imaps://bounces@mail.example.org/INBOX?done=Processed".')
# RFC 3501 5.1.3: what a mailbox's name holds as it is; all else is in modified base64.
PLAIN = re.compile(r"[ -%'-~]+|&|[^ -~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxAccess:
    """What a mailbox on a server takes beside its URL.

    `cafile` is a PEM file of authorities that then count alone, empty for the system's own. `plaintext` lets imap:// log in
    on this machine and its private networks.
    """

    password: str = field(default="", repr=False)
    cafile: str = ""
    allow_plaintext: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapUrl:
    """Where a mailbox is: `scheme` is imaps, imap+starttls or imap; `done` is the folder for what is counted, if any."""

    scheme: str
    host: str
    port: int
    user: str
    folder: str = "INBOX"
    done: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{self.folder}"


def parse_imap_url(text: str, *, plaintext: bool = False) -> ImapUrl:
    """Read `imaps://user@host[:port]/FOLDER[?done=FOLDER]` (or imap+starttls://, imap://); raise ProjectError."""
    # urlsplit drops tabs and line ends without a word, so they are refused before it sees them.
    if not text.isprintable() or " " in text:
        raise _refused(_("the URL contains a space or a control character"))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refused(_("the host or port in the URL is malformed")) from None
    if parts.password is not None:
        raise ProjectError(
            _(
                "the URL of the mailbox contains a password, which does not belong in moza-mail.toml or on a command line"
            ),
            hint=_("Remove it from the URL and set MOZA_MAIL_IMAP_PASSWORD in the environment."),
        )
    if "://" not in text or parts.scheme not in PORTS or parts.fragment:
        raise _refused(_("the URL must start with imaps:// or imap+starttls://"))
    host = normalize_host(parts.hostname or "")
    if not host or port == 0:
        raise _refused(_("the URL has no valid host name"))
    user = unquote(parts.username or "")
    if not user or not user.isprintable():
        raise _refused(_("the URL has no valid user name"))
    _guard_plaintext(parts.scheme, host, plaintext=plaintext)
    return ImapUrl(
        scheme=parts.scheme,
        host=host,
        port=port or PORTS[parts.scheme],
        user=user,
        folder=_folder(unquote(parts.path.strip("/"))) or "INBOX",
        done=_done(parts.query),
    )


def _done(query: str) -> str:
    if not query:
        return ""
    options = parse_qsl(query, keep_blank_values=True)
    if [name for name, _value in options] != ["done"] or not options[0][1]:
        raise _refused(_("after the ? only done=FOLDER is allowed"))
    return _folder(options[0][1])


def _folder(name: str) -> str:
    if not name.isprintable() or len(name) > 200:
        raise _refused(_("the URL has no valid folder name"))
    return name


def _guard_plaintext(scheme: str, host: str, *, plaintext: bool) -> None:
    if scheme == "imap" and (not plaintext or is_private(host) is False):
        raise ProjectError(
            _("imap:// to {host} would send the password unencrypted", host=host),
            hint=_(
                "Use imaps:// or imap+starttls://. Within this machine and its private networks, allow_plaintext = true permits imap://."
            ),
        )


def encode_folder(folder: str) -> bytes:
    """A folder's name as IMAP writes it: modified UTF-7 between quotes (RFC 3501 5.1.3)."""
    return b'"' + b"".join(map(_encoded, PLAIN.findall(folder))) + b'"'


def _encoded(piece: str) -> bytes:
    if piece == "&":
        return b"&-"
    if piece.isascii():
        return piece.replace("\\", "\\\\").replace('"', '\\"').encode()
    return b"&" + b64encode(piece.encode("utf-16-be"), b"+,").rstrip(b"=") + b"-"


def _refused(reason: Translatable) -> ProjectError:
    """The URL itself is never shown: a misplaced sign can make any part of it the password."""
    return ProjectError(_("`bounce_mailbox`: {reason}", reason=reason), hint=EXAMPLE)
