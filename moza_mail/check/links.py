"""Rules on where links lead and on what their texts say."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from moza_mail.check import hosts, link_words
from moza_mail.check.case import Case, Family, Rule
from moza_mail.check.hosts import short
from moza_mail.check.runs import OBJECT, Run, all_links, objects, runs, shown
from moza_mail.errors import AddressError
from moza_mail.model.address import Address
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Link, links, plain


def _rule(name: str, severity: Severity) -> Rule:
    return Rule(name=name, family=Family.LINKS, severity=severity)


DEBRIS = _rule("link-debris", Severity.ERROR)
BAD = _rule("bad-link", Severity.ERROR)
RELATIVE = _rule("relative-link", Severity.ERROR)
NO_SCHEME = _rule("forgotten-scheme", Severity.ERROR)
MARKUP = _rule("link-markup", Severity.ERROR)
CREDENTIALS = _rule("link-credentials", Severity.ERROR)
LOOKALIKE = _rule("lookalike-host", Severity.ERROR)
HOME = _rule("own-machine-link", Severity.ERROR)
MAIL = _rule("bad-mail-link", Severity.ERROR)
BRACKETS = _rule("unbalanced-brackets", Severity.WARNING)
PHONE = _rule("bad-phone-link", Severity.WARNING)
INSIDE = _rule("intranet-link", Severity.WARNING)
INSECURE = _rule("insecure-link", Severity.WARNING)
SPACE = _rule("stray-sign-in-link", Severity.WARNING)
LONG = _rule("long-link", Severity.WARNING)
WRAPPED = _rule("wrapped-link", Severity.WARNING)
VAGUE = _rule("vague-link-text", Severity.WARNING)
URL_TEXT = _rule("url-as-text", Severity.WARNING)
UNLINKED = _rule("unlinked-url", Severity.WARNING)
MISLEADING = _rule("misleading-link-text", Severity.WARNING)
SAME_TEXT = _rule("same-link-text", Severity.WARNING)
CLOSED = _rule("closed-host", Severity.WARNING)
FOREIGN = _rule("foreign-host", Severity.INFO)

RULES = (
    *(DEBRIS, BAD, RELATIVE, NO_SCHEME, MARKUP, CREDENTIALS, LOOKALIKE, HOME, MAIL, BRACKETS, PHONE, INSIDE),
    *(INSECURE, SPACE, LONG, WRAPPED, VAGUE, URL_TEXT, UNLINKED, MISLEADING, SAME_TEXT, CLOSED, FOREIGN),
)

LONGEST_URL = 500
# Microsoft Word keeps `HYPERLINK "url" \t "_blank"` in a field, of which the end comes along when a link is copied.
WORD = re.compile(r"%22(?:%20|\+)*%5C[a-z]\b|%5C[tol](?:%20|%22)|%22_blank|^HYPERLINK\b", re.IGNORECASE)
CONTROL = re.compile(r"%(?:[01][0-9A-F]|7F)", re.IGNORECASE)
# Space, no-break space, soft hyphen, zero-width signs and a byte-order mark, as they stand in a URL.
UNSEEN = r"%C2%A0|%C2%AD|%E2%80%8[B-F]|%E2%81%A0|%EF%BB%BF"
STRAY = re.compile(rf"{UNSEEN}|(?:%20|[,;]|%E2%80%9[89CD])+$|^[a-z]+://[^/]+/%20", re.IGNORECASE)
ENDINGS = "nl|com|org|eu|uk|be|de|fr|gov|edu|info|io|network"
SITE = re.compile(rf"(?:https?://)?(?:[\w-]+\.)+(?:{ENDINGS})(?::\d+)?(?:/\S*)?", re.IGNORECASE)
PATH = re.compile(rf"(?:[\w-]+\.)+(?:{ENDINGS})/\S+", re.IGNORECASE)
TYPED = re.compile(r"(?:https?://|\bwww\.)[^\s<>\"]*[^\s<>\".,;:!?)\]\u201d\u2019]", re.IGNORECASE)
MAIL_TEXT = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
FIRST_PART = re.compile(r"/?(www\.[^/?#]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)", re.IGNORECASE)
PHONE_NUMBER = re.compile(r"\+?\d{3,15}")
LEFTOVER = re.compile(
    r"\]\("
    rf"|\]\s\((?:{OBJECT}|https?:|www\.|mailto:|/\w)"
    rf"|\)\[(?:{OBJECT}|https?:|www\.)"
    r"|\[(?=[^\[\]\n]*[^\W\d])[^\[\]\n]*\]\[[^\[\]\n]*\]"
    r"|<(?:https?:|www\.|a\s+href)",
    re.IGNORECASE,
)


def judge(case: Case) -> Iterator[Finding]:
    """What is wrong with the links."""
    for run in runs(case.issue):
        yield from _markup(case, run)
        for link in links(run.inlines):
            yield from _target(case, link)
            yield from _text(case, link)
    yield from _same_text(case)


def _target(case: Case, link: Link) -> Iterator[Finding]:
    """Where a link leads; what is not well formed is told once."""
    url, scheme = link.url, link.url.partition(":")[0].lower()
    if WORD.search(url) or (url.count("%22") % 2 and url.endswith("%22")):
        yield DEBRIS.found(
            case,
            link.line,
            f"the link {short(url)} has code of Word in it",
            fix=f"Cut it off: {short(WORD.split(url)[0].removesuffix('%22').removesuffix('%20'))}.",
        )
    elif scheme == "mailto":
        yield from _mail(case, link)
    elif scheme == "tel":
        yield from _phone(case, link)
    elif missing := _forgotten(case, link):
        whole = f"mailto:{missing}" if "@" in missing else f"https://{missing}"
        yield NO_SCHEME.found(
            case,
            link.line,
            f"the link to {missing} leads to a page of your own site, because it does not begin with https: or mailto:",
            fix=f"Write {whole}.",
        )
    elif scheme not in {"http", "https"} or ":" not in url:
        yield from _relative(case, link)
    elif wrong := _malformed(url):
        yield BAD.found(
            case,
            link.line,
            f"the link {short(url)} {wrong}",
            fix="Copy it again from the browser's address bar.",
        )
    else:
        yield from _page(case, link)
        yield from _host(case, link)


def _relative(case: Case, link: Link) -> Iterator[Finding]:
    if link.url.startswith(("#", "?")):
        fix = "Name the page as well: a mail is no page of your site."
    else:
        fix = "Set site_url in moza-mail.toml, or write the whole address with https://."
    yield RELATIVE.found(case, link.line, f"the link {short(link.url)} leads nowhere in a mail", fix=fix)


def _forgotten(case: Case, link: Link) -> str:
    """What was written as a page of the site and is meant as another site or as a mail address."""
    found = FIRST_PART.match(urlsplit(link.url).path if "://" in link.url else link.url)
    written = found[1] if found else ""
    return written if written and re.search(rf"\]\(\s*<?{re.escape(written)}", case.text) else ""


def _malformed(url: str) -> str:
    """What makes a web address impossible, empty when nothing does."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no web address"
    name = hosts.host(url)
    if name in {"http", "https"}:
        return "begins with http twice"
    if not name or port == 0:
        return "has no host"
    if not hosts.is_well_formed(name):
        return f"has a host that cannot exist ({unquote(name)!r})"
    if CONTROL.search(parts.path):
        return "has a control character in it"
    return ""


def _page(case: Case, link: Link) -> Iterator[Finding]:
    url = link.url
    if url.lower().startswith("http:"):
        yield INSECURE.found(
            case,
            link.line,
            f"the link {short(url)} is not encrypted (http:)",
            fix=f"Write https: and see whether {short(f'https{url[4:]}')} works.",
        )
    if STRAY.search(url):
        yield SPACE.found(
            case,
            link.line,
            f"the link {short(url)} has a space, a comma or an unseen sign where none belongs",
            fix="Copy it again, and take what stands at its end away.",
        )
    if len(url) > LONGEST_URL:
        yield LONG.found(
            case,
            link.line,
            f"the link {short(url)} has {len(url)} characters, more than {LONGEST_URL}",
            fix="Take out what the page does not need, such as what stands behind the question mark.",
        )
    if url.count("(") != url.count(")"):
        yield BRACKETS.found(
            case,
            link.line,
            f"the link {short(url)} has a bracket that is not closed, or one too many",
            fix="See whether the link was cut; in a link write %28 for ( and %29 for ).",
        )


def _host(case: Case, link: Link) -> Iterator[Finding]:
    url, name = link.url, hosts.host(link.url)
    said = hosts.spoken(name)
    service, inner = hosts.unwrapped(url)
    if "@" in urlsplit(url).netloc:
        yield CREDENTIALS.found(
            case,
            link.line,
            f"the link to {name} has a name or a password in it, which every reader would get",
            fix="Take out all that stands between // and @, and change the password.",
        )
    if hosts.leads_home(name):
        yield HOME.found(
            case,
            link.line,
            f"the link {short(url)} leads to the reader's own machine",
            fix="Link to the page where others can see it.",
        )
    elif hosts.is_inside(name):
        yield INSIDE.found(
            case,
            link.line,
            f"the link {short(url)} works only on the network of {name}",
            fix="Link to a page that every reader can open.",
        )
    elif not said or hosts.is_lookalike(said):
        yield LOOKALIKE.found(
            case,
            link.line,
            f"the host of {short(url)} has letters of another alphabet that look like ours ({said or name!r})",
            fix="Type the address yourself; this may be a forged one.",
        )
    elif not said.isascii():
        yield FOREIGN.found(
            case,
            link.line,
            f"the host {name} is shown as {said!r}",
            fix="Is that the site you mean?",
        )
    if hosts.is_under(name, case.rules.closed_hosts):
        yield CLOSED.found(
            case,
            link.line,
            f"the link {short(url)} leads to {name}, which not every reader can open",
            fix="Say so beside the link, or put the page where everyone can read it.",
        )
    if service:
        yield WRAPPED.found(
            case,
            link.line,
            f"the link goes through {service}, which sees who follows it and may show your own address",
            fix=f"Link to {short(inner)} itself."
            if inner
            else "Open it, and link to the page where you arrive.",
        )


def _mail(case: Case, link: Link) -> Iterator[Finding]:
    to, _, asked = link.url.partition(":")[2].partition("?")
    names = [unquote(name) for name in to.split(",") if name]
    try:
        for name in names:
            Address.parse(name)
    except AddressError as error:
        yield MAIL.found(
            case,
            link.line,
            f"the link {short(unquote(link.url))} cannot be mailed to: {error.reason}",
            fix="Write mailto: and one plain address, such as mailto:naam@example.org.",
        )
    if not names and "to=" not in asked:
        yield MAIL.found(
            case,
            link.line,
            f"the link {short(link.url)} names nobody",
            fix="Write the address behind mailto:.",
        )


def _phone(case: Case, link: Link) -> Iterator[Finding]:
    number = link.url.partition(":")[2].partition(";")[0]
    if not PHONE_NUMBER.fullmatch(re.sub(r"[-.()]", "", number)):
        yield PHONE.found(
            case,
            link.line,
            f"the link {short(unquote(link.url))} is no telephone number (RFC 3966)",
            fix="Write only digits, with the code of the country first: tel:+31701234567.",
        )


def _text(case: Case, link: Link) -> Iterator[Finding]:
    """What a link's text says of where it leads."""
    text = " ".join(plain(link.children).split())
    if link_words.is_vague(text, case.issue.lang):
        yield VAGUE.found(
            case,
            link.line,
            f"the link text {text!r} does not say where the link leads",
            fix="Make the words that name the page the link: a screen reader reads out links by themselves.",
        )
    if _misleads(text, link.url):
        yield MISLEADING.found(
            case,
            link.line,
            f"the link text {short(text)} names another place than the link leads to, {short(link.url)}",
            fix="Let both be the same, or name the page in words: mail filters take this for fraud.",
        )
    if "://" in text or text.lower().startswith("www.") or PATH.fullmatch(text):
        yield URL_TEXT.found(
            case,
            link.line,
            f"the link text is an address, {short(text)}",
            fix="Write what the page is, [such as this](https://...): a screen reader spells an address out.",
        )


def _misleads(text: str, url: str) -> bool:
    if MAIL_TEXT.fullmatch(text):
        to = unquote(url.partition(":")[2].partition("?")[0])
        return url.lower().startswith("mailto:") and text.lower() != to.lower()
    if not SITE.fullmatch(text) or not url.lower().startswith(("http:", "https:")):
        return False
    said = hosts.host(text if "://" in text else f"https://{text}").split(".")
    real = hosts.host(url).split(".")
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
            f"the link text {text!r} leads elsewhere than on line {known.line}: {short(link.url)} and {short(known.url)}",
            fix="Give each its own words, so that they can be told apart in a list of links.",
        )


def _page_of(url: str) -> str:
    """A URL without what makes no other page of it."""
    scheme, mark, rest = url.partition("://")
    name, slash, path = rest.partition("/")
    bare = f"{name.lower().removeprefix('www.')}{slash}{path}" if mark else scheme
    return bare.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A run as plain text, and where its lines end."""

    text: str
    line: int
    ends: tuple[int, ...]

    @classmethod
    def of(cls, run: Run) -> "_Place":
        text = shown(run.inlines)
        ends = tuple(position for position, sign in enumerate(text) if sign == "\n")
        return cls(text=text, line=run.line, ends=ends)

    def at(self, position: int) -> int:
        return self.line + bisect_left(self.ends, position)


def _markup(case: Case, run: Run) -> Iterator[Finding]:
    """What was meant as a link and did not become one, and brackets that are left over."""
    place = _Place.of(run)
    broken = list(LEFTOVER.finditer(place.text))
    lines = {place.at(found.start()) for found in broken}
    for line in sorted(lines):
        row = place.text.split("\n")[line - run.line].replace(OBJECT, "...")
        yield MARKUP.found(
            case,
            line,
            f"this did not become a link, and readers see it as it stands: {short(row.strip())!r}",
            fix="Write [words](https://...): nothing between ] and (, and each bracket closed.",
        )
    for found in TYPED.finditer(place.text):
        if place.at(found.start()) not in lines:
            yield UNLINKED.found(
                case,
                place.at(found.start()),
                f"the address {short(found.group())} is no link",
                fix="Make words a link to it: [words](https://...).",
            )
    yield from _brackets(case, place, run, lines)


def _brackets(case: Case, place: _Place, run: Run, broken: set[int]) -> Iterator[Finding]:
    there = objects(run.inlines)
    round_, square = 0, []
    for position, sign in enumerate(place.text):
        link = next(there, None) if sign == OBJECT else None
        round_ = max(0, round_ + (sign == "(") - (sign == ")"))
        if sign == "[":
            square.append(position)
        elif sign == "]" and square:
            square.pop()
        elif sign == "]":
            square.append(position)
            break
        if link and not round_ and place.text[position + 1 : position + 2] == ")":
            yield BRACKETS.found(
                case,
                place.at(position),
                f"behind the link {short(link.url)} stands a bracket too many: the link may have been cut",
                fix="Take the bracket out, or, when it belongs to the link, write %28 for ( and %29 for ).",
            )
    lonely = {place.at(position) for position in square} - broken
    for line in sorted(lonely) if run.is_whole else ():
        yield BRACKETS.found(
            case,
            line,
            "a square bracket has no other half",
            fix="Close it, or take it out; a link is written [words](https://...).",
        )
