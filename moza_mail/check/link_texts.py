"""Check the texts of links."""

import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote

from moza_mail.check import hostnames
from moza_mail.check.hostnames import shorten
from moza_mail.check.passages import find_links
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Link, to_plain_text

_rule = partial(Rule, category=RuleCategory.LINKS)

VAGUE = _rule(name="vague-link-text", severity=Severity.WARNING)
URL_TEXT = _rule(name="url-as-text", severity=Severity.WARNING)
MISLEADING = _rule(name="misleading-link-text", severity=Severity.WARNING)
SAME_TEXT = _rule(name="same-link-text", severity=Severity.WARNING)

RULES = (VAGUE, URL_TEXT, MISLEADING, SAME_TEXT)

TOP_LEVEL_DOMAINS = "nl|com|org|eu|uk|be|de|fr|gov|edu|info|io|network"
SITE = re.compile(rf"(?:https?://)?(?:[\w-]+\.)+(?:{TOP_LEVEL_DOMAINS})(?::\d+)?(?:/\S*)?", re.IGNORECASE)
PATH = re.compile(rf"(?:[\w-]+\.)+(?:{TOP_LEVEL_DOMAINS})/\S+", re.IGNORECASE)
MAIL_TEXT = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def _split_texts(bars: str) -> frozenset[str]:
    return frozenset(text.strip() for text in bars.split("|"))


# Link texts that say nothing about the page (WCAG 2.2, 2.4.4 and 2.4.9), in lower case.
VAGUE_TEXTS = {
    "nl": _split_texts(
        "hier | klik | klik hier | hier klikken | klik op deze link | via deze link | deze link | link | de link"
        "| linkje | dit linkje | deze | dit | daar | zie hier | zie link | via | via hier | url | ga naar"
        "| deze pagina | pagina | deze site | deze website | website | site | webpagina"
        "| stuk | dit stuk | het stuk | document | dit document | het document | bestand | bijlage"
        "| artikel | dit artikel | bericht | dit bericht | lees | lees hier | lees meer | lees verder | verder lezen"
        "| lees meer hier | lees hier meer | meer | meer lezen | meer info | meer informatie | info | informatie"
        "| bekijk | bekijk hier | download | download hier | details"
        "| klik hier voor meer info | klik hier voor meer informatie"
    ),
    "en": _split_texts(
        "here | click | click here | clicking here | tap here | this | this link | link | the link | there | url"
        "| see here | go to | this page | page | this site | this website | website | site | webpage"
        "| document | this document | attachment | article | this article | this post"
        "| read | read here | read more | read more here | read on | continue reading | more | more info"
        "| more information | info | information | learn more | find out more | view more | see more"
        "| download | download here | details | click here for more information"
    ),
}


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield the problems of link texts."""
    for link in find_links(context.issue):
        yield from _check_text(context, link)
    yield from _check_same_text(context)


def _check_text(context: CheckContext, link: Link) -> Iterator[Finding]:
    """Report a link text that is vague, is misleading, or is itself a web address."""
    text = " ".join(to_plain_text(link.children).split())
    if is_vague(text, context.issue.lang):
        yield VAGUE.report(
            context,
            link.line,
            _("the link text {text!r} does not say where the link leads", text=text),
            fix=_(
                "Link the words that name the page, because a screen reader can list links without their sentences."
            ),
        )
    if _is_misleading(text, link.url):
        yield MISLEADING.report(
            context,
            link.line,
            _(
                "the link text {text} names a different address than {link}, where it leads",
                text=shorten(text),
                link=shorten(link.url),
            ),
            fix=_(
                "Use the same address in both, or name the page in words, because mail filters see this as fraud."
            ),
        )
    if "://" in text or text.lower().startswith("www.") or PATH.fullmatch(text):
        yield URL_TEXT.report(
            context,
            link.line,
            _("the link text {text} is an address", text=shorten(text)),
            fix=_(
                "Write what the page is, [like this](https://...), because a screen reader spells out an address."
            ),
        )


def is_vague(text: str, lang: str) -> bool:
    """Return True if a link text says nothing about its page.

    English texts such as "click here" are vague in every language.
    """
    bare = " ".join(re.sub(r"[^\w\s]|_", " ", text.casefold()).split())
    return bare in VAGUE_TEXTS["en"] or bare in VAGUE_TEXTS.get(lang.partition("-")[0].lower(), frozenset())


def _is_misleading(text: str, url: str) -> bool:
    if MAIL_TEXT.fullmatch(text):
        to = unquote(url.partition(":")[2].partition("?")[0])
        return url.lower().startswith("mailto:") and text.lower() != to.lower()
    if not SITE.fullmatch(text) or not url.lower().startswith(("http:", "https:")):
        return False
    named = hostnames.host_of(text if "://" in text else f"https://{text}").split(".")
    linked = hostnames.host_of(url).split(".")
    return named[-2:] != linked[-2:]


def _check_same_text(context: CheckContext) -> Iterator[Finding]:
    """Report each link text that leads to different pages, once."""
    first: dict[str, Link] = {}
    reported = set()
    for link in find_links(context.issue):
        text = " ".join(to_plain_text(link.children).split())
        earlier = first.setdefault(text.casefold(), link)
        if not text or text.casefold() in reported or _normalize_url(earlier.url) == _normalize_url(link.url):
            continue
        reported.add(text.casefold())
        yield SAME_TEXT.report(
            context,
            link.line,
            _(
                "the link text {text!r} leads to {link}, but on line {line} to {other}",
                text=text,
                line=earlier.line,
                link=shorten(link.url),
                other=shorten(earlier.url),
            ),
            fix=_("Give each link its own text, so that people can tell them apart in a list of links."),
        )


def _normalize_url(url: str) -> str:
    """Return one spelling for all variants of a URL that lead to the same page."""
    scheme, mark, rest = url.partition("://")
    name, slash, path = rest.partition("/")
    bare = f"{name.lower().removeprefix('www.')}{slash}{path}" if mark else scheme
    return bare.rstrip("/")
