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
from tests.support.workbooks import make_ods, make_xlsx

ROWS = [
    ["Leden van de vereniging", ""],
    ["", ""],
    ["E-mailadres", "Naam", "Status", "Lidnr"],
    ["zoe@example.org", 'Zoë\nMüller; "x"', "actief", 1],
    ["ben@example.org", "Ben", "opgezegd", 2],
]


@pytest.mark.parametrize("make", [make_xlsx, make_ods])
def test_a_sheet_is_read_with_its_rows_as_lines(make):
    content = make({"Uitleg": [["Dit is de lijst"]], "Leden": ROWS})
    assert is_zip(content)
    lines = read_workbook(content, "leden.xlsx")
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
    with pytest.raises(SubscriberFileError, match="no sheet has mail addresses"):
        read_workbook(make_ods({"A": [["niets"]]}), "leden.ods")


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
