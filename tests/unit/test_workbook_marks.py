"""Marks of the rows of a workbook: strikethrough, hidden rows, notes, and people on another sheet."""

import io
import zipfile

import pytest

from moza_mail.model.subscriber import NewSubscriber
from moza_mail.subscriber_file import (
    ColumnAnswers,
    SubscriberFile,
    SubscriberFileError,
    SubscriberFileOptions,
)
from moza_mail.subscriber_file.answers import parse_status
from moza_mail.subscriber_file.workbook import SheetLines, read_workbook
from tests.support.workbooks import OFFICE, make_ods, make_xlsx

MAIN = f"{OFFICE}/spreadsheetml/2006/main"
SHEET = "xl/worksheets/sheet1.xml"
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts><font/><font><b/><strike/></font><font><strike val="0"/></font></fonts>'
    '<cellStyleXfs><xf fontId="1"/></cellStyleXfs><cellXfs><xf fontId="0"/><xf fontId="1"/><xf fontId="2"/></cellXfs>'
    "<dxfs><dxf><font><strike/></font></dxf></dxfs></styleSheet>"
)
SHARED = f'<sst xmlns="{MAIN}"><si><t>ann@example.org</t></si><si><r><rPr><strike/></rPr><t>ben@</t></r><r><t>example.org</t></r></si></sst>'
URN = "urn:oasis:names:tc:opendocument:xmlns"
ODS_HEAD = (
    f'<?xml version="1.0"?><office:document-content xmlns:office="{URN}:office:1.0" xmlns:table="{URN}:table:1.0" '
    f'xmlns:text="{URN}:text:1.0" xmlns:style="{URN}:style:1.0" xmlns:fo="{URN}:fo:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    '<office:automatic-styles><style:style style:name="ce1"><style:text-properties style:text-line-through-style="solid"/></style:style>'
    '<style:style style:name="ce2" style:parent-style-name="ce1"/><style:style style:name="ce3" style:parent-style-name="ce1">'
    '<style:text-properties style:text-line-through-style="none"/></style:style><style:style style:name="geel"><style:table-cell-properties fo:background-color="#ffff00"/></style:style></office:automatic-styles><office:body><office:spreadsheet>'
)


def change(workbook: bytes, parts: dict[str, str]) -> bytes:
    """Return a workbook with other or more files."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, xml in parts.items():
            new.writestr(name, xml)
    return content.getvalue()


def text(place: str, words: str, more: str = "") -> str:
    return f'<c r="{place}" t="inlineStr"{more}><is><t>{words}</t></is></c>'


def excel(rows: str, **parts: str) -> bytes:
    """Return a workbook of Excel with a header in row 1 and these rows."""
    head = f'<row r="1">{text("A1", "naam")}{text("B1", "email")}</row>'
    xml = f'<worksheet xmlns="{MAIN}"><sheetData>{head}{rows}</sheetData></worksheet>'
    names = {"styles": "xl/styles.xml", "shared": "xl/sharedStrings.xml", "comments": "xl/comments1.xml", "thread": "xl/threadedComments/t1.xml"}  # fmt: skip
    found = {names[name]: content for name, content in parts.items()}
    if "comments" in parts:
        targets = ("../comments1.xml", "/xl/threadedComments/t1.xml")
        found["xl/worksheets/_rels/sheet1.xml.rels"] = (
            "<Relationships>"
            + "".join(
                f'<Relationship Id="r{number}" Target="{target}"/>' for number, target in enumerate(targets)
            )
            + "</Relationships>"
        )
    return change(make_xlsx({"Leden": [["x"]]}), {SHEET: xml, **found})


def row(number: int, name: str, address: str, style: str = "", more: str = "") -> str:
    return (
        f'<row r="{number}"{more}>{text(f"A{number}", name, style)}{text(f"B{number}", address, style)}</row>'
    )


def libre_office(rows: str) -> bytes:
    head = "<table:table-row><table:table-cell><text:p>naam</text:p></table:table-cell><table:table-cell><text:p>email</text:p></table:table-cell></table:table-row>"
    content = f'{ODS_HEAD}<table:table table:name="Leden">{head}{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    return change(make_ods({"Leden": [["x"]]}), {"content.xml": content})


def ods_row(name: str, address: str, style: str = "", more: str = "", inside: str = "") -> str:
    kind = f' table:style-name="{style}"' if style else ""
    cells = "".join(
        f'<table:table-cell office:value-type="string"{kind}>{inside if cell is address else ""}<text:p>{cell}</text:p></table:table-cell>'
        for cell in (name, address)
    )
    return f"<table:table-row{more}>{cells}</table:table-row>"


STRUCK = ' s="1"'
ANN = row(2, "Ann", "ann@example.org")
OTHER = '<row r="3">' + text("A3", "Ben") + "{cell}</row>"


@pytest.mark.parametrize(
    ("content", "marks"),
    [
        (excel(ANN + row(3, "Ben", "ben@example.org", STRUCK), styles=STYLES), {3: "struck through"}),
        (excel(ANN + row(3, "Ben", "ben@example.org", ' s="2"'), styles=STYLES), {}),
        (
            excel(ANN + f'<row r="3">{text("A3", "Ben", STRUCK)}{text("B3", "ben@example.org")}</row>', styles=STYLES),
            {3: "struck through"},
        ),
        (
            excel(
                ANN + f'<row r="3">{text("A3", "Ben")}{text("B3", "ben@example.org")}{text("C3", "06", STRUCK)}</row>',
                styles=STYLES,
            ),
            {3: "partly struck through"},
        ),
        (excel(ANN + '<row r="4"><c r="A4" s="1"/></row>', styles=STYLES), {}),
        (
            excel(
                '<row r="2"><c r="B2" t="s"><v>0</v></c></row><row r="3"><c r="B3" t="s"><v>1</v></c></row>', shared=SHARED
            ),
            {3: "struck through"},
        ),
        (
            excel(
                ANN + OTHER.format(cell='<c r="B3" t="inlineStr"><is><r><rPr><strike/></rPr><t>ben@example.org</t></r></is></c>')
            ),
            {3: "struck through"},
        ),
        (excel(ANN + row(3, "Ben", "ben@example.org", more=' hidden="1"')), {3: "hidden row"}),
        (excel(ANN + row(3, "Ben", "ben@example.org", more=' ht="0" customHeight="1"')), {3: "hidden row"}),
        (excel(ANN + row(3, "Ben", "ben@example.org", more=' hidden="0"')), {}),
        (
            excel(ANN + row(3, "Ben", "ben@example.org", STRUCK, ' hidden="1"'), styles=STYLES),
            {3: "hidden row, struck through"},
        ),
        (libre_office(ods_row("Ann", "ann@example.org") + ods_row("Ben", "ben@example.org", "ce1")), {3: "struck through"}),
        (libre_office(ods_row("Ann", "ann@example.org") + ods_row("Ben", "ben@example.org", "ce2")), {3: "struck through"}),
        (libre_office(ods_row("Ann", "ann@example.org") + ods_row("Ben", "ben@example.org", "ce3")), {}),
        (
            libre_office(
                ods_row("Ann", "ann@example.org")
                + '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
                + ods_row("Ben", "ben@example.org", more=' table:visibility="filter"')
                + ods_row("Cor", "cor@example.org", more=' table:visibility="collapse"')
            ),
            {5: "hidden row", 6: "hidden row"},
        ),
        (
            libre_office(
                ods_row("Ann", '<text:span text:style-name="ce1">ann@example.org</text:span>')
            ),
            {2: "struck through"},
        ),
    ],
)  # fmt: skip
def test_struck_and_hidden_rows_are_found(content, marks):
    assert read_workbook(content, "leden.xlsx").marks == marks


def test_notes_and_comment_threads_are_found():
    comments = (
        f'<comments xmlns="{MAIN}"><authors><author>An</author><author>tc={{1}}</author></authors><commentList>'
        '<comment ref="A3" authorId="0"><text><r><t>afgemeld </t></r><r><t>per telefoon</t></r></text></comment>'
        '<comment ref="B2" authorId="1"><text><t>[Threaded comment] will get removed</t></text></comment></commentList></comments>'
    )
    thread = "<ThreadedComments><threadedComment ref='B2' dT='2024'><text>kent Jan</text></threadedComment></ThreadedComments>"
    rows = ANN + row(3, "Ben", "ben@example.org")
    found = read_workbook(excel(rows, comments=comments, thread=thread), "leden.xlsx")
    assert found.notes == {2: "kent Jan", 3: "afgemeld per telefoon"}


def test_a_note_of_libreoffice_is_found_without_its_author():
    note = "<office:annotation><dc:creator>Secretaris</dc:creator><dc:date>2024-05-03</dc:date><text:p>afgemeld</text:p><text:p>per telefoon</text:p></office:annotation>"
    content = libre_office(
        ods_row("Ann", "ann@example.org", "ce1", inside=note) + ods_row("Ben", "ben@example.org")
    )
    found = read_workbook(content, "leden.ods")
    assert found.notes == {2: "afgemeld per telefoon"}
    assert found.marks == {2: "struck through"}


def read(found: SheetLines, consent: str = "formulier", **answers) -> dict[str, str]:
    options = SubscriberFileOptions(consent=consent, answers=ColumnAnswers(**answers), extra=found.extra)
    rows = SubscriberFile(lambda: found.lines, "leden.xlsx", options)
    return {one.address.local: str(one.state) for one in rows if isinstance(one, NewSubscriber)}


MARKED = excel(
    ANN + row(3, "Ben", "ben@example.org", STRUCK) + row(4, "Cor", "cor@example.org", more=' hidden="1"'),
    styles=STYLES,
)


def test_marked_rows_are_asked_about_with_their_lines():
    with pytest.raises(SubscriberFileError) as caught:
        read(read_workbook(MARKED, "leden.xlsx"))
    message = str(caught.value.message)
    assert "`mark in the workbook` (struck through: line 3, hidden row: line 4)" in message
    assert '--status "mark in the workbook:hidden row=unconfirmed"' in str(caught.value.hint)


def test_an_answer_about_a_mark_applies_only_to_marked_rows():
    found = read_workbook(MARKED, "leden.xlsx")
    answers = [
        "mark in the workbook:struck through=unsubscribed",
        "mark in the workbook:hidden row=confirmed",
    ]
    assert read(found, status=parse_status(answers)) == {
        "ann": "confirmed",
        "ben": "unsubscribed",
        "cor": "confirmed",
    }
    assert set(read(found, ignored=frozenset({"mark in the workbook"})).values()) == {"confirmed"}


def test_a_note_about_unsubscribing_is_asked_about_and_others_are_not():
    lines = ["email\n", "ann@example.org\n", "ben@example.org\n"]
    with pytest.raises(SubscriberFileError, match="afgemeld per telefoon: line 3"):
        read(SheetLines(lines=lines, marks={}, notes={3: "afgemeld per telefoon"}))
    assert set(read(SheetLines(lines=lines, marks={}, notes={3: "heeft een nieuwe functie"})).values()) == {
        "confirmed"
    }


PEOPLE = [["naam", "email"], ["Ann", "ann@example.org"], ["Ben", "Ben@example.org"]]


@pytest.mark.parametrize("make", [make_xlsx, make_ods])
def test_a_person_who_is_also_on_a_sheet_of_unsubscribed_people_is_asked_about(make):
    content = make(
        {"Afmelders": [["naam", "email"], ["Ben", "ben@example.org"]], "Actueel": PEOPLE, "Bestuur": PEOPLE}
    )
    with pytest.raises(SubscriberFileError) as caught:
        read_workbook(content, "leden.xlsx")
    assert caught.value.hint == 'Say which one to read: --sheet "Actueel"'
    assert read_workbook(content, "leden.xlsx", "Actueel").marks == {3: "also on sheet Afmelders"}
    assert read_workbook(content, "leden.xlsx", "Afmelders").marks == {}


@pytest.mark.parametrize(
    "others",
    [
        {"Afmelders": [["Naam"], ["Ben de Boer"]]},
        {"Blad2": [["Afmeldingen 2024"], ["naam", "email"], ["Ben", "ben@example.org"]]},
    ],
)
def test_a_sheet_of_unsubscribed_people_may_have_only_names_or_only_a_title(others):
    content = make_xlsx(
        {
            "Actueel": [
                ["naam", "email"],
                ["Ann Smit", "ann@example.org"],
                ["Ben de Boer", "Ben@example.org"],
            ],
            **others,
        }
    )
    (mark,) = {f"also on sheet {name}" for name in others}
    assert read_workbook(content, "leden.xlsx", "Actueel").marks == {3: mark}


def test_a_workbook_with_too_many_marks_is_refused():
    rows = "".join(row(number, "x", "ann@example.org", STRUCK) for number in range(2, 20_100))
    with pytest.raises(SubscriberFileError, match="too large"):
        read_workbook(excel(rows, styles=STYLES), "leden.xlsx")


RED = (
    f'<styleSheet xmlns="{MAIN}"><fonts><font><color theme="1"/></font><font><color rgb="FFC00000"/></font></fonts>'
    '<fills><fill><patternFill/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFFF5050"/></patternFill></fill></fills>'
    '<cellXfs><xf fontId="0" fillId="0"/><xf fontId="0" fillId="1"/><xf fontId="1" fillId="0"/></cellXfs></styleSheet>'
)


def coloured(*styles: str) -> bytes:
    """Return a workbook with a row for each style."""
    rows = "".join(
        row(number, "x", f"p{number}@example.org", f' s="{style}"')
        for number, style in enumerate(styles, start=2)
    )
    return excel(rows, styles=RED)


@pytest.mark.parametrize(
    ("content", "colours"),
    [
        (coloured("0", "0", "1", "0", "1"), {4: "red", 6: "red"}),
        (coloured("0", "0", "2", "0", "0"), {4: "red"}),
        (coloured("0", "1", "0", "1", "0"), {}),
        (coloured("1", "1", "1"), {}),
        (
            libre_office(
                ods_row("Ann", "ann@example.org")
                + ods_row("Ben", "ben@example.org", "geel")
                + ods_row("Cor", "cor@example.org")
                + ods_row("Dan", "dan@example.org")
            ),
            {3: "yellow"},
        ),
    ],
)
def test_a_colour_that_marks_only_some_people_is_found(content, colours):
    assert read_workbook(content, "leden.xlsx").colours == colours


def test_a_colour_is_asked_about_unless_a_column_has_consent():
    found = read_workbook(coloured("0", "0", "1", "0", "1"), "leden.xlsx")
    with pytest.raises(SubscriberFileError) as caught:
        read(found)
    assert "`colour in the workbook` (red: line 4, 6)" in str(caught.value.message)
    assert '--status "colour in the workbook:red=unconfirmed"' in str(caught.value.hint)
    lines = [
        line.replace("\n", f",{answer}\n")
        for line, answer in zip(found.lines, ["nieuwsbrief", "ja", "nee", "nee", "ja", "ja"], strict=True)
    ]
    states = read(SheetLines(lines=lines, marks={}, notes={}, colours=found.colours))
    assert states["p6"] == "confirmed"


@pytest.mark.slow
def test_a_workbook_with_too_many_styles_is_refused():
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>{"<xf/>" * 300_001}</cellXfs></styleSheet>'
    with pytest.raises(SubscriberFileError, match="too large"):
        read_workbook(excel(ANN, styles=styles), "leden.xlsx")


def test_a_very_long_note_is_cut():
    comments = f'<comments xmlns="{MAIN}"><commentList><comment ref="A2"><text><t>{"lang " * 400_000}</t></text></comment></commentList></comments>'
    found = read_workbook(excel(ANN, comments=comments), "leden.xlsx")
    assert len(found.notes[2]) <= 300
