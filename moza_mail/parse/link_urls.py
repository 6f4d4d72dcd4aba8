"""Check the schemes of links, and resolve relative links as Hugo does."""

import re
from posixpath import normpath
from urllib.parse import urlsplit, urlunsplit

SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
ALLOWED_SCHEMES = ("https:", "http:", "mailto:", "tel:")


def find_forbidden_scheme(url: str) -> str:
    """Return the scheme of a URL if it is not allowed, such as `javascript:`; else empty."""
    found = SCHEME.match(url)
    scheme = found.group().lower() if found else ""
    return "" if scheme in ALLOWED_SCHEMES else scheme


def resolve_url(url: str, site_url: str) -> str:
    """Make a relative link absolute.

    The link is resolved from the root of the site, as in a page reference of Hugo. `contact` becomes `<site>/contact/`, `index`
    becomes the site itself, and `/stukken/plan.pdf` keeps its extension. An absolute link or a fragment stays unchanged. If
    `site_url` is empty, every link stays unchanged.
    """
    if url.startswith("//"):
        return f"https:{url}"
    if not site_url or not url or url.startswith(("#", "?")) or SCHEME.match(url):
        return url
    parts = urlsplit(url)
    path = _to_page_path(parts.path)
    return f"{site_url.rstrip('/')}{urlunsplit(('', '', path, parts.query, parts.fragment))}"


def _to_page_path(path: str) -> str:
    clean = normpath("/" + path).replace("//", "/")
    clean = clean.removesuffix(".md")
    parent, _, last = clean.rpartition("/")
    if last in {"index", "_index"}:
        clean = parent
    elif "." in last:
        return clean
    return clean.rstrip("/") + "/"
