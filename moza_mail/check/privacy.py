"""Check what a mail reveals about its recipients.

Opening a mail must reveal nothing, and following a link must not identify the recipient. So every
recipient gets the same addresses, except for PERSONAL_LINKS. This module cannot check if a linked website
tracks its visitors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from moza_mail.check import css, hostnames, html_tree
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.message import PLACEHOLDER


def _rule(name: str, severity: Severity = Severity.ERROR) -> Rule:
    return Rule(name=name, category=RuleCategory.PRIVACY, severity=severity)


REMOTE = _rule("remote-content")
PIXEL = _rule("tracking-pixel")
PERSONAL_LINK = _rule("personal-link")
PERSONAL_PARAMETER = _rule("personal-parameter")
CAMPAIGN = _rule("campaign-tag", Severity.WARNING)
TRACKING_REDIRECT = _rule("tracking-redirect", Severity.WARNING)

RULES = (REMOTE, PIXEL, PERSONAL_LINK, PERSONAL_PARAMETER, CAMPAIGN, TRACKING_REDIRECT)

# The links that may differ per recipient.
PERSONAL_LINKS = ("unsubscribe_url", "preferences_url", "view_url")

# Elements and attributes whose address a mail program fetches when it shows a mail.
FETCHED_ATTRIBUTES = {
    "img": ("src", "srcset", "lowsrc"), "source": ("src", "srcset"), "video": ("src", "poster"), "audio": ("src",), "track": ("src",),
    "input": ("src",), "iframe": ("src",), "frame": ("src",), "embed": ("src",), "object": ("data",), "script": ("src",),
    "link": ("href",), "image": ("href", "xlink:href"), "bgsound": ("src",), "v:image": ("src",), "v:fill": ("src",),
    "v:imagedata": ("src",),
}  # fmt: skip
FETCHED_IN_COMMENT = re.compile(
    r"\b(?:src|background|poster|srcset|href)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE
)
ANCHOR_TAG = re.compile(r"<a\b[^>]*>", re.IGNORECASE)
REMOTE_SCHEMES = {"http", "https"}
REMOTE_URL = re.compile(r"\s*(?:(?:https?|ftp):)?[/\\]{2}", re.IGNORECASE)

ADDRESS = re.compile(r"[^\s@=&?/]+@[\w-]+(?:\.[\w-]+)+")
# A hash or UUID, or a random key: 16 characters or more that often change between capitals, small letters and digits.
HASH = re.compile(r"(?=.*\d)[0-9a-f]{24,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
KEY = re.compile(r"[A-Za-z0-9+/=]{16,}")
CHARACTER_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
MAX_RUNS = 5
# Parameters by which mailing programs identify one recipient. A link that was copied from such a mail identifies the
# person who copied it.
PERSONAL_PARAMETERS = {
    "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "vero_id", "oly_enc_id", "oly_anon_id", "_kx", "ck_subscriber_id", "dm_i", "elqtrackid",
    "s_cid", "wickedid", "ml_subscriber", "ml_subscriber_hash", "sc_uid", "bsft_uid", "bsft_eid", "trk_contact", "trk_msg",
    "subscriber_id", "subscriberid", "recipient_id", "recipientid", "contact_id", "email", "e-mail", "emailaddress", "mailadres",
}  # fmt: skip
CLICK_PARAMETERS = {
    "fbclid",
    "gclid",
    "dclid",
    "msclkid",
    "twclid",
    "igshid",
    "mc_cid",
    "gbraid",
    "wbraid",
    "yclid",
    "li_fat_id",
}
# Redirects that count visitors, by host and, if the host has other pages too, by path. Security services are in
# `hostnames`.
REDIRECT_SERVICES = {
    "list-manage.com": "/track/", "mandrillapp.com": "/track/", "sendgrid.net": "/ls/click", "linkedin.com": "/redir", "hubspotlinks.com": "",
    "rs6.net": "", "exct.net": "", "lnkd.in": "", "t.co": "", "bit.ly": "", "tinyurl.com": "", "goo.gl": "", "ow.ly": "", "buff.ly": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedResource:
    """Something that a mail program fetches when the mail is opened.

    requested_by: the element, style or comment that contains the address.
    """

    url: str
    requested_by: str

    @property
    def host(self) -> str:
        """The host that is contacted, `?` if it cannot be parsed.

        Empty for content inside the mail.
        """
        found = REMOTE_URL.match(self.url)
        if not found:
            return ""
        return (
            html_tree.normalize_text(hostnames.split_url(f"https://{self.url[found.end() :]}").hostname)
            or "?"
        )


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield what the mail reveals about its recipients."""
    yield from _check_remote_content(context)
    yield from _check_tracking_pixels(context)
    for link, target in html_tree.find_links(context.tree):
        yield from _check_link(context, link, target)


def find_fetched_resources(tree: Any) -> Iterator[FetchedResource]:
    """Yield everything that a mail program would fetch, including in comments for Outlook."""
    for element in tree.iter("*"):
        tag = str(element.tag)
        for name in FETCHED_ATTRIBUTES.get(tag, ()):
            for url in _split_srcset(element.get(name, ""), several=name == "srcset"):
                yield FetchedResource(url=url, requested_by=f"<{tag}>")
        if background := element.get("background"):
            yield FetchedResource(url=background.strip(), requested_by=f"<{tag}>")
        style = "".join(element.itertext()) if tag == "style" else element.get("style", "")
        for url in css.find_urls(style):
            yield FetchedResource(
                url=url,
                requested_by=_("a style block") if tag == "style" else _("the style of <{tag}>", tag=tag),
            )
    for html in html_tree.outlook_comments(tree):
        for url in (*FETCHED_IN_COMMENT.findall(ANCHOR_TAG.sub("", html)), *css.find_urls(html)):
            yield FetchedResource(url=url, requested_by=_("a comment for Outlook"))


def _split_srcset(value: str, *, several: bool) -> list[str]:
    if not several:
        return [value.strip()] if value.strip() else []
    return [words[0] for candidate in value.split(",") if (words := candidate.split())]


def is_allowed_host(host: str, wanted: tuple[str, ...]) -> bool:
    """Return True if the project allows mails to fetch from this host."""
    return host in {each.lower() for each in wanted}


def _check_remote_content(context: CheckContext) -> Iterator[Finding]:
    seen: set[FetchedResource] = set()
    for fetch in find_fetched_resources(context.tree):
        if not fetch.host or is_allowed_host(fetch.host, context.options.allowed_hosts) or fetch in seen:
            continue
        seen.add(fetch)
        yield REMOTE.report(
            context,
            html_tree.find_line(context, fetch.url),
            _(
                "{source} fetches {url} from {host} when the mail is opened, so {host} learns who opens it and when",
                source=fetch.requested_by,
                host=fetch.host,
                url=html_tree.quote(fetch.url),
            ),
            fix=_(
                "Put the image next to the issue, so that it is part of the mail, or add the host to `allowed_hosts` under [check]."
            ),
        )


def is_tracking_pixel(image: Any) -> bool:
    """Return True if an image cannot be seen: at most one pixel high or wide, or hidden."""
    declared = {each.name: each.value for each in css.parse_declarations(image.get("style", ""))}
    sizes = [
        image.get("width", ""),
        image.get("height", ""),
        declared.get("width", ""),
        declared.get("height", ""),
    ]
    small = any(re.fullmatch(r"\s*0*[01](?:\.\d*)?\s*(?:px)?\s*", size) for size in sizes if size)
    unseen = declared.get("display") == "none" or declared.get("visibility") == "hidden"
    clear = re.fullmatch(r"0*\.?0*%?", declared.get("opacity", "1")) is not None
    return small or unseen or clear or image.get("hidden") is not None


def _check_tracking_pixels(context: CheckContext) -> Iterator[Finding]:
    for image in context.tree.iter("img"):
        if is_tracking_pixel(image):
            src = image.get("src", "")
            yield PIXEL.report(
                context,
                html_tree.find_line(context, src),
                _(
                    "the image {image} is invisible, like an image that tracks who opens the mail",
                    image=html_tree.quote(src),
                ),
                fix=_("Remove it. Use padding for white space."),
            )


def _check_link(context: CheckContext, link: Any, target: str) -> Iterator[Finding]:
    line = html_tree.find_line(context, target)
    text = html_tree.quote(html_tree.element_text(link))
    placeholders = PLACEHOLDER.findall(unquote(target))
    if placeholders and not (
        len(placeholders) == 1 and placeholders[0] in PERSONAL_LINKS and PLACEHOLDER.fullmatch(target)
    ):
        yield PERSONAL_LINK.report(
            context,
            line,
            _(
                "the link {text} contains {placeholder!r}, which differs per recipient",
                text=text,
                placeholder=placeholders[0],
            ),
            fix=_(
                "Only the links to unsubscribe, to the preferences and to the mail on the web may differ per recipient."
            ),
        )
        return
    parts = hostnames.split_url(target)
    if host := find_redirect_host(target):
        yield TRACKING_REDIRECT.report(
            context,
            line,
            _("the link {text} goes through {host}, which counts who follows it", text=text, host=host),
            fix=_("Open it, and use the address that you end up on."),
        )
    for name, value in (
        parse_qsl(parts.query, keep_blank_values=True) if parts.scheme in REMOTE_SCHEMES else ()
    ):
        yield from _check_parameter(context, line, text, (name, value))


def _check_parameter(context: CheckContext, line: int, text: str, pair: tuple[str, str]) -> Iterator[Finding]:
    name, value = html_tree.normalize_text(pair[0]), pair[1]
    if is_personal(name, value):
        yield PERSONAL_PARAMETER.report(
            context,
            line,
            _(
                "the link {text} contains {name}={value}, which identifies one person",
                text=text,
                name=name,
                value=html_tree.quote(mask_local_parts(value)),
            ),
            fix=_(
                "Remove `{name}=` and its value from the address: it identifies the person whose mail it was copied from.",
                name=name,
            ),
        )
    elif name.lower().startswith("utm_") or name.lower() in CLICK_PARAMETERS:
        yield CAMPAIGN.report(
            context,
            line,
            _(
                "the link {text} contains {name}={value}, which the website uses to count recipients of this mail",
                text=text,
                name=name,
                value=html_tree.quote(value),
            ),
            fix=_(
                "Remove `{name}=` and its value from the address; the link also works without it.", name=name
            ),
        )


def find_redirect_host(url: str) -> str:
    """Return the host that counts visitors and redirects them, empty if the link is direct."""
    host, path = hostnames.host_of(url), hostnames.split_url(url).path
    matches = (
        service
        for service, prefix in REDIRECT_SERVICES.items()
        if hostnames.is_under(host, (service,)) and path.startswith(prefix)
    )
    return host if next(matches, "") else ""


def is_personal(name: str, value: str) -> bool:
    """Return True if a URL parameter identifies one recipient.

    A parameter identifies a recipient in three cases: mailing programs use its name for a person, its value
    is a mail address, or it is a `utm_` parameter whose value is a random key. A random key in any other
    parameter often identifies a document, so it is allowed.
    """
    key = name.lower()
    if not value:
        return False
    if ADDRESS.search(unquote(value)) or (key in PERSONAL_PARAMETERS):
        return True
    return key.startswith("utm_") and _is_token(value)


def _is_token(value: str) -> bool:
    keys = (word for word in re.split(r"[-_. ]", value) if KEY.fullmatch(word))
    return HASH.search(value) is not None or any(len(CHARACTER_RUN.findall(key)) > MAX_RUNS for key in keys)


def mask_local_parts(value: str) -> str:
    """Return a value with the local part of each mail address masked."""
    return re.sub(r"[^\s@=&?/|]+@", "***@", unquote(value))
