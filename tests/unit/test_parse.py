"""Parsing an issue: no text is lost, and each mistake is reported with its line."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.common.normalize_url import normalizeLink

from moza_mail import parse
from moza_mail.errors import IssueError
from moza_mail.model.issue import (
    CodeBlock,
    Divider,
    Emoji,
    Heading,
    Image,
    ItemList,
    Link,
    Paragraph,
    Quote,
    Strong,
    Table,
    Text,
    collect_links,
    to_plain_text,
)
from moza_mail.parse import syntax
from tests.support.examples import examples, scale

HEAD = "---\ntitle: Weekbericht\ndate: 2026-01-14\n---\n"


def issue(body: str, **options):
    return parse.parse_issue(HEAD + body, "issues/2026-01-14.md", **options)


def front(yaml: str):
    return parse.parse_issue(f"---\n{yaml}\n---\n\n# A\n\nB\n", "issues/w.md")


def read(body: str):
    """Return the issue, or the IssueError."""
    try:
        return issue(body)
    except IssueError as error:
        return error


def items(body: str):
    return issue(body).sections[0].blocks[0].items


def refused(text: str, source: str = "issues/w.md") -> IssueError:
    with pytest.raises(IssueError) as caught:
        parse.parse_issue(text, source)
    return caught.value


def test_all_keys_of_the_front_matter_are_read_and_unknown_ones_kept():
    found = front(
        "title: 'MOZa: week 3'\ndate: 14-01-2026\nsummary: Kort\nslug: week-3\nlang: en\nsubject: Onderwerp\nlist: weekly\n"
        "theme: moza\ndraft: true\nweight: 3\ntags: [a, b]"
    )
    assert (found.title, found.date, found.summary, found.slug) == (
        "MOZa: week 3",
        date(2026, 1, 14),
        "Kort",
        "week-3",
    )
    assert (found.lang, found.subject, found.list_slug, found.theme) == ("en", "Onderwerp", "weekly", "moza")
    assert found.draft is True
    assert dict(found.extra) == {"weight": 3, "tags": ["a", "b"]}


@pytest.mark.parametrize("written", ["2026-01-14", "14-01-2026", "'2026-01-14'", "2026-01-14T09:00:00+01:00"])
def test_both_date_formats_are_read(written):
    assert front(f"title: T\ndate: {written}").date == date(2026, 1, 14)


def test_the_slug_comes_from_the_file_name_not_the_title():
    assert parse.parse_issue(HEAD, "issues/2026-01-14.md").slug == "2026-01-14"
    assert parse.parse_issue(HEAD, "Week 3 (concept).md").slug == "week-3-concept"


def test_a_title_that_yaml_reads_as_another_type_stays_as_typed():
    assert front("title: 2026\ndate: 2026-01-14").title == "2026"
    assert front("title: yes\ndate: 2026-01-14").title == "yes"


@pytest.mark.parametrize(
    ("yaml", "line", "says"),
    [
        ("date: 2026-01-14", 1, "no `title`"),
        ("title:\ndate: 2026-01-14", 2, "no `title`"),
        ("title: T", 1, "no `date`"),
        ("title: T\ndate: morgen", 3, "write it as 2026-01-14"),
        ("title: T\ndate: 31-02-2026", 3, "does not exist"),
        ("title: T\ndate: 2026-02-30", 3, "does not exist"),
        ("title: a <b> c\ndate: 2026-01-14", 2, "`<`"),
        ('title: "a\\u001bb"\ndate: 2026-01-14', 2, "control character"),
        ('date: 2026-01-14\ntitle: "a\\nb"', 3, "one line"),
        ("title: [a]\ndate: 2026-01-14", 2, "one value"),
        ("title: T\ndate: 2026-01-14\ndraft: misschien", 4, "true or false"),
        ("title: T\ndate: 2026-01-14\nslug: a/b", 4, "lower-case letters"),
        ("title: T\ndate: 2026-01-14\nlang: Nederlands!", 4, "language tag"),
        ("title: T\ntitle: U\ndate: 2026-01-14", 3, "twice"),
        ("title: T\ndate: 2026-01-14\nx: &a [b]\ny: *a", 5, "aliases"),
        ("title: T\n  date: [", 3, "not YAML"),
        ("- title", 2, "key: value"),
        ("[" * 5000, 1, "not YAML"),
        ("title: T\ndate: 2026-01-14\nx: " + "a" * 30_000, 1, "more than"),
    ],
)
def test_wrong_front_matter_is_refused_with_its_line(yaml, line, says):
    error = refused(f"---\n{yaml}\n---\n\nHallo\n")
    assert error.line == line
    assert says in str(error)
    assert "issues/w.md" in str(error)


@pytest.mark.parametrize("text", ["", "Hallo\n", "# Kop\n\n---\ntitle: T\n---\n"])
def test_a_file_without_front_matter_is_refused_with_an_example(text):
    error = refused(text)
    assert "does not begin with front matter" in str(error)
    assert "title: MOZa Weekly" in error.hint


def test_front_matter_that_is_not_closed_is_refused():
    assert "not closed" in str(refused("---\ntitle: T\n"))


def test_a_byte_order_mark_and_windows_line_endings_are_accepted():
    text = "\ufeff" + HEAD.replace("\n", "\r\n") + "## A\r\n\r\nB\r\n"
    assert to_plain_text(parse.parse_issue(text, "x.md").sections[0].blocks[0].inlines) == "B"


def test_the_highest_heading_level_begins_a_section_and_lower_ones_stay_inside():
    found = issue("# A\n\na\n\n## B\n\nb\n\n# C\n\n### D\n")
    assert [to_plain_text(section.title) for section in found.sections] == ["A", "C"]
    headings = [block for section in found.sections for block in section.blocks if isinstance(block, Heading)]
    assert [(to_plain_text(heading.inlines), heading.level) for heading in headings] == [("B", 3), ("D", 3)]


def test_no_heading_level_is_skipped_even_in_lists_and_quotes():
    found = issue("## A\n\n#### B\n\n> ###### C\n\n* ##### D\n\n### E\n\n#### F\n")
    levels = [3, 4, 4, 3, 4]
    assert [int(tag) for tag in re.findall(r"Heading\(level=(\d)", repr(found.sections))] == levels


def test_text_before_the_first_heading_is_a_section_without_a_title():
    found = issue("Hallo\n\n## A\n\na\n")
    assert [to_plain_text(section.title) for section in found.sections] == ["", "A"]


def test_a_divider_before_the_agenda_is_dropped_and_one_inside_a_section_stays():
    found = issue("## A\n\na\n\n---\n\nb\n\n---\n\n## Agenda\n\n* X - 3 mei\n")
    assert [type(block) for block in found.sections[0].blocks] == [Paragraph, Divider, Paragraph]


@pytest.mark.parametrize(
    ("line", "label", "text"),
    [
        ("**Label:** de tekst", "Label", "de tekst"),
        ("**Label**: de tekst", "Label", "de tekst"),
        ("**Label** : de tekst", "Label", "de tekst"),
        ("**[Label](https://example.org):** de tekst", "Label", "de tekst"),
        ("**[Label](https://example.org)**: de tekst", "Label", "de tekst"),
        ("[**Label**](https://example.org): de tekst", "Label", "de tekst"),
        ("**Deze / Die:&#x20;**&#x6D;et elkaar", "Deze / Die", "met elkaar"),
        ("**Nadruk** zonder dubbele punt", "", "Nadruk zonder dubbele punt"),
        ("gewoon: tekst", "", "gewoon: tekst"),
        ("**Alleen:**", "Alleen", ""),
    ],
)
def test_the_label_of_an_item_is_split_from_its_text(line, label, text):
    (item,) = items(f"## A\n\n* {line}\n")
    assert (to_plain_text(item.label), to_plain_text(item.inlines)) == (label, text)


def test_a_linked_label_keeps_its_link():
    (item,) = items("## A\n\n* **[Plan](https://example.org/plan):** tekst\n")
    assert [link.url for link in collect_links(item.label)] == ["https://example.org/plan"]


def test_ordered_bulleted_and_nested_lists_keep_their_shape():
    top = issue("## A\n\n3. een\n4. twee\n    1. in\n        - diep\n    2. uit\n").sections[0].blocks[0]
    assert (top.ordered, top.start) == (True, 3)
    nested = top.items[1].blocks[0]
    assert nested.ordered
    assert [to_plain_text(item.inlines) for item in nested.items] == ["in", "uit"]
    assert nested.items[0].blocks[0].ordered is False


def test_every_kind_of_block_is_parsed():
    found = issue(
        "## A\n\nEen *alinea* met `code`, ~~weg~~ en een  \nregel.\n\n> citaat\n\n```sh\nls\n```\n\n"
        "| a | b |\n|---|--:|\n| 1 | 2 |\n\n![Alt](https://example.org/x.png)\n\n    ingesprongen\n"
    )
    kinds = [type(block) for block in found.sections[0].blocks]
    assert kinds == [Paragraph, Quote, CodeBlock, Table, Paragraph, CodeBlock]
    table = found.sections[0].blocks[3]
    assert [to_plain_text(cell) for cell in table.header] == ["a", "b"]
    assert [[to_plain_text(cell) for cell in row] for row in table.rows] == [["1", "2"]]
    assert table.align == ("", "right")
    assert found.sections[0].blocks[4].inlines == (
        Image(src="https://example.org/x.png", alt="Alt", line=20),
    )
    assert found.sections[0].blocks[2].language == "sh"


def test_links_autolinks_and_entities_are_read():
    found = issue(
        "## A\n\nZie [hier](https://example.org/a%20b?x=1&y=2) of <https://example.org/>; idee&euml;n &amp; b&#232;ta.\n"
    )
    (paragraph,) = found.sections[0].blocks
    assert to_plain_text(paragraph.inlines) == "Zie hier of https://example.org/; ideeën & bèta."
    assert [link.url for link in collect_links(paragraph.inlines)] == [
        "https://example.org/a%20b?x=1&y=2",
        "https://example.org/",
    ]


def test_a_link_knows_its_line():
    found = issue("## A\n\neen\ntwee [x](https://example.org)\n")
    assert [link.line for link in collect_links(found.sections[0].blocks[0].inlines)] == [8]


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("contact", "https://site.example/contact/"),
        ("onderwerpen/proeftuin", "https://site.example/onderwerpen/proeftuin/"),
        ("index", "https://site.example/"),
        ("/onderwerpen/dienst/", "https://site.example/onderwerpen/dienst/"),
        ("/stukken/plan.pdf", "https://site.example/stukken/plan.pdf"),
        ("handboek#kop-2", "https://site.example/handboek/#kop-2"),
        ("zoek?q=a%20b", "https://site.example/zoek/?q=a%20b"),
        ("../contact.md", "https://site.example/contact/"),
        ("//example.org/x", "https://example.org/x"),
        ("https://example.org/x", "https://example.org/x"),
        ("mailto:ons@example.org", "mailto:ons@example.org"),
        ("tel:+31700000000", "tel:+31700000000"),
    ],
)
def test_site_relative_links_are_resolved_as_hugo_does(written, url):
    found = issue(f"## A\n\n[x]({written})\n", site_url="https://site.example/")
    assert [link.url for link in collect_links(found.sections[0].blocks[0].inlines)] == [url]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "data:image/png;base64,x", "vbscript:x", "FILE:///etc"]
)
def test_a_link_with_a_forbidden_scheme_is_refused_with_its_line(url):
    error = refused(f"{HEAD}## A\n\nhallo\n[x]({url})\n")
    assert error.line == 8
    assert "a link may not begin with" in str(error)


def test_the_emoji_shortcode_becomes_a_decorative_emoji():
    found = issue('## A\n\n{{< emoji teken="💡" aria-hidden=true >}} Wist je dat?\n')
    assert found.sections[0].blocks[0].inlines == (Emoji(character="💡"), Text(text=" Wist je dat?"))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("{{< gallery abc >}}", "`gallery` is unknown"),
        ("{{% note %}}", "`note` is unknown"),
        ("{{< emoji >}}", "needs a character"),
        ('{{< emoji teken="x"', "not closed"),
    ],
)
def test_other_shortcodes_are_refused_with_their_line(code, says):
    error = refused(f"{HEAD}## A\n\n* een\n* **twee** {code}\n")
    assert error.line == 8
    assert says in str(error)


def test_a_shortcode_in_code_is_code():
    found = issue("## A\n\n`{{< youtube abc >}}`\n")
    assert to_plain_text(found.sections[0].blocks[0].inlines) == "{{< youtube abc >}}"


def test_html_is_read_and_comments_are_left_out():
    assert issue("## A\n\n<b>vet</b>\n").sections[0].blocks[0].inlines == (
        Strong(children=(Text(text="vet"),)),
    )
    assert issue("## A\n\n<!-- vraag Piet -->\n").sections[0].blocks == ()
    assert to_plain_text(issue("## A\n\na\n\n<!--more-->\n\nb\n").sections[0].blocks[1].inlines) == "b"


def test_quotes_and_spaces_stay_as_typed():
    text = "“Ken je collega” z'n 'quiz' a\u00a0b ½ é 👩\u200d💻 e\u0301"
    assert to_plain_text(issue(f"## A\n\n{text}\n").sections[0].blocks[0].inlines) == text


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("## A\n\nx\x1by\n", 7),
        ("## A\n\nx\x00y\n", 7),
        ("## A\n\n&#x1b;\n", 7),
        ("## A\n\n`a`\n\n![a&#x1b;](https://example.org/)\n", 9),
    ],
)
def test_control_characters_are_refused_with_their_line(body, line):
    assert refused(HEAD + body).line == line


@pytest.mark.parametrize(
    "body",
    [
        "- " * 10_000 + "x",
        ">" * 10_000 + "x",
        "\n".join("  " * depth + "- x" for depth in range(300)),
        "*a **b " * 2000 + "x" + "** c*" * 2000,
    ],
)
@pytest.mark.slow
def test_deep_nesting_is_refused_and_nothing_is_dropped(body):
    outcome = read(f"## A\n\n{body}\n")
    if isinstance(outcome, IssueError):
        assert "nested too deep" in str(outcome)
    else:
        assert "x" in to_plain_text(outcome.sections[0].blocks[0].inlines)


def test_a_long_row_of_brackets_is_text():
    row = "[" * scale(10_000, quick=2_000)
    assert to_plain_text(issue(f"## A\n\n{row}\n").sections[0].blocks[0].inlines) == row


def test_a_file_of_five_megabytes_is_refused():
    assert "too long" in str(refused(HEAD + "x " * 2_500_000))


def test_an_error_quotes_its_line():
    error = refused(f"{HEAD}## A\n\n* **twee** {{{{< gallery abc >}}}}\n")
    assert error.quoted.startswith("* **twee**")
    assert "line 7" in str(error)


def test_bold_text_that_is_not_a_label_stays_bold():
    (item,) = items("## A\n\n* **Let op** straks\n")
    assert isinstance(item.inlines[0], Strong)


CHARACTERS = [
    *"ab1 \n\t*_`[]()<>{}#-+>|!&;:\\\"'=~/.%3",
    "jan",
    "{{<",
    ">}}",
    "é",
    "\u00a0",
    "\x07",
    "💡",
    "](",
    "    ",
]
MARKUP = st.lists(st.sampled_from(CHARACTERS), max_size=80).map("".join)


@examples(150)
@given(MARKUP)
def test_any_text_gives_an_issue_or_an_issue_error(body):
    outcome = read(f"## Agenda\n\n{body}")
    if isinstance(outcome, IssueError):
        assert 1 <= outcome.line <= HEAD.count("\n") + 3 + body.count("\n")
    else:
        assert outcome.title == "Weekbericht"


@examples(50)
@given(st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N", "Zs"]), min_size=1, max_size=60))
def test_plain_words_stay_as_typed(words):
    text = "x" + " ".join(words.split()) + "x"
    (item,) = items(f"## A\n\n* **Kop:** {text}\n")
    assert to_plain_text(item.inlines) == text


def test_an_item_with_only_a_link_is_kept():
    (item,) = items("## A\n\n* [Plan](https://example.org/plan)\n")
    assert item.inlines == (Link(url="https://example.org/plan", children=(Text(text="Plan"),), line=7),)
    assert isinstance(issue("## A\n\n* x\n").sections[0].blocks[0], ItemList)


@given(st.from_regex(syntax.NORMAL_URL, fullmatch=True))
def test_a_url_that_we_call_normal_is_unchanged_by_the_library(url):
    assert normalizeLink(url) == url
