"""Verdict: what a server's last answer, and the way to it, mean for a reader."""

import re
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from moza_mail.model.link import LinkState

GONE = {404, 410}
CLOSED = {401, 403, 407}

# Where a visitor who is not known is sent: parts of a path, and first names of a host.
LOGIN_PARTS = frozenset(
    {
        *("login", "log-in", "signin", "sign-in", "logon", "sso", "saml", "saml2", "adfs", "openid-connect"),
        *("oauth", "oauth2", "authorize", "authenticate", "inloggen", "aanmelden", "authenticate.aspx"),
        *("login.aspx", "login.php", "login.html", "wp-login.php", "servicelogin", "idp"),
    }
)
LOGIN_HOSTS = frozenset({"login", "signin", "sso", "idp", "auth", "accounts", "adfs", "inloggen"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is concluded of a URL, and why, as a clause that follows it."""

    state: LinkState
    reason: str
    moved: str = ""


def of_status(status: int, first: httpx.URL, last: httpx.URL) -> Verdict:
    """Judge the answer of the page where a link ends."""
    if status in GONE:
        return Verdict(state=LinkState.BROKEN, reason=f"answers {_named(status)}")
    if first != last and asks_to_log_in(last) and not asks_to_log_in(first):
        return Verdict(state=LinkState.NEEDS_LOGIN, reason=f"sends its visitor to log in at {last.host}")
    if status in CLOSED:
        return Verdict(state=LinkState.NEEDS_LOGIN, reason=f"answers {_named(status)}")
    if 200 <= status < 300 or status == HTTPStatus.NOT_MODIFIED:
        return Verdict(state=LinkState.OK, reason=f"answers {_named(status)}")
    return Verdict(state=LinkState.UNREACHABLE, reason=f"answers {_named(status)}")


def asks_to_log_in(url: httpx.URL) -> bool:
    """Whether a URL looks like the page where one logs in."""
    parts = {part for part in re.split(r"[/;]", url.path.lower()) if part}
    return bool(parts & LOGIN_PARTS) or url.host.lower().split(".")[0] in LOGIN_HOSTS


def is_same_page(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two URLs differ in nothing that an editor would change: only the slash at the end."""
    return str(one).rstrip("/") == str(other).rstrip("/")


def _named(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)
