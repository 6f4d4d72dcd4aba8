"""Workbooks of Excel and LibreOffice, read as lists of subscribers."""

import io
import zipfile

import pytest

from moza_mail.model.subscriber import NewSubscriber
from moza_mail.subscriber_file import (
    SubscriberFile,
    SubscriberFileError,
    SubscriberFileOptions,
)
from moza_mail.subscriber_file.workbook import is_zip, read_workbook
from tests.support.workbooks import OFFICE, make_ods, make_xlsx

ROWS = [
    ["Leden van de vereniging", ""],
    ["", ""],
    ["E-mailadres", "Naam", "Status", "Rang"],
    ["zoe@example.org", 'Zoë\nMüller; "x"', "actief", 1],
    ["ben@example.org", "Ben", "opgezegd", 2],
]


@pytest.mark.parametrize("make", [make_xlsx, make_ods])
def test_a_sheet_is_read_with_its_rows_as_lines(make):
    content = make({"Uitleg": [["Dit is de lijst"]], "Leden": ROWS})
    assert is_zip(content)
    lines = read_workbook(content, "leden.xlsx").lines
    found = list(SubscriberFile(lambda: lines, "leden.xlsx", SubscriberFileOptions()))
    assert all(isinstance(row, NewSubscriber) for row in found)
    assert [(row.line, str(row.address), row.state.value) for row in found] == [
        (4, "zoe@example.org", "confirmed"),
        (5, "ben@example.org", "unsubscribed"),
    ]
    assert found[0].name == 'Zoë Müller; "x"'


def test_addresses_on_two_sheets_or_none_are_refused():
    with pytest.raises(SubscriberFileError, match="several sheets") as caught:
        read_workbook(make_xlsx({"A": ROWS, "B": ROWS}), "leden.xlsx")
    assert "`A`, `B`" in caught.value.message
    assert caught.value.hint == 'Say which one to read: --sheet "A"'
    with pytest.raises(SubscriberFileError, match="no sheet has mail addresses"):
        read_workbook(make_ods({"A": [["niets"]]}), "leden.ods")


@pytest.mark.parametrize("make", [make_xlsx, make_ods])
def test_the_chosen_sheet_is_read(make):
    other = [["email", "status"], ["ann@example.org", "actief"]]
    content = make({"Leden": ROWS, "Nieuwsbrief 2026": other})
    assert "ann@example.org,actief" in "".join(read_workbook(content, "leden.xlsx", "nieuwsbrief 2026").lines)
    assert "zoe@example.org" in "".join(read_workbook(content, "leden.xlsx", "Leden").lines)
    with pytest.raises(SubscriberFileError, match="there is no sheet `Oud`") as caught:
        read_workbook(content, "leden.xlsx", "Oud")
    assert caught.value.hint == "The sheets are: Leden, Nieuwsbrief 2026."


def test_a_zip_of_files_and_a_damaged_workbook_are_refused():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("subscribed.csv", "email\n")
    with pytest.raises(SubscriberFileError, match="without a sheet"):
        read_workbook(content.getvalue(), "export.zip")
    with pytest.raises(SubscriberFileError, match="without a sheet"):
        read_workbook(b"PK\x03\x04 damaged", "leden.xlsx")
    with zipfile.ZipFile(content := io.BytesIO(), "w") as archive:
        archive.writestr("xl/workbook.xml", "<broken")
    with pytest.raises(SubscriberFileError, match="cannot be read"):
        read_workbook(content.getvalue(), "leden.xlsx")


SHEET = "xl/worksheets/sheet1.xml"


def replace_part(workbook: bytes, part: str, xml: str) -> bytes:
    """Return a workbook with other content in one of its files."""
    old = zipfile.ZipFile(io.BytesIO(workbook))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, xml if name == part else old.read(name))
    return content.getvalue()


def with_sheet(xml: str) -> bytes:
    """Return a workbook of Excel with this sheet."""
    return replace_part(make_xlsx({"A": ROWS}), SHEET, xml)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("</table:table>", '</table:<?xml version="1.0"?>'),
        ('<?xml version="1.0"?>', "<!DOCTYPE x [<!ENTITY e 'v'>]>"),
    ],
)
def test_malformed_xml_is_refused_before_the_library_hangs_on_it(old, new):
    content = make_ods({"A": ROWS})
    xml = zipfile.ZipFile(io.BytesIO(content)).read("content.xml").decode()
    with pytest.raises(SubscriberFileError, match="cannot be read"):
        read_workbook(replace_part(content, "content.xml", xml.replace(old, new)), "leden.ods")


def sheet(rows: str) -> str:
    return f'<worksheet xmlns="{OFFICE}/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'


ADDRESS = '<c t="inlineStr"><is><t>zoe@example.org</t></is></c>'


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1"/></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        f"<row>{ADDRESS}</row><row r='1000000'/><x:row xmlns:x='a'><c r = 'ALL2'/></x:row>",
        f"<row>{ADDRESS}{'<c/>' * 400}</row><row r='1000000'/>",
    ],
)
def test_a_cell_at_a_distant_position_does_not_fill_the_memory(rows):
    with pytest.raises(SubscriberFileError, match="a sheet spans"):
        read_workbook(with_sheet(sheet(rows)), "leden.xlsx")


@pytest.mark.slow
def test_more_rows_than_excel_has_are_refused():
    with pytest.raises(SubscriberFileError, match="too large"):
        read_workbook(with_sheet(sheet("<row/>" * 1_100_000)), "leden.xlsx")


@pytest.mark.slow
def test_a_distant_cell_in_a_narrow_sheet_is_read():
    rows = f"<row>{ADDRESS}</row><row r='100000'>{ADDRESS}</row>"
    assert len(read_workbook(with_sheet(sheet(rows)), "leden.xlsx").lines) == 100_000


@pytest.mark.parametrize(
    "xml", ["", "<worksheet><sheetData><row", sheet("<row><c t='s'><v>99</v></c></row>"), "&b;"]
)
def test_a_damaged_sheet_is_refused(xml):
    with pytest.raises(SubscriberFileError):
        read_workbook(with_sheet(xml), "leden.xlsx")
