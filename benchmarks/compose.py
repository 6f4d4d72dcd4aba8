"""Measure how fast messages are composed after the mailing is compiled: `python -m benchmarks.compose`.

Prints the compile time in ms, and the messages of 30 kB of HTML per second. Each figure is the median of five runs (lowest to
highest). The messages have no merge fields, or two of which one is also in the subject.
"""

import statistics
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from moza_mail import compose
from moza_mail.model.address import Address
from moza_mail.model.mailing import Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import Recipient, Rendered, make_field_placeholder, make_placeholder

ROUNDS = 5
MESSAGES = 20_000
SIZE = 30_000
NAMES = ("Jan de Vries", "Zoë Lezer", "A. Lezer", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The figures of several runs, printed as their median and range."""

    label: str
    unit: str
    runs: tuple[float, ...]

    def __str__(self):
        low, high = min(self.runs), max(self.runs)
        return f"{self.label}: {statistics.median(self.runs):,.2f} {self.unit} ({low:,.2f} to {high:,.2f})"


def make_mailing(html: str, text: str) -> Mailing:
    return Mailing(
        id=1,
        key="2026-01-14/weekly",
        issue_slug="2026-01-14",
        issue_title="Nieuws",
        list_slug="weekly",
        digest="",
        rendered=Rendered(subject="Nieuws – week 3", preheader="", html=html, text=text, lang="nl"),
        created_at=datetime(2026, 1, 14, 8, tzinfo=UTC),
    )


def make_sample() -> Mailing:
    """Return an issue of the usual size: HTML as MJML writes it, with long lines and many attributes."""
    row = (
        '<tr><td align="left" style="font-size:16px;padding:10px 25px;word-break:break-word;color:#154273;">'
        '<p style="margin:0;">Coördinatie: op <a href="https://example.org/agenda?dag=3&amp;maand=2">3 februari</a> '
        "is er nieuws – voor iedereen.</p></td></tr>\n"
    )
    leave = make_placeholder("unsubscribe_url")
    html = row * (SIZE // len(row.encode())) + f'<p><a href="{leave}">Afmelden</a></p>\n'
    text = "Op 3 februari is er nieuws – voor iedereen. Lees het op https://example.org/agenda.\n\n" * 60
    return make_mailing(html, f"{text}Afmelden: {leave}\n")


def make_greeting() -> Mailing:
    """Return the same issue with two merge fields."""
    plain = make_sample()
    name, place = make_field_placeholder(0), make_field_placeholder(1)
    rendered = replace(
        plain.rendered,
        subject=f"{name}, {plain.rendered.subject}",
        html=f"<p>Beste {name}, uit {place},</p>\n{plain.rendered.html}<p>Dag {name}!</p>\n",
        text=f"Beste {name}, uit {place},\n\n{plain.rendered.text}\nDag {name}!\n",
        fields=(
            MergeField(name="name", default="lezer"),
            MergeField(name="organisatie", default="uw organisatie"),
        ),
    )
    return replace(plain, rendered=rendered)


def measure(issue: Mailing) -> list[Measurement]:
    listing = MailingList(
        slug="weekly", title="Weekly", sender=Address.parse("nieuws@example.org"), sender_name="Redactie"
    )
    links = compose.SignedLinks(
        secret=b"a secret for measuring only", public_url="https://nieuws.example.org"
    )
    recipients = [
        Recipient(
            subscriber_id=n,
            address=Address(local=f"reader{n}", domain="example.com"),
            name=f"Zoë Lezer {n}",
            values={"organisatie": f"Bakkerij {n} & Zonen"},
        )
        for n in range(MESSAGES)
    ]
    compiling, composing, spending = [], [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        compiled = compose.compile_mailing(issue, listing, links)
        compiling.append((time.perf_counter() - began) * 1000)
        began, spent = time.perf_counter(), time.process_time()
        for recipient in recipients:
            compiled.compose_message(recipient)
        composing.append(MESSAGES / (time.perf_counter() - began))
        spending.append((time.process_time() - spent) / MESSAGES * 1e6)
    return [
        Measurement(label="compile", unit="ms", runs=tuple(compiling)),
        Measurement(label="compose", unit="messages/s", runs=tuple(composing)),
        Measurement(label="processor time", unit="us a message", runs=tuple(spending)),
    ]


def main() -> None:
    for what, issue in (("without fields", make_sample()), ("with two fields", make_greeting())):
        html, text = issue.rendered.html.encode(), issue.rendered.text.encode()
        print(f"{what}: HTML {len(html):,} bytes, text {len(text):,} bytes")
        for measured in measure(issue):
            print(f"  {measured}")


if __name__ == "__main__":
    main()
