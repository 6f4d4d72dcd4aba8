"""Rules on where links lead."""

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
# Microsoft Word keeps `HYPERLINK "url" \t "_blank"` in a field, of which the end comes along when a link is copied.
WORD_FIELD = re.compile(r"%22(?:%20|\+)*%5C[a-z]\b|%5C[tol](?:%20|%22)|%22_blank|^HYPERLINK\b", re.IGNORECASE)
CONTROL_CHARACTER = re.compile(r"%(?:[01][0-9A-F]|7F)", re.IGNORECASE)
# Space, no-break space, soft hyphen, zero-width signs and a byte-order mark, as they stand in a URL.
INVISIBLE = r"%C2%A0|%C2%AD|%E2%80%8[B-F]|%E2%81%A0|%EF%BB%BF"
STRAY_PART = re.compile(rf"{INVISIBLE}|(?:%20|[,;]|%E2%80%9[89CD])+$|^[a-z]+://[^/]+/%20", re.IGNORECASE)
FIRST_PART = re.compile(r"/?(www\.[^/?#]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)", re.IGNORECASE)
PHONE_NUMBER = re.compile(r"\+?\d{3,15}")


def check(context: CheckContext) -> Iterator[Finding]:
    """What is wrong with the targets of links."""
    for link in find_links(context.issue):
        yield from _check_link(context, link)


def _check_link(context: CheckContext, link: Link) -> Iterator[Finding]:
    """Where a link leads; what is not well formed is told once."""
    url, scheme = link.url, link.url.partition(":")[0].lower()
    if WORD_FIELD.search(url) or (url.count("%22") % 2 and url.endswith("%22")):
        yield WORD_CODE.report(
            context,
            link.line,
            _("the link {link} has code of Word in it", link=shorten(url)),
            fix=_(
                "Cut it off: {rest}.",
                rest=shorten(WORD_FIELD.split(url)[0].removesuffix("%22").removesuffix("%20")),
            ),
        )
    elif scheme == "mailto":
        yield from _check_mailto(context, link)
    elif scheme == "tel":
        yield from _check_tel(context, link)
    elif missing := _find_missing_scheme(context, link):
        whole = f"mailto:{missing}" if "@" in missing else f"https://{missing}"
        yield NO_SCHEME.report(
            context,
            link.line,
            _(
                "the link to {missing} leads to a page of your own site, because it does not begin with https: or mailto:",
                missing=missing,
            ),
            fix=_("Write {whole}.", whole=whole),
        )
    elif scheme not in {"http", "https"} or ":" not in url:
        yield from _report_relative(context, link)
    elif wrong := _find_malformation(url):
        yield INVALID.report(
            context,
            link.line,
            _("the link {link} {wrong}", link=shorten(url), wrong=wrong),
            fix=_("Copy it again from the browser's address bar."),
        )
    else:
        yield from _check_url(context, link)
        yield from _check_host(context, link)


def _report_relative(context: CheckContext, link: Link) -> Iterator[Finding]:
    if link.url.startswith(("#", "?")):
        fix = _("Name the page as well: a mail is no page of your site.")
    else:
        fix = _("Set site_url in moza-mail.toml, or write the whole address with https://.")
    yield RELATIVE.report(
        context, link.line, _("the link {link} leads nowhere in a mail", link=shorten(link.url)), fix=fix
    )


def _find_missing_scheme(context: CheckContext, link: Link) -> str:
    """What was written as a page of the site and is meant as another site or as a mail address."""
    found = FIRST_PART.match(urlsplit(link.url).path if "://" in link.url else link.url)
    written = found[1] if found else ""
    return written if written and re.search(rf"\]\(\s*<?{re.escape(written)}", context.text) else ""


def _find_malformation(url: str) -> Translatable | None:
    """What makes a web address impossible, None when nothing does."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _("is no web address")
    name = hostnames.host_of(url)
    if name in {"http", "https"}:
        return _("begins with http twice")
    if not name or port == 0:
        return _("has no host")
    if not hostnames.is_well_formed(name):
        return _("has a host that cannot exist ({host!r})", host=unquote(name))
    if CONTROL_CHARACTER.search(parts.path):
        return _("has a control character in it")
    return None


def _check_url(context: CheckContext, link: Link) -> Iterator[Finding]:
    url = link.url
    if url.lower().startswith("http:"):
        yield INSECURE.report(
            context,
            link.line,
            _("the link {link} is not encrypted (http:)", link=shorten(url)),
            fix=_("Write https: and see whether {wanted} works.", wanted=shorten(f"https{url[4:]}")),
        )
    if STRAY_PART.search(url):
        yield STRAY_CHARACTER.report(
            context,
            link.line,
            _("the link {link} has a space, a comma or an unseen sign where none belongs", link=shorten(url)),
            fix=_("Copy it again, and take what stands at its end away."),
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
            fix=_("Take out what the page does not need, such as what stands behind the question mark."),
        )


def _check_host(context: CheckContext, link: Link) -> Iterator[Finding]:
    name = hostnames.host_of(link.url)
    service, inner = hostnames.unwrap_link(link.url)
    yield from _check_host_name(context, link, name)
    if "@" in urlsplit(link.url).netloc:
        yield CREDENTIALS.report(
            context,
            link.line,
            _("the link to {name} has a name or a password in it, which every reader would get", name=name),
            fix=_("Take out all that stands between // and @, and change the password."),
        )
    if hostnames.is_under(name, context.options.restricted_hosts):
        yield RESTRICTED.report(
            context,
            link.line,
            _(
                "the link {link} leads to {name}, which not every reader can open",
                link=shorten(link.url),
                name=name,
            ),
            fix=_("Say so beside the link, or put the page where everyone can read it."),
        )
    if service:
        yield REWRITTEN.report(
            context,
            link.line,
            _(
                "the link goes through {service}, which sees who follows it and may show your own address",
                service=service,
            ),
            fix=_("Link to {inner} itself.", inner=shorten(inner))
            if inner
            else _("Open it, and link to the page where you arrive."),
        )


def _check_host_name(context: CheckContext, link: Link, name: str) -> Iterator[Finding]:
    """What is wrong with the name of a host."""
    url, said = link.url, hostnames.decode_idna(name)
    if hostnames.is_loopback(name):
        yield LOCALHOST.report(
            context,
            link.line,
            _("the link {link} leads to the reader's own machine", link=shorten(url)),
            fix=_("Link to the page where others can see it."),
        )
    elif hostnames.is_internal(name):
        yield INTRANET.report(
            context,
            link.line,
            _("the link {link} works only on the network of {name}", link=shorten(url), name=name),
            fix=_("Link to a page that every reader can open."),
        )
    elif not said or hostnames.is_lookalike(said):
        yield LOOKALIKE.report(
            context,
            link.line,
            _(
                "the host of {link} has letters of another alphabet that look like ours ({shown!r})",
                link=shorten(url),
                shown=said or name,
            ),
            fix=_("Type the address yourself; this may be a forged one."),
        )
    elif not said.isascii():
        yield INTERNATIONAL.report(
            context,
            link.line,
            _("the host {name} is shown as {said!r}", name=name, said=said),
            fix=_("Is that the site you mean?"),
        )


def _check_mailto(context: CheckContext, link: Link) -> Iterator[Finding]:
    to, _sep, asked = link.url.partition(":")[2].partition("?")
    names = [unquote(name) for name in to.split(",") if name]
    try:
        for name in names:
            Address.parse(name)
    except AddressError as error:
        yield MAIL.report(
            context,
            link.line,
            _(
                "the link {link} cannot be mailed to: {reason}",
                link=shorten(unquote(link.url)),
                reason=error.reason,
            ),
            fix=_("Write mailto: and one plain address, such as mailto:naam@example.org."),
        )
    if not names and "to=" not in asked:
        yield MAIL.report(
            context,
            link.line,
            _("the link {link} names nobody", link=shorten(link.url)),
            fix=_("Write the address behind mailto:."),
        )


def _check_tel(context: CheckContext, link: Link) -> Iterator[Finding]:
    number = link.url.partition(":")[2].partition(";")[0]
    if not PHONE_NUMBER.fullmatch(re.sub(r"[-.()]", "", number)):
        yield PHONE.report(
            context,
            link.line,
            _("the link {link} is no telephone number (RFC 3966)", link=shorten(unquote(link.url))),
            fix=_("Write only digits, with the code of the country first: tel:+31701234567."),
        )
