"""The URL of a mailbox on an IMAP server."""

import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.network import is_own
from moza_mail.model.server_url import ServerUrl, UrlFormat, parse_server_url

MAILBOX = UrlFormat(
    name="bounce_mailbox",
    # RFC 8314 3.2 for imaps, RFC 3501 2.1 for the others.
    ports={"imaps": 993, "imap+starttls": 143, "imap": 143},
    example=_('For example: bounce_mailbox = "imaps://bounces@mail.example.org/INBOX?done=Processed".'),
    credential_variable="MOZA_MAIL_IMAP_PASSWORD",
    cafile_setting="bounce_ca_file",
)
MAX_FOLDER = 200
# RFC 3501 5.1.3: printable ASCII is unchanged, & is `&-`, and runs of other characters are in modified base64.
FOLDER_RUN = re.compile(r"[ -%'-~]+|&|[^ -~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapUrl:
    """A folder on a server.

    done: the folder to which processed messages move, empty to leave them in place.
    """

    server: ServerUrl
    folder: str = "INBOX"
    done: str = ""

    def __str__(self) -> str:
        return f"{self.server.scheme}://{self.server.address}/{self.folder}"


def is_imap_url(text: str) -> bool:
    """Return True if the text is the URL of a mailbox on an IMAP server."""
    return text.partition(":")[0].lower() in MAILBOX.ports


def parse_imap_url(text: str, *, allow_plaintext: bool = False) -> ImapUrl:
    """Parse `imaps://user@host[:port]/FOLDER[?done=FOLDER]`.

    Raises ProjectError if the URL cannot be used. A URL that begins with `imap://` is not encrypted. It needs
    `allow_plaintext`, and its server must be in our own networks.
    """
    server = parse_server_url(text, MAILBOX)
    if not server.user:
        raise MAILBOX.refuse(_("the URL has no valid user name"))
    if server.scheme == "imap" and (not allow_plaintext or is_own(server.host) is False):
        raise ProjectError(
            _("imap:// to {host} would send the password unencrypted", host=server.host),
            hint=_(
                "Use imaps:// or imap+starttls://. In our own networks, allow_plaintext = true permits imap://."
            ),
        )
    return ImapUrl(
        server=server, folder=_parse_folder(unquote(server.path)) or "INBOX", done=_parse_done(server.query)
    )


def _parse_done(query: str) -> str:
    if not query:
        return ""
    options = parse_qsl(query, keep_blank_values=True)
    if [name for name, _value in options] != ["done"] or not options[0][1]:
        raise MAILBOX.refuse(_("after the ? only done=FOLDER is allowed"))
    return _parse_folder(options[0][1])


def _parse_folder(name: str) -> str:
    if not name.isprintable() or len(name) > MAX_FOLDER:
        raise MAILBOX.refuse(_("the URL has no valid folder name"))
    return name


def encode_folder(folder: str) -> bytes:
    """Return a folder's name for an IMAP command: modified UTF-7 in quotes (RFC 3501 5.1.3)."""
    return b'"' + b"".join(map(_encode_run, FOLDER_RUN.findall(folder))) + b'"'


def _encode_run(run: str) -> bytes:
    if run == "&":
        return b"&-"
    if run.isascii():
        return run.replace("\\", "\\\\").replace('"', '\\"').encode()
    return b"&" + b64encode(run.encode("utf-16-be"), b"+,").rstrip(b"=") + b"-"
