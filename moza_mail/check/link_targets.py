"""Check the targets of links."""

import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote, urlsplit

from moza_mail.check import hostnames
from moza_mail.check.hostnames import shorten
from moza_mail.check.passages import find_links
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.errors import AddressError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Link

_rule = partial(Rule, category=RuleCategory.LINKS)

WORD_CODE = _rule(name="word-code-in-link", severity=Severity.ERROR)
INVALID = _rule(name="invalid-link", severity=Severity.ERROR)
RELATIVE = _rule(name="relative-link", severity=Severity.ERROR)
NO_SCHEME = _rule(name="missing-scheme", severity=Severity.ERROR)
CREDENTIALS = _rule(name="link-credentials", severity=Severity.ERROR)
LOOKALIKE = _rule(name="lookalike-host", severity=Severity.ERROR)
LOCALHOST = _rule(name="localhost-link", severity=Severity.ERROR)
MAIL = _rule(name="invalid-mail-link", severity=Severity.ERROR)
PHONE = _rule(name="invalid-phone-link", severity=Severity.WARNING)
INTRANET = _rule(name="intranet-link", severity=Severity.WARNING)
INSECURE = _rule(name="insecure-link", severity=Severity.WARNING)
STRAY_CHARACTER = _rule(name="stray-character-in-link", severity=Severity.WARNING)
LONG = _rule(name="long-link", severity=Severity.WARNING)
REWRITTEN = _rule(name="rewritten-link", severity=Severity.WARNING)
RESTRICTED = _rule(name="restricted-host", severity=Severity.WARNING)
INTERNATIONAL = _rule(name="international-host", severity=Severity.INFO)

RULES = (
    WORD_CODE,
    INVALID,
    RELATIVE,
    NO_SCHEME,
    CREDENTIALS,
    LOOKALIKE,
    LOCALHOST,
    MAIL,
    PHONE,
    INTRANET,
    INSECURE,
    STRAY_CHARACTER,
    LONG,
    REWRITTEN,
    RESTRICTED,
    INTERNATIONAL,
)

MAX_URL = 500
# Microsoft Word stores a link as a field, `HYPERLINK "url" \t "_blank"`, whose end is copied along with the link.
WORD_FIELD = re.compile(r"%22(?:%20|\+)*%5C[a-z]\b|%5C[tol](?:%20|%22)|%22_blank|^HYPERLINK\b", re.IGNORECASE)
CONTROL_CHARACTER = re.compile(r"%(?:[01][0-9A-F]|7F)", re.IGNORECASE)
# No-break space, soft hyphen, zero-width characters and byte order mark, as encoded in a URL.
INVISIBLE = r"%C2%A0|%C2%AD|%E2%80%8[B-F]|%E2%81%A0|%EF%BB%BF"
STRAY_PART = re.compile(rf"{INVISIBLE}|(?:%20|[,;]|%E2%80%9[89CD])+$|^[a-z]+://[^/]+/%20", re.IGNORECASE)
# Because of a well-known ending, `github.com/x` is a host and not a page of the project's site.
FIRST_PART = re.compile(
    r"/?(www\.[^/?#]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[a-z0-9-]+\.)+(?:com|org|net|nl|de|fr|eu|be|io|dev|uk|gov|edu|info)(?=[/?#]|\Z))",
    re.IGNORECASE,
)
PHONE_NUMBER = re.compile(r"\+?\d{3,15}")


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield the problems of link targets."""
    for link in find_links(context.issue):
        yield from _check_link(context, link)


def _check_link(context: CheckContext, link: Link) -> Iterator[Finding]:
    """Yield the problems of one link. A malformed link gives only one finding."""
    url, scheme = link.url, link.url.partition(":")[0].lower()
    if WORD_FIELD.search(url) or (url.count("%22") % 2 and url.endswith("%22")):
        yield WORD_CODE.report(
            context,
            link.line,
            _("the link {link} contains code from Word", link=shorten(url)),
            fix=_(
                "Shorten it to {rest}.",
                rest=shorten(WORD_FIELD.split(url)[0].removesuffix("%22").removesuffix("%20")),
            ),
        )
    elif scheme == "mailto":
        yield from _check_mailto(context, link)
    elif scheme == "tel":
        yield from _check_tel(context, link)
    elif missing := _find_missing_scheme(context, link):
        full = f"mailto:{missing}" if "@" in missing else f"https://{missing}"
        yield NO_SCHEME.report(
            context,
            link.line,
            _(
                "the link to {missing} leads to a page of your own site, because it does not start with https:// or mailto:",
                missing=missing,
            ),
            fix=_("Write {full}.", full=full),
        )
    elif scheme not in {"http", "https"} or ":" not in url:
        yield from _report_relative(context, link)
    elif problem := _find_malformation(url):
        yield INVALID.report(
            context,
            link.line,
            _("the link {link} {problem}", link=shorten(url), problem=problem),
            fix=_("Copy it again from the address bar of the browser."),
        )
    else:
        yield from _check_url(context, link)
        yield from _check_host(context, link)


def _report_relative(context: CheckContext, link: Link) -> Iterator[Finding]:
    if link.url.startswith(("#", "?")):
        fix = _("Add the address of the page, because a mail is not a page of your site.")
    else:
        fix = _("Set site_url in moza-mail.toml, or write the full address with https://.")
    yield RELATIVE.report(
        context, link.line, _("the link {link} does not work in a mail", link=shorten(link.url)), fix=fix
    )


def _find_missing_scheme(context: CheckContext, link: Link) -> str:
    """Return a target as written if its scheme is missing, else an empty string.

    The author meant such a target as a website or mail address.
    """
    found = FIRST_PART.match(urlsplit(link.url).path if "://" in link.url else link.url)
    written = found[1] if found else ""
    return written if written and re.search(rf"\]\(\s*<?{re.escape(written)}", context.text) else ""


def _find_malformation(url: str) -> Translatable | None:
    """Return why the web address is invalid, None if it is valid."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _("is not a web address")
    name = hostnames.host_of(url)
    if name in {"http", "https"}:
        return _("starts with http twice")
    if not name or port == 0:
        return _("has no website name")
    if not hostnames.is_well_formed(name):
        return _("has an impossible website name ({host!r})", host=unquote(name))
    if CONTROL_CHARACTER.search(parts.path):
        return _("contains a control character")
    return None


def _check_url(context: CheckContext, link: Link) -> Iterator[Finding]:
    url = link.url
    if url.lower().startswith("http:"):
        yield INSECURE.report(
            context,
            link.line,
            _("the link {link} is not encrypted (http:)", link=shorten(url)),
            fix=_("Write https: and try whether {wanted} works.", wanted=shorten(f"https{url[4:]}")),
        )
    if STRAY_PART.search(url):
        yield STRAY_CHARACTER.report(
            context,
            link.line,
            _(
                "the link {link} has a space, comma or invisible character in the wrong place",
                link=shorten(url),
            ),
            fix=_("Copy it again, and remove what is left at its end."),
        )
    if len(url) > MAX_URL:
        yield LONG.report(
            context,
            link.line,
            _(
                "the link {link} has {count} characters, more than {longest_url}",
                link=shorten(url),
                count=len(url),
                longest_url=MAX_URL,
            ),
            fix=_("Remove what the page does not need, such as the part after the question mark."),
        )


def _check_host(context: CheckContext, link: Link) -> Iterator[Finding]:
    name = hostnames.host_of(link.url)
    service, inner = hostnames.unwrap_link(link.url)
    yield from _check_host_name(context, link, name)
    if "@" in urlsplit(link.url).netloc:
        yield CREDENTIALS.report(
            context,
            link.line,
            _(
                "the link to {name} contains a user name or password, which every recipient would get",
                name=name,
            ),
            fix=_("Remove everything between // and @, and change the password."),
        )
    if hostnames.is_under(name, context.options.restricted_hosts):
        yield RESTRICTED.report(
            context,
            link.line,
            _(
                "the link {link} leads to {name}, which not every recipient can open",
                link=shorten(link.url),
                name=name,
            ),
            fix=_("Mention it next to the link, or move the page to a place where everybody can read it."),
        )
    if service:
        yield REWRITTEN.report(
            context,
            link.line,
            _(
                "the link goes through {service}, which sees who follows it and may reveal your own address",
                service=service,
            ),
            fix=_("Link to {inner} directly.", inner=shorten(inner))
            if inner
            else _("Open it, and link to the page that you end up on."),
        )


def _check_host_name(context: CheckContext, link: Link, name: str) -> Iterator[Finding]:
    """Yield the problems of a host's name."""
    url, decoded = link.url, hostnames.decode_idna(name)
    if hostnames.is_loopback(name):
        yield LOCALHOST.report(
            context,
            link.line,
            _("the link {link} leads to the recipient's own computer", link=shorten(url)),
            fix=_("Link to a page that others can open."),
        )
    elif hostnames.is_internal(name):
        yield INTRANET.report(
            context,
            link.line,
            _("the link {link} only works on the network of {name}", link=shorten(url), name=name),
            fix=_("Link to a page that every recipient can open."),
        )
    elif not decoded or hostnames.is_lookalike(decoded):
        yield LOOKALIKE.report(
            context,
            link.line,
            _(
                "the address {link} contains letters of another alphabet that look like Latin letters ({host!r})",
                link=shorten(url),
                host=decoded or name,
            ),
            fix=_("Type the address yourself, because this one may be forged."),
        )
    elif not decoded.isascii():
        yield INTERNATIONAL.report(
            context,
            link.line,
            _("the website {name} is shown as {decoded!r}", name=name, decoded=decoded),
            fix=_("Check that this is the right website."),
        )


def _check_mailto(context: CheckContext, link: Link) -> Iterator[Finding]:
    recipients, _sep, parameters = link.url.partition(":")[2].partition("?")
    names = [unquote(name) for name in recipients.split(",") if name]
    try:
        for name in names:
            Address.parse(name)
    except AddressError as error:
        yield MAIL.report(
            context,
            link.line,
            _(
                "the link {link} is not a valid mail address: {reason}",
                link=shorten(unquote(link.url)),
                reason=error.reason,
            ),
            fix=_("Write mailto: and one mail address, such as mailto:naam@example.org."),
        )
    if not names and "to=" not in parameters:
        yield MAIL.report(
            context,
            link.line,
            _("the link {link} has no mail address", link=shorten(link.url)),
            fix=_("Write the mail address after mailto:."),
        )


def _check_tel(context: CheckContext, link: Link) -> Iterator[Finding]:
    number = link.url.partition(":")[2].partition(";")[0]
    if not PHONE_NUMBER.fullmatch(re.sub(r"[-.()]", "", number)):
        yield PHONE.report(
            context,
            link.line,
            _("the link {link} is not a telephone number (RFC 3966)", link=shorten(unquote(link.url))),
            fix=_("Write only digits, starting with the country code: tel:+31701234567."),
        )
