"""Rules on where links lead."""

import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote, urlsplit

from moza_mail.check import hostnames
from moza_mail.check.hostnames import short
from moza_mail.check.passages import find_links
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.errors import AddressError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Link

_rule = partial(Rule, category=RuleCategory.LINKS)

DEBRIS = _rule(name="link-debris", severity=Severity.ERROR)
BAD = _rule(name="bad-link", severity=Severity.ERROR)
RELATIVE = _rule(name="relative-link", severity=Severity.ERROR)
NO_SCHEME = _rule(name="forgotten-scheme", severity=Severity.ERROR)
CREDENTIALS = _rule(name="link-credentials", severity=Severity.ERROR)
LOOKALIKE = _rule(name="lookalike-host", severity=Severity.ERROR)
HOME = _rule(name="own-machine-link", severity=Severity.ERROR)
MAIL = _rule(name="bad-mail-link", severity=Severity.ERROR)
PHONE = _rule(name="bad-phone-link", severity=Severity.WARNING)
INSIDE = _rule(name="intranet-link", severity=Severity.WARNING)
INSECURE = _rule(name="insecure-link", severity=Severity.WARNING)
SPACE = _rule(name="stray-sign-in-link", severity=Severity.WARNING)
LONG = _rule(name="long-link", severity=Severity.WARNING)
WRAPPED = _rule(name="wrapped-link", severity=Severity.WARNING)
CLOSED = _rule(name="closed-host", severity=Severity.WARNING)
FOREIGN = _rule(name="foreign-host", severity=Severity.INFO)

RULES = (
    DEBRIS,
    BAD,
    RELATIVE,
    NO_SCHEME,
    CREDENTIALS,
    LOOKALIKE,
    HOME,
    MAIL,
    PHONE,
    INSIDE,
    INSECURE,
    SPACE,
    LONG,
    WRAPPED,
    CLOSED,
    FOREIGN,
)

LONGEST_URL = 500
# Microsoft Word keeps `HYPERLINK "url" \t "_blank"` in a field, of which the end comes along when a link is copied.
WORD = re.compile(r"%22(?:%20|\+)*%5C[a-z]\b|%5C[tol](?:%20|%22)|%22_blank|^HYPERLINK\b", re.IGNORECASE)
CONTROL = re.compile(r"%(?:[01][0-9A-F]|7F)", re.IGNORECASE)
# Space, no-break space, soft hyphen, zero-width signs and a byte-order mark, as they stand in a URL.
UNSEEN = r"%C2%A0|%C2%AD|%E2%80%8[B-F]|%E2%81%A0|%EF%BB%BF"
STRAY = re.compile(rf"{UNSEEN}|(?:%20|[,;]|%E2%80%9[89CD])+$|^[a-z]+://[^/]+/%20", re.IGNORECASE)
FIRST_PART = re.compile(r"/?(www\.[^/?#]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)", re.IGNORECASE)
PHONE_NUMBER = re.compile(r"\+?\d{3,15}")


def judge(case: CheckContext) -> Iterator[Finding]:
    """What is wrong with the targets of links."""
    for link in find_links(case.issue):
        yield from _target(case, link)


def _target(case: CheckContext, link: Link) -> Iterator[Finding]:
    """Where a link leads; what is not well formed is told once."""
    url, scheme = link.url, link.url.partition(":")[0].lower()
    if WORD.search(url) or (url.count("%22") % 2 and url.endswith("%22")):
        yield DEBRIS.report(
            case,
            link.line,
            _("the link {link} has code of Word in it", link=short(url)),
            fix=_(
                "Cut it off: {rest}.", rest=short(WORD.split(url)[0].removesuffix("%22").removesuffix("%20"))
            ),
        )
    elif scheme == "mailto":
        yield from _mail(case, link)
    elif scheme == "tel":
        yield from _phone(case, link)
    elif missing := _forgotten(case, link):
        whole = f"mailto:{missing}" if "@" in missing else f"https://{missing}"
        yield NO_SCHEME.report(
            case,
            link.line,
            _(
                "the link to {missing} leads to a page of your own site, because it does not begin with https: or mailto:",
                missing=missing,
            ),
            fix=_("Write {whole}.", whole=whole),
        )
    elif scheme not in {"http", "https"} or ":" not in url:
        yield from _relative(case, link)
    elif wrong := _malformed(url):
        yield BAD.report(
            case,
            link.line,
            _("the link {link} {wrong}", link=short(url), wrong=wrong),
            fix=_("Copy it again from the browser's address bar."),
        )
    else:
        yield from _page(case, link)
        yield from _host(case, link)


def _relative(case: CheckContext, link: Link) -> Iterator[Finding]:
    if link.url.startswith(("#", "?")):
        fix = _("Name the page as well: a mail is no page of your site.")
    else:
        fix = _("Set site_url in moza-mail.toml, or write the whole address with https://.")
    yield RELATIVE.report(
        case, link.line, _("the link {link} leads nowhere in a mail", link=short(link.url)), fix=fix
    )


def _forgotten(case: CheckContext, link: Link) -> str:
    """What was written as a page of the site and is meant as another site or as a mail address."""
    found = FIRST_PART.match(urlsplit(link.url).path if "://" in link.url else link.url)
    written = found[1] if found else ""
    return written if written and re.search(rf"\]\(\s*<?{re.escape(written)}", case.text) else ""


def _malformed(url: str) -> Translatable | None:
    """What makes a web address impossible, None when nothing does."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _("is no web address")
    name = hostnames.host(url)
    if name in {"http", "https"}:
        return _("begins with http twice")
    if not name or port == 0:
        return _("has no host")
    if not hostnames.is_well_formed(name):
        return _("has a host that cannot exist ({host!r})", host=unquote(name))
    if CONTROL.search(parts.path):
        return _("has a control character in it")
    return None


def _page(case: CheckContext, link: Link) -> Iterator[Finding]:
    url = link.url
    if url.lower().startswith("http:"):
        yield INSECURE.report(
            case,
            link.line,
            _("the link {link} is not encrypted (http:)", link=short(url)),
            fix=_("Write https: and see whether {wanted} works.", wanted=short(f"https{url[4:]}")),
        )
    if STRAY.search(url):
        yield SPACE.report(
            case,
            link.line,
            _("the link {link} has a space, a comma or an unseen sign where none belongs", link=short(url)),
            fix=_("Copy it again, and take what stands at its end away."),
        )
    if len(url) > LONGEST_URL:
        yield LONG.report(
            case,
            link.line,
            _(
                "the link {link} has {count} characters, more than {longest_url}",
                link=short(url),
                count=len(url),
                longest_url=LONGEST_URL,
            ),
            fix=_("Take out what the page does not need, such as what stands behind the question mark."),
        )


def _host(case: CheckContext, link: Link) -> Iterator[Finding]:
    name = hostnames.host(link.url)
    service, inner = hostnames.unwrapped(link.url)
    yield from _name(case, link, name)
    if "@" in urlsplit(link.url).netloc:
        yield CREDENTIALS.report(
            case,
            link.line,
            _("the link to {name} has a name or a password in it, which every reader would get", name=name),
            fix=_("Take out all that stands between // and @, and change the password."),
        )
    if hostnames.is_under(name, case.options.restricted_hosts):
        yield CLOSED.report(
            case,
            link.line,
            _(
                "the link {link} leads to {name}, which not every reader can open",
                link=short(link.url),
                name=name,
            ),
            fix=_("Say so beside the link, or put the page where everyone can read it."),
        )
    if service:
        yield WRAPPED.report(
            case,
            link.line,
            _(
                "the link goes through {service}, which sees who follows it and may show your own address",
                service=service,
            ),
            fix=_("Link to {inner} itself.", inner=short(inner))
            if inner
            else _("Open it, and link to the page where you arrive."),
        )


def _name(case: CheckContext, link: Link, name: str) -> Iterator[Finding]:
    """What is wrong with the name of a host."""
    url, said = link.url, hostnames.spoken(name)
    if hostnames.leads_home(name):
        yield HOME.report(
            case,
            link.line,
            _("the link {link} leads to the reader's own machine", link=short(url)),
            fix=_("Link to the page where others can see it."),
        )
    elif hostnames.is_inside(name):
        yield INSIDE.report(
            case,
            link.line,
            _("the link {link} works only on the network of {name}", link=short(url), name=name),
            fix=_("Link to a page that every reader can open."),
        )
    elif not said or hostnames.is_lookalike(said):
        yield LOOKALIKE.report(
            case,
            link.line,
            _(
                "the host of {link} has letters of another alphabet that look like ours ({shown!r})",
                link=short(url),
                shown=said or name,
            ),
            fix=_("Type the address yourself; this may be a forged one."),
        )
    elif not said.isascii():
        yield FOREIGN.report(
            case,
            link.line,
            _("the host {name} is shown as {said!r}", name=name, said=said),
            fix=_("Is that the site you mean?"),
        )


def _mail(case: CheckContext, link: Link) -> Iterator[Finding]:
    to, _sep, asked = link.url.partition(":")[2].partition("?")
    names = [unquote(name) for name in to.split(",") if name]
    try:
        for name in names:
            Address.parse(name)
    except AddressError as error:
        yield MAIL.report(
            case,
            link.line,
            _(
                "the link {link} cannot be mailed to: {reason}",
                link=short(unquote(link.url)),
                reason=error.reason,
            ),
            fix=_("Write mailto: and one plain address, such as mailto:naam@example.org."),
        )
    if not names and "to=" not in asked:
        yield MAIL.report(
            case,
            link.line,
            _("the link {link} names nobody", link=short(link.url)),
            fix=_("Write the address behind mailto:."),
        )


def _phone(case: CheckContext, link: Link) -> Iterator[Finding]:
    number = link.url.partition(":")[2].partition(";")[0]
    if not PHONE_NUMBER.fullmatch(re.sub(r"[-.()]", "", number)):
        yield PHONE.report(
            case,
            link.line,
            _("the link {link} is no telephone number (RFC 3966)", link=short(unquote(link.url))),
            fix=_("Write only digits, with the code of the country first: tel:+31701234567."),
        )
