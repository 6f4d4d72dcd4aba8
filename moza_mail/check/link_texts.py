"""Rules on what the texts of links say."""

import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote

from moza_mail.check import hostnames, link_words
from moza_mail.check.hostnames import short
from moza_mail.check.rule import Case, Family, Rule
from moza_mail.check.runs import all_links
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Link, plain

_rule = partial(Rule, family=Family.LINKS)

VAGUE = _rule(name="vague-link-text", severity=Severity.WARNING)
URL_TEXT = _rule(name="url-as-text", severity=Severity.WARNING)
MISLEADING = _rule(name="misleading-link-text", severity=Severity.WARNING)
SAME_TEXT = _rule(name="same-link-text", severity=Severity.WARNING)

RULES = (VAGUE, URL_TEXT, MISLEADING, SAME_TEXT)

ENDINGS = "nl|com|org|eu|uk|be|de|fr|gov|edu|info|io|network"
SITE = re.compile(rf"(?:https?://)?(?:[\w-]+\.)+(?:{ENDINGS})(?::\d+)?(?:/\S*)?", re.IGNORECASE)
PATH = re.compile(rf"(?:[\w-]+\.)+(?:{ENDINGS})/\S+", re.IGNORECASE)
MAIL_TEXT = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def judge(case: Case) -> Iterator[Finding]:
    """What is wrong with the texts of links."""
    for link in all_links(case.issue):
        yield from _text(case, link)
    yield from _same_text(case)


def _text(case: Case, link: Link) -> Iterator[Finding]:
    """What a link's text says of where it leads."""
    text = " ".join(plain(link.children).split())
    if link_words.is_vague(text, case.issue.lang):
        yield VAGUE.found(
            case,
            link.line,
            _("the link text {text!r} does not say where the link leads", text=text),
            fix=_(
                "Make the words that name the page the link: a screen reader reads out links by themselves."
            ),
        )
    if _misleads(text, link.url):
        yield MISLEADING.found(
            case,
            link.line,
            _(
                "the link text {text} names another place than the link leads to, {link}",
                text=short(text),
                link=short(link.url),
            ),
            fix=_("Let both be the same, or name the page in words: mail filters take this for fraud."),
        )
    if "://" in text or text.lower().startswith("www.") or PATH.fullmatch(text):
        yield URL_TEXT.found(
            case,
            link.line,
            _("the link text is an address, {text}", text=short(text)),
            fix=_(
                "Write what the page is, [such as this](https://...): a screen reader spells an address out."
            ),
        )


def _misleads(text: str, url: str) -> bool:
    if MAIL_TEXT.fullmatch(text):
        to = unquote(url.partition(":")[2].partition("?")[0])
        return url.lower().startswith("mailto:") and text.lower() != to.lower()
    if not SITE.fullmatch(text) or not url.lower().startswith(("http:", "https:")):
        return False
    said = hostnames.host(text if "://" in text else f"https://{text}").split(".")
    real = hostnames.host(url).split(".")
    return said[-2:] != real[-2:]


def _same_text(case: Case) -> Iterator[Finding]:
    """The same words for different pages, told at the second page."""
    first: dict[str, Link] = {}
    told = set()
    for link in all_links(case.issue):
        text = " ".join(plain(link.children).split())
        known = first.setdefault(text.casefold(), link)
        if not text or text.casefold() in told or _page_of(known.url) == _page_of(link.url):
            continue
        told.add(text.casefold())
        yield SAME_TEXT.found(
            case,
            link.line,
            _(
                "the link text {text!r} leads elsewhere than on line {line}: {link} and {other}",
                text=text,
                line=known.line,
                link=short(link.url),
                other=short(known.url),
            ),
            fix=_("Give each its own words, so that they can be told apart in a list of links."),
        )


def _page_of(url: str) -> str:
    """A URL without what makes no other page of it."""
    scheme, mark, rest = url.partition("://")
    name, slash, path = rest.partition("/")
    bare = f"{name.lower().removeprefix('www.')}{slash}{path}" if mark else scheme
    return bare.rstrip("/")
