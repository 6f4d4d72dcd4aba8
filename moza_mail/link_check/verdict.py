"""Judge a link by its redirects and its last response."""

import re
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from moza_mail.model.link import LinkState

GONE = {404, 410}
NEEDS_LOGIN = {401, 403, 407}

# Login pages: parts of their path, and first labels of their host.
LOGIN_PARTS = frozenset(
    {
        *("login", "log-in", "signin", "sign-in", "logon", "sso", "saml", "saml2", "adfs", "openid-connect"),
        *("oauth", "oauth2", "authorize", "authenticate", "inloggen", "aanmelden", "authenticate.aspx"),
        *("login.aspx", "login.php", "login.html", "wp-login.php", "servicelogin", "idp"),
    }
)
LOGIN_HOSTS = frozenset({"login", "signin", "sso", "idp", "auth", "accounts", "adfs", "inloggen"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkVerdict:
    """The state of a link.

    reason: a clause that follows the URL.
    moved: the new URL if the link has moved permanently.
    """

    state: LinkState
    reason: str
    moved: str = ""


def judge_status(status: int, first: httpx.URL, last: httpx.URL) -> LinkVerdict:
    """Judge the status of the page to which a link leads."""
    if status in GONE:
        return LinkVerdict(state=LinkState.BROKEN, reason=f"answers {_format_status(status)}")
    if first != last and is_login_page(last) and not is_login_page(first):
        return LinkVerdict(state=LinkState.NEEDS_LOGIN, reason=f"sends its visitor to log in at {last.host}")
    if status in NEEDS_LOGIN:
        return LinkVerdict(state=LinkState.NEEDS_LOGIN, reason=f"answers {_format_status(status)}")
    if 200 <= status < 300 or status == HTTPStatus.NOT_MODIFIED:
        return LinkVerdict(state=LinkState.OK, reason=f"answers {_format_status(status)}")
    return LinkVerdict(state=LinkState.UNREACHABLE, reason=f"answers {_format_status(status)}")


def is_login_page(url: httpx.URL) -> bool:
    """Return True if a URL looks like a login page."""
    parts = {part for part in re.split(r"[/;]", url.path.lower()) if part}
    return bool(parts & LOGIN_PARTS) or url.host.lower().split(".")[0] in LOGIN_HOSTS


def is_same_page(one: httpx.URL, other: httpx.URL) -> bool:
    """Return True if two URLs are equal except for a final slash."""
    return str(one).rstrip("/") == str(other).rstrip("/")


def _format_status(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)
