"""Where a link leads: site-relative links are resolved as Hugo does, and only kinds of link that mail can carry pass."""

import re
from posixpath import normpath
from urllib.parse import urlsplit, urlunsplit

SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
ALLOWED = ("https:", "http:", "mailto:", "tel:")


def forbidden(url: str) -> str:
    """The scheme of a URL that may not stand in a mail (`javascript:`), empty when it may."""
    found = SCHEME.match(url)
    scheme = found.group().lower() if found else ""
    return "" if scheme in ALLOWED else scheme


def resolve(url: str, site_url: str) -> str:
    """Make a site-relative link absolute: a Hugo page reference is looked up from the site's root.

    `contact` becomes `<site>/contact/`, `index` the site itself, `/stukken/plan.pdf` keeps its ending. Without a `site_url`,
    and for a link that is absolute or a fragment only, it stays as it is.
    """
    if url.startswith("//"):
        return f"https:{url}"
    if not site_url or not url or url.startswith(("#", "?")) or SCHEME.match(url):
        return url
    parts = urlsplit(url)
    return f"{site_url.rstrip('/')}{urlunsplit(('', '', _page(parts.path), parts.query, parts.fragment))}"


def _page(path: str) -> str:
    clean = normpath("/" + path).replace("//", "/")
    clean = clean.removesuffix(".md")
    head, _, last = clean.rpartition("/")
    if last in {"index", "_index"}:
        clean = head
    elif "." in last:
        return clean
    return clean.rstrip("/") + "/"
