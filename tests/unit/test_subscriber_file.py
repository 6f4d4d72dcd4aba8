"""A subscriber file as a spreadsheet writes it: its encoding, its columns, and each row with its line."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import subscriber_file
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.subscriber_file.formula_guard import unguard_formula
from tests.support.examples import examples


def people(
    content: bytes, *, columns=None, keep=("plaats", "adres"), **given
) -> subscriber_file.SubscriberFile:
    written = subscriber_file.detect_encoding(lambda: [content[:7], content[7:]], "lezers.csv")
    text = content.decode(written.codec)
    answers = subscriber_file.ColumnAnswers(columns=columns or {}, attributes=frozenset(keep))
    options = subscriber_file.SubscriberFileOptions(**{"consent": "beurs", "answers": answers} | given)
    return subscriber_file.SubscriberFile(lambda: io.StringIO(text, newline=""), "lezers.csv", options)


def read(content: bytes, **asked) -> list[tuple]:
    return [
        (row.line, str(row.address), row.name, dict(row.attributes))
        if isinstance(row, NewSubscriber)
        else (row.line, row.reason)
        for row in people(content, **asked)
    ]


ROWS = "E-mail;Naam;Plaats\na@example.org;Zoë Côté;Gouda\n"


class TestEncoding:
    @pytest.mark.parametrize(
        ("codec", "called", "guessed"),
        [
            ("utf-8", "UTF-8", False),
            ("utf-8-sig", "UTF-8", False),
            ("latin-1", "Windows-1252", True),
            ("cp1252", "Windows-1252", True),
            ("utf-16", "UTF-16", False),
        ],
    )
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_the_encodings_of_a_spreadsheet_are_detected(self, codec, called, guessed, end):
        content = ROWS.replace("\n", end).encode(codec)
        written = subscriber_file.detect_encoding(lambda: [content], "x")
        assert (written.label, written.is_guess, written.line_count) == (called, guessed, 3)
        assert content.decode(written.codec) == ROWS.replace("\n", end)

    def test_the_example_is_a_name_with_a_non_ascii_character(self):
        content = b"email;naam;plaats\na@example.org;Jan;D\xfcsseldorf\nb@example.org;Ren\xe9e;Gouda\n"
        assert people(content).find_non_ascii_example() == "Renée"
        assert people(content.replace(b"Ren\xe9e", b"Renee")).find_non_ascii_example() == "Düsseldorf"

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (
                "email\na@example.org\n".encode("utf-16") + b"x",
                "line 3: the file is UTF-16, and contains half",
            ),
            (
                "email\na@example.org\n".encode("utf-16") + b"\x00\xd8",
                "line 3: the file is UTF-16, and contains",
            ),
            (b"email\na@example.org\nx\x00y@example.org\n", "line 3: this is not a text file"),
            (b"email\na\xe9@example.org\nx\x00y@example.org\n", "line 3: this is not a text file"),
            (
                b"email,naam\na@example.org,Zo\xc3\xab\nb@example.org,Zo\xeb\n",
                "line 2 is UTF-8 and line 3 is not",
            ),
            (
                b"email,naam\na@example.org,Zo\xeb\nb@example.org,Zo\xc3\xab\n",
                "line 3 is UTF-8 and line 2 is not",
            ),
            (b"email,naam\na@example.org,Zo\x81\n", "line 2: the line is neither UTF-8 nor Windows-1252"),
            (
                b"email\na@example.org\n" + b"x" * 1_100_000,
                "line 3: the line has more than 1,000,000 characters",
            ),
            (
                b"email\n\xeb@example.org\n" + b"x" * 1_100_000,
                "line 3: the line has more than 1,000,000 characters",
            ),
            (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is not a text file"),
        ],
    )
    def test_a_file_that_is_not_a_list_is_refused_with_its_line(self, content, says):
        with pytest.raises(subscriber_file.SubscriberFileError, match=says):
            subscriber_file.detect_encoding(lambda: [content], "lezers.csv")


class TestColumns:
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_the_separator_is_the_one_that_fits_the_header(self, separator):
        rows = '"Adres"|E-mailadres|naam\n"Vries; Noor, de"|n@example.org|Noor\n'.replace("|", separator)
        assert read(rows.encode()) == [
            (2, "n@example.org", "Noor", {"adres": "Vries; Noor, de"}),
        ]

    def test_the_sep_line_of_excel_names_the_separator(self):
        assert read(b"sep=;\r\nemail;naam\r\na@example.org;A\r\n") == [(3, "a@example.org", "A", {})]

    def test_columns_are_mapped_by_heading_and_another_email_column_is_ignored(self):
        content = "E-mailadres zakelijk;Mail;Roepnaam;Naam van de organisatie\na@example.org;b@example.org;Zoë;KVK\n"
        columns = {
            "email": "e-mailadres ZAKELIJK",
            "name": "Roepnaam",
            "organisatie": "Naam van de organisatie",
        }
        assert read(content.encode(), columns=columns) == [
            (2, "a@example.org", "Zoë", {"organisatie": "KVK"})
        ]
        assert people(content.encode(), columns=columns).columns.describe() == (
            "E-mailadres zakelijk as email, Roepnaam as name, Naam van de organisatie as the attribute organisatie, not stored: Mail"
        )

    @pytest.mark.parametrize(
        ("content", "columns", "says"),
        [
            (b"", {}, "there is no column `email`"),
            (b"naam;plaats\n", {}, "no column `email`; the columns are: naam, plaats"),
            ("\u202eail;plaats\n".encode(), {}, "the columns are: \\u202eail, plaats"),
            (b"Lijst van a@example.org;Jan\n", {}, "and the line contains an address"),
            (b"email;naam;Naam\n", {}, "`naam` and `Naam` are both name"),
            (b"email;mail\n", {}, "`email` and `mail` are both email"),
            (b"email;naam\n", {"name": "voornaam"}, "there is no column `voornaam`"),
            (
                b"email;naam\n",
                {"name": "naam", "roepnaam": "naam"},
                "`naam` cannot be both name and roepnaam",
            ),
            (b"email;naam\n", {"Naam!": "naam"}, "cannot be the name of an attribute"),
            (b"email;naam\n", {"created_at": "naam"}, "cannot be the name of an attribute"),
            (b"email;" + b";".join(b"c%d" % n for n in range(200)), {}, "there are 201 columns"),
            (b"email;na\x07am\n", {}, "cannot be the name of a column"),
            (b"email;" + b"x" * 101 + b"\n", {}, "cannot be the name of a column"),
        ],
    )
    def test_an_unusable_header_is_refused_with_a_hint(self, content, columns, says):
        with pytest.raises(subscriber_file.SubscriberFileError) as caught:
            people(content, columns=columns)
        assert says in caught.value.message
        assert caught.value.hint

    @pytest.mark.slow
    def test_a_file_with_a_hundred_columns_is_read(self):
        assert read(b"email\na@example.org\n") == [(2, "a@example.org", "", {})]
        head = ",".join(f"c{number}" for number in range(99))
        row = ",".join(str(number) for number in range(99))
        keep = head.split(",")
        ((_, _, _, kept),) = read(f"email,{head}\na@example.org,{row}\n".encode(), keep=keep)
        assert (len(kept), kept["c98"]) == (99, "98")

    def test_a_file_with_only_a_header_has_no_subscribers(self):
        assert read(b"email;naam\n") == []
        assert read(b"email;naam") == []


class TestRows:
    def test_empty_columns_at_the_end_are_ignored_but_a_value_in_one_is_rejected(self):
        content = b"email;naam;;\na@example.org;A;;\n;;;\n\nb@example.org;B;;x\nc@example.org;C;;;;\nd@example.org\n"
        assert read(content) == [
            (2, "a@example.org", "A", {}),
            (5, "has a value in column 4, which has no name"),
            (6, "c@example.org", "C", {}),
            (7, "d@example.org", "", {}),
        ]

    def test_a_line_ending_in_quotes_becomes_a_space_and_later_lines_keep_their_numbers(self):
        content = b'email,naam,adres\n"a@example.org","Jan\r\nPiet","Postbus 1\n2500 AA"\nfout,x,\nb@example.org,B,\n'
        assert read(content) == [
            (2, "a@example.org", "Jan Piet", {"adres": "Postbus 1 2500 AA"}),
            (5, "fout: an email address must have an @-sign"),
            (6, "b@example.org", "B", {}),
        ]

    def test_a_quote_that_is_not_closed_rejects_only_its_own_row(self):
        rows = "".join(f"l{number}@example.org,L\n" for number in range(150))
        found = read(f'email,naam\na@example.org,"Jan\n{rows}'.encode())
        assert found[0] == (2, 'has a quote (") that is not closed')
        assert [line for line, *_ in found[1:]] == list(range(3, 153))
        last = read(b'email,naam\na@example.org,A\nb@example.org,"B\nc@example.org,C\n')
        assert [row[0] for row in last] == [2, 3, 4]
        assert last[2][1] == "c@example.org"

    def test_a_quote_within_a_value_rejects_only_its_own_row(self):
        content = b'email,naam\na@example.org,"Jan" de Vries\nb@example.org,Piet "de Bakker" Jansen\n"c@example.org","C ""x"""\n'
        assert read(content) == [
            (2, 'has a quote (") within a value; write it twice ("")'),
            (3, "b@example.org", 'Piet "de Bakker" Jansen', {}),
            (4, "c@example.org", 'C "x"', {}),
        ]

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("a@example.org,Jan\x07", "has a control character in naam"),
            ("a@example.org," + "x" * 1001, "too long"),
            ("a@example.org," + "x" * 201, "too long"),
            ("a@example.org," + '"' + "x" * 140_000 + '"', "too long"),
            ('"a@example.org\r\nBcc: b@example.org",A', "contains a control character (U+000D)"),
            ("a@example.org,b@example.org,c", "has 3 values for 2 columns"),
            ("a\u200b@example.org,A", "\\u200b"),
            ("\u202egro.elpmaxe@a,A", "\\u202e"),
            ("a@exam\u2066ple.org,A", "\\u2066"),
            ("Piet <p@example.org> x,P", "is not one plain address"),
            ("a@example.org; b@example.org,A", "has 2 addresses and one name"),
            ("=cmd|' /C calc'!A0@example.org,A", "invalid characters"),
        ],
    )
    def test_an_unusable_row_is_rejected_with_the_reason(self, row, reason):
        ((line, said),) = read(f"email,naam\n{row}\n".encode())
        assert line == 2
        assert reason in said

    @examples(300)
    @given(st.text(alphabet="ab@,;\"\n\r\t'=\x00\ufeffé.", max_size=80))
    def test_each_row_of_any_file_is_read_or_rejected(self, text):
        try:
            found = list(people(f"email,naam\n{text}".encode()))
        except subscriber_file.SubscriberFileError:
            return
        lines = [row.line for row in found]
        assert lines == sorted(set(lines))
        assert all(isinstance(row, NewSubscriber) or row.reason for row in found)


class TestFormulaGuard:
    @given(st.text(alphabet="=+-@'a,;|\uff1d \n", max_size=12))
    def test_an_escaped_cell_is_not_a_formula_and_can_be_read_back(self, cell):
        written = subscriber_file.guard_formula(cell)
        assert unguard_formula(written) == cell
        pieces = written.replace(";", ",").replace("|", ",").split(",")
        assert not any(piece.startswith(("=", "+", "-", "@", "\uff1d")) for piece in pieces)

    def test_a_cell_without_a_formula_is_unchanged(self):
        for cell in ("'t Hart", "O'Brien", "a=b", "2500 AA", ""):
            assert subscriber_file.guard_formula(cell) == unguard_formula(cell) == cell
