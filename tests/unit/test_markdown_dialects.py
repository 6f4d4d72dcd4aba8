"""Markdown as people write it: HTML, footnotes, notes, tasks, attributes, emoji names and shortcodes."""

import pytest

from moza_mail import parse, render
from moza_mail.errors import IssueError
from moza_mail.model.issue import (
    CodeBlock,
    Heading,
    Image,
    ItemList,
    Link,
    Notes,
    Quote,
    Strong,
    Superscript,
    Table,
    to_plain_text,
)
from tests.support import builders as build
from tests.support.reference_rendering import find_losses

HEAD = "---\ntitle: Weekbericht\ndate: 2026-01-14\n---\n"


def read(body):
    return parse.parse_issue(f"{HEAD}{body}\n", "x.md")


def blocks(body):
    return [block for section in read(body).sections for block in section.blocks]


def plain(body):
    return [to_plain_text(block.inlines) for block in blocks(body)]


def mail(body):
    return render.render_issue(read(body), build.theme(), build.COLOPHON, zone=build.AMSTERDAM)


def refused(body):
    with pytest.raises(IssueError) as caught:
        read(body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Een<br>twee en <b>drie</b>.", ["Een twee en drie."]),
        ("H<sub>2</sub>O en m<sup>2</sup>", ["H2O en m2"]),
        ("<p>Een <em>zin</em>.</p>", ["Een zin."]),
        ("<div>\n\nEen **zin**.\n\n</div>", ["Een zin."]),
        ("<center><p>Een</p>twee</center>", ["Een", "twee"]),
        ("<details>\n<summary>Meer</summary>\n\nTekst\n\n</details>", ["Meer", "Tekst"]),
        ("Vul <uw naam> of <template> in.", ["Vul <uw naam> of <template> in."]),
        ("a <!-- weg --> b", ["a  b"]),
        ("<!-- weg\n\nook weg -->\n\nblijft", ["blijft"]),
        ("<a name='x'></a>Kop", ["Kop"]),
        ("<b>niet gesloten", ["niet gesloten"]),
        ("los </b> einde", ["los  einde"]),
        ("Typ <kbd>Ctrl</kbd>.", ["Typ Ctrl."]),
        ('[ons verslag](https://example.org/v){:target="_blank"} is er.\n{: .note}', ["ons verslag is er."]),
        ("![plaat](a.png){: .breed loading=lazy }", ["plaat"]),
        ("Prijs {50} en {a}.", ["Prijs {50} en {a}."]),
        ("Hoera :tada: om 14:00:30 :geen_emoji:", ["Hoera 🎉 om 14:00:30 :geen_emoji:"]),
        ("Zie https://example.org/a. En www.example.org, mail a@example.org!", ["Zie https://example.org/a. En www.example.org, mail a@example.org!"]),
        ("Zie developer.example.org of README.md", ["Zie developer.example.org of README.md"]),
        ("x^2^ en H~2~O en ~~weg~~", ["x2 en H2O en weg"]),
    ],
)  # fmt: skip
def test_each_notation_gives_the_text_that_the_author_meant(body, expected):
    assert plain(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "Een<br>twee", "<p>Een <b>twee</b></p>", "<ul><li>Een</li><li>Twee <ol><li>Drie</li></ol></li></ul>",
        "<blockquote><p>Een</p><p>Twee</p></blockquote>", "<table><tr><th>A</th><th>B</th></tr><tr><td>c</td><td>d</td></tr></table>",
        "<table><tr><td><p>A</p><ul><li>B</li></ul></td></tr></table>", "<h3>Kop</h3>\n<p>Tekst</p>\n<hr>", "<pre>a\n  b</pre>",
        "<dl><dt>Term</dt><dd>Uitleg</dd></dl>", "<a href='https://example.org/x'>hier <b>meer</b></a> en zo",
        "<p align='center'><a href='https://example.org/y'>Lees</a><br>Nog</p>", "Tekst<p>meer</p><td>x</td><td>y</td>",
        "Een[^1] en[^b].\n\n[^1]: Noot *een*.\n\n    Vervolg.\n\n[^b]: Zie [b](https://example.org/b)",
        "- [ ] doen\n- [x] klaar", "Term\n: Uitleg\n: Nog een", '!!! warning "Let op"\n    Tekst\n\n??? note\n    Dicht',
        ":::tip Kop\nTekst\n:::", "> [!NOTE]\n> Tekst", "## Kop {#kop .x}\n\nTekst", "<figure><img src='a.png' alt='plaat'><figcaption>Onder</figcaption></figure>",
        "<li>Los onderdeel</li>", "<section>Een</section>\n\n<small>klein</small> <u>streep</u>",
    ],
)  # fmt: skip
def test_no_word_or_link_of_any_notation_is_lost(body):
    made = mail(f"## Nieuws\n\n{body}")
    assert find_losses(f"## Nieuws\n\n{body}\n", made.html, made.text) == {}


def test_html_blocks_become_the_blocks_that_markdown_has():
    body = "<ul><li>a</li></ul>\n<blockquote>b</blockquote>\n<table><tr><th>c</th><th>d</th></tr></table>\n<pre>e</pre>\n<h4>f</h4>"
    assert [type(block) for block in blocks(f"## A\n\n{body}")] == [
        ItemList,
        Quote,
        Table,
        CodeBlock,
        Heading,
    ]


def test_inline_html_becomes_the_markup_that_markdown_has():
    ((paragraph,)) = (
        blocks("<b>a</b> <a href='https://example.org/'>b</a> <sup>c</sup> <img src='d.png' alt='e'>")[0],
    )
    kinds = [type(inline) for inline in paragraph.inlines]
    assert [kind for kind in kinds if kind in {Strong, Link, Superscript, Image}] == [
        Strong,
        Link,
        Superscript,
        Image,
    ]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("Tekst\n\n<iframe srcdoc='x'></iframe>", 7),
        ("Tekst <script>alert(1)</script>", 5),
        ("<script>\nalert(1)\n</script>", 5),
        ("een\ntwee <video></video>", 6),
        ("<div>\n<form><input></form>\n</div>", 6),
        ("een <svg><text>Woorden</text></svg>", 5),
        ("<object data='x.pdf'></object>", 5),
    ],
)
def test_html_that_no_mail_program_shows_is_refused_with_its_line(body, line):
    error = refused(body)
    assert "mail programs do not show the HTML element" in error.reason
    assert error.line == line


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "VBSCRIPT:x"])
def test_a_link_in_html_is_checked_like_any_other(url):
    assert "may not begin with" in refused(f'<a href="{url}">x</a>').reason
    assert "may not begin with" in refused(f'<p><a href="{url}">x</a></p>').reason


def test_a_footnote_has_links_in_html_and_numbers_in_text():
    made = mail("## Nieuws\n\nVerhuisd[^1].\n\n[^1]: Naar boven.")
    assert 'href="#note-1"' in made.html
    assert 'id="note-1"' in made.html
    assert "Verhuisd [noot 1]." in made.text
    assert "[noot 1] Naar boven." in made.text


def test_footnotes_are_below_all_sections_and_never_in_an_agenda():
    issue = read("## Nieuws\n\nA[^1].\n\n[^1]: Noot.\n\n## Agenda\n\n* B: 3 maart")
    assert [type(section.blocks[-1]).__name__ for section in issue.sections] == [
        "Paragraph",
        "EventTable",
        "Notes",
    ]
    assert isinstance(issue.sections[-1].blocks[0], Notes)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (":::note\nTekst\n:::", "Note"),
        (":::tip Handig\nTekst\n:::", "Handig"),
        ("> [!WARNING]\n> Tekst", "Warning"),
        ('!!! info "Goed om te weten"\n    Tekst', "Goed om te weten"),
    ],
)
def test_a_note_is_a_quotation_with_its_title(body, title):
    (quote,) = blocks(body)
    assert [to_plain_text(block.inlines) for block in quote.blocks] == [title, "Tekst"]


def test_tasks_have_a_check_box():
    (tasks,) = blocks("- [ ] doen\n- [x] klaar")
    assert [to_plain_text(item.inlines) for item in tasks.items] == ["☐ doen", "☑ klaar"]


@pytest.mark.parametrize(
    ("code", "url"),
    [
        ('{{< youtube id="abc-1" title="Uitleg" >}}', "https://www.youtube.com/watch?v=abc-1"),
        ("{{< vimeo 123 >}}", "https://vimeo.com/123"),
        ('[Uitleg]({{< ref "over/ons.md" >}})', "over/ons"),
        ("[Uitleg]({{% relref contact %}})", "contact"),
    ],
)
def test_a_shortcode_becomes_a_link(code, url):
    (paragraph,) = blocks(code)
    assert [inline.url for inline in paragraph.inlines if isinstance(inline, Link)] == [url]


VIDEO = "https://www.youtube.com/watch?v=abc-def_1"


@pytest.mark.parametrize(
    ("body", "url", "text"),
    [
        ('<iframe width="560" src="https://www.youtube.com/embed/abc-def_1?rel=0" title="YouTube video player"></iframe>', VIDEO, VIDEO),
        ('Kijk: <iframe src="https://www.youtube-nocookie.com/embed/abc-def_1" title="Het plein"></iframe>', VIDEO, "Het plein"),
        ('<p><iframe src="//player.vimeo.com/video/123?h=1"></iframe></p>', "https://vimeo.com/123", "https://vimeo.com/123"),
        ('<iframe src="https://tube.example.org/videos/embed/a1-b2" title="Uitleg"></iframe>', "https://tube.example.org/videos/watch/a1-b2", "Uitleg"),
        ('<iframe src="https://toot.example.org/@noor/12/embed"></iframe>', "https://toot.example.org/@noor/12", "https://toot.example.org/@noor/12"),
        ('<video controls title="De opening">\n<source src="https://example.org/v.mp4" type="video/mp4">\nUw browser kan dit niet.\n</video>', "https://example.org/v.mp4", "De opening"),
        ('<audio src="https://example.org/a.mp3"></audio>', "https://example.org/a.mp3", "https://example.org/a.mp3"),
        ("{{< tweet user='noor' id='12' >}}", "https://twitter.com/noor/status/12", "https://twitter.com/noor/status/12"),
        ("{{< x noor 12 >}}", "https://x.com/noor/status/12", "https://x.com/noor/status/12"),
        ("{{< gist noor 12ab >}}", "https://gist.github.com/noor/12ab", "https://gist.github.com/noor/12ab"),
        ("{% gist 12ab %}", "https://gist.github.com/12ab", "https://gist.github.com/12ab"),
        ('{% youtube "https://www.youtube.com/watch?v=abc-def_1" %}', VIDEO, VIDEO),
        ("{% twitter https://twitter.com/noor/status/12 %}", "https://twitter.com/noor/status/12", "https://twitter.com/noor/status/12"),
        ("{% include youtubePlayer.html id='abc-def_1' %}", VIDEO, VIDEO),
        ("{%- embed https://example.org/x -%}", "https://example.org/x", "https://example.org/x"),
    ],
)  # fmt: skip
def test_embedded_content_becomes_a_link_to_its_page(body, url, text):
    (paragraph,) = blocks(body)
    (link,) = [inline for inline in paragraph.inlines if isinstance(inline, Link)]
    assert (link.url, to_plain_text(link.children)) == (url, text)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<blockquote><p>Een toot</p></blockquote> <script async src="https://toot.example.org/embed.js"></script>', []),
        ('Tekst <script async src="https://example.org/a.js"></script>', ["Tekst "]),
        ("<style>p { color: red }</style>\n\nTekst", ["Tekst"]),
        ('<link rel="stylesheet" href="x.css">\n\nTekst', ["Tekst"]),
        ("Tekst <svg viewBox='0 0 9 9'><path d='M0'/></svg>", ["Tekst "]),
        ("<noscript>Zonder script</noscript>", ["Zonder script"]),
        ("Met <img> zet je een plaat neer.", ["Met <img> zet je een plaat neer."]),
        ("{% raw %}Typ {{ naam }} of {% if %}{% endraw %}.", ["Typ {{ naam }} of {% if %}."]),
        ("{% raw %}\nTyp {{ naam }}\n{% endraw %}", ["Typ {{ naam }}"]),
        ("{{< rawhtml >}}<b>Vet</b>{{< /rawhtml >}}", ["Vet"]),
        ("Een {% comment %}weg{% endcomment %} blijft", ["Een  blijft"]),
        ("`{% if x %}` en `{{ site.url }}`", ["{% if x %} en {{ site.url }}"]),
    ],
)  # fmt: skip
def test_code_without_text_for_a_reader_is_left_out(body, expected):
    found = blocks(body)
    assert [to_plain_text(block.inlines) for block in found if not isinstance(block, Quote)] == expected


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("{{ site.baseurl }}/over", "https://example.org/over/"),
        ("{{site.url}}{{ site.baseurl }}/a.pdf", "https://example.org/a.pdf"),
        ('{{ "/over" | relative_url }}', "https://example.org/over/"),
        ("{{ '/over' | url }}", "https://example.org/over/"),
        ("{% link over.md %}", "https://example.org/over/"),
        ("{{ site.url }}", "https://example.org/"),
    ],
)
def test_a_path_of_the_site_that_a_generator_fills_in_is_a_link_to_the_site(written, url):
    issue = parse.parse_issue(f'{HEAD}[Over ons]({written}) en <a href="{written}">zo</a>.\n', "x.md", site_url="https://example.org")  # fmt: skip
    (paragraph,) = issue.sections[0].blocks
    assert [inline.url for inline in paragraph.inlines if isinstance(inline, Link)] == [url, url]


@pytest.mark.parametrize("name", ["highlight js", "highlight js linenos"])
def test_highlighted_code_is_a_block_of_code(name):
    first, second = blocks(
        f"{{% {name} %}}\nlet a = '{{{{ b }}}}'\n{{% endhighlight %}}\n\n{{{{< {name} >}}}}\n```\nc\n{{{{< /highlight >}}}}"
    )
    assert (first.text, first.language, second.text) == ("let a = '{{ b }}'", "js", "```\nc")


def test_a_link_around_blocks_becomes_a_link_in_each_of_them():
    first, second = blocks('<div><a href="https://example.org/x"><p>Een</p><p>Twee</p></a></div>')
    for block, text in ((first, "Een"), (second, "Twee")):
        (link,) = block.inlines
        assert (link.url, to_plain_text(link.children)) == ("https://example.org/x", text)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("Tekst\n\n{% for x in y %}", 7),
        ('{% quote "Noor" %}', 5),
        ("{% vimeo '' %}", 5),
        ("{{< gist >}}", 5),
        ("{{ page.title }}", 5),
        ("<p>\n{{ page.title }}\n</p>", 6),
        ("<p>\n{% if x %}\n</p>", 6),
        ("[x]({{ page.url }})", 5),
    ],
)
def test_other_code_of_a_generator_is_refused_with_its_line(body, line):
    assert refused(body).line == line


def test_the_shortcode_figure_becomes_an_image_with_its_caption():
    (paragraph,) = blocks('{{< figure src="a.png" alt="een plaat" caption="Op het plein" >}}')
    image = paragraph.inlines[0]
    assert (image.src, image.alt) == ("a.png", "een plaat")
    assert to_plain_text(paragraph.inlines).endswith("Op het plein")


def test_other_shortcodes_are_refused_by_name():
    assert "`param` is unknown" in refused('{{< param "x" >}}').reason


def test_a_merge_field_in_html_is_refused():
    assert "cannot be part of HTML" in refused("<p>Beste {{ name }}</p>").reason


@pytest.mark.parametrize(
    ("end", "word"),
    [("    - een punt", "punt"), ("    ```\n    code\n    ```", "code"), ("    > een citaat", "citaat")],
)
def test_a_footnote_may_end_in_a_block_other_than_a_paragraph(end, word):
    text = f"---\ntitle: T\ndate: 2026-01-14\n---\nTekst[^1].\n\n[^1]: De noot:\n\n{end}\n"
    issue = parse.parse_issue(text, "x.md")
    assert "De noot:" in str(issue.sections)
    assert word in str(issue.sections)
