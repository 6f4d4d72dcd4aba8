"""A paragraph that begins with an image is a picture with its caption."""

from moza_mail import parse
from moza_mail.model.issue import to_plain_text
from moza_mail.render.pictures import split_picture


def picture(body):
    issue = parse.parse_issue(f"---\ntitle: x\ndate: 2026-01-14\n---\n\n{body}\n", "x.md")
    made = split_picture(issue.sections[0].blocks[0])
    return made and (made.image.alt, made.image.title, to_plain_text(made.caption))


def test_the_lines_below_an_image_are_its_caption():
    assert picture("![Een plein](plein.png)\nFoto: *Noor*") == ("Een plein", "", "Foto: Noor")
    assert picture('{{< figure src="plein.png" alt="Een plein" caption="Het plein" >}}') == (
        "Een plein",
        "",
        "Het plein",
    )


def test_the_title_of_an_image_is_its_caption():
    assert picture('![Een plein](plein.png "Het plein in mei")') == ("Een plein", "", "Het plein in mei")
    assert picture("![Een plein](plein.png)") == ("Een plein", "", "")


def test_an_image_in_a_sentence_is_not_a_picture():
    assert picture("![Logo](logo.png) is nieuw") is None
    assert picture("Zie ![Logo](logo.png)") is None
