"""The URL of a mailbox that is read over IMAP, read and refused before anything is said to a server."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from moza_mail.errors import ProjectError
from moza_mail.model.network import is_private, normalize_host

# RFC 8314 3.2 for imaps, RFC 3501 2.1 for the others.
PORTS = {"imaps": 993, "imap+starttls": 143, "imap": 143}
EXAMPLE = 'For example: bounce_mailbox = "imaps://bounces@mail.example.org/INBOX?done=Processed".'
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
        raise _refused("the URL holds a space or a control character")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refused("the URL's host or port is malformed") from None
    if parts.password is not None:
        raise ProjectError(
            "the URL of the mailbox holds a password, and neither moza-mail.toml nor a command line is a place for one",
            hint="Take it out of the URL and put it in the environment as MOZA_MAIL_IMAP_PASSWORD.",
        )
    if "://" not in text or parts.scheme not in PORTS or parts.fragment:
        raise _refused("the URL must be imaps:// or imap+starttls://")
    host = normalize_host(parts.hostname or "")
    if not host or port == 0:
        raise _refused("the URL names no host, or one that cannot be a host name")
    user = unquote(parts.username or "")
    if not user or not user.isprintable():
        raise _refused("the URL names no user, or one that cannot be a user")
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
    if [name for name, _ in options] != ["done"] or not options[0][1]:
        raise _refused("behind the ? stands done=FOLDER and nothing else")
    return _folder(options[0][1])


def _folder(name: str) -> str:
    if not name.isprintable() or len(name) > 200:
        raise _refused("the URL names a folder that cannot be one")
    return name


def _guard_plaintext(scheme: str, host: str, *, plaintext: bool) -> None:
    if scheme == "imap" and (not plaintext or is_private(host) is False):
        raise ProjectError(
            f"imap:// to {host} would send the password in the clear",
            hint="Use imaps:// or imap+starttls://. On this machine and its private networks allow_plaintext = true allows imap://.",
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


def _refused(reason: str) -> ProjectError:
    """The URL itself is never shown: a misplaced sign can make any part of it the password."""
    return ProjectError(f"the mailbox: {reason}", hint=EXAMPLE)
