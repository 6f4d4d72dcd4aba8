"""Finding the project and reading its settings and secrets."""

import re
import stat
from pathlib import Path

import pytest

from moza_mail import project, render
from moza_mail.errors import IssueError, ListError, ProjectError, ThemeError
from moza_mail.model.mailing_list import OptIn
from tests.support.builders import ROOT

LISTS = '[weekly]\ntitle = "Weekly"\nsender = "weekly@example.org"\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "subscribers").mkdir()
    (tmp_path / "issues").mkdir()
    (tmp_path / "moza-mail.toml").write_text("batch_size = 7\n")
    (tmp_path / "subscribers" / "lists.toml").write_text(LISTS)
    for name in ("PROJECT", "SECRET", "SMTP_PASSWORD", "BATCH_SIZE"):
        monkeypatch.delenv(f"MOZA_MAIL_{name}", raising=False)
    return tmp_path


def test_the_project_is_the_nearest_folder_above(folder, monkeypatch):
    below = folder / "issues" / "oud"
    below.mkdir()
    monkeypatch.chdir(below)
    assert project.find_project().root == folder


def test_an_option_replaces_a_variable_which_replaces_the_file(folder, monkeypatch):
    assert project.find_project(folder).config.batch_size == 7
    monkeypatch.setenv("MOZA_MAIL_BATCH_SIZE", "8")
    assert project.find_project(folder).config.batch_size == 8
    assert project.find_project(folder, batch_size=9).config.batch_size == 9


def test_a_list_in_a_variable_may_be_separated_by_commas(folder, monkeypatch):
    monkeypatch.setenv("MOZA_MAIL_AGENDA_HEADINGS", "Agenda, Kalender")
    assert project.find_project(folder).config.agenda_headings == ("Agenda", "Kalender")


def test_the_error_of_a_wrong_variable_names_it(folder, monkeypatch):
    monkeypatch.setenv("MOZA_MAIL_BATCH_SIZE", "veel")
    with pytest.raises(ProjectError, match=r"^MOZA_MAIL_BATCH_SIZE must be"):
        project.find_project(folder)


def test_the_error_of_a_wrong_key_names_its_file_and_line(folder):
    (folder / "moza-mail.toml").write_text('theme = "moza"\n\nbatch_size = 0\n')
    with pytest.raises(ProjectError, match=r"moza-mail\.toml, line 3: `batch_size`"):
        project.find_project(folder)


def test_a_setting_below_the_table_of_words_is_refused_and_the_hint_says_where_it_belongs(folder):
    path = folder / "moza-mail.toml"
    path.write_text('[check.preferred_words]\n"oud woord" = "nieuw"\nrelay = "smtp://127.0.0.1:2525"\n')
    with pytest.raises(ProjectError, match=r"moza-mail\.toml, line 3: `relay` is a setting") as refused:
        project.find_project(folder)
    assert "Move it above the first line such as [check]" in str(refused.value.hint)
    path.write_text('[check.preferred_words]\nRelay = "mailserver"\n')
    assert project.find_project(folder).config.check.preferred_words == {"Relay": "mailserver"}


def test_the_path_of_the_store_is_relative_to_the_project(folder):
    assert project.find_project(folder).store_url() == f"sqlite:///{folder}/subscribers/moza-mail.db"


def test_the_secret_is_created_once_and_readable_only_by_its_owner(folder):
    first = project.find_project(folder).read_secret()
    assert len(first) == 64
    assert project.find_project(folder).read_secret() == first
    assert stat.S_IMODE((folder / "subscribers" / "secret").stat().st_mode) == 0o600


def test_a_secret_in_a_variable_or_its_file_is_preferred(folder, monkeypatch):
    path = folder / "geheim"
    path.write_text("b" * 32 + "\n")
    monkeypatch.setenv("MOZA_MAIL_SECRET_FILE", str(path))
    assert project.find_project(folder).read_secret() == b"b" * 32
    monkeypatch.setenv("MOZA_MAIL_SECRET", "a" * 32)
    assert project.find_project(folder).read_secret() == b"a" * 32
    assert not (folder / "subscribers" / "secret").exists()
    monkeypatch.setenv("MOZA_MAIL_SECRET", "kort")
    with pytest.raises(ProjectError, match="fewer than 16") as caught:
        project.find_project(folder).read_secret()
    assert "kort" not in str(caught.value)


def test_the_error_of_a_missing_secret_file_names_it(folder, monkeypatch):
    monkeypatch.setenv("MOZA_MAIL_SMTP_PASSWORD_FILE", str(folder / "weg"))
    with pytest.raises(ProjectError, match="MOZA_MAIL_SMTP_PASSWORD_FILE"):
        project.find_project(folder).read_smtp_password()


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ('[weekly]\ntitle = "Weekly"\n', "line 1: `weekly.sender` is missing"),
        (LISTS + 'colour = "red"\n', "line 4: `weekly.colour` is not a known key"),
        ('[weekly]\ntitle = "W"\nsender = "W <w@example.org>"\n', "is not one plain address"),
        ('["a b"]\ntitle = "W"\nsender = "w@example.org"\n', "cannot be the name of a list"),
        ('weekly = "x"\n', "line 1: `weekly` must be a table"),
        ('\n[[weekly]]\ntitle = "x"\n', "line 2: `weekly` must be a table"),
        (LISTS + 'list_id = "geen punt"\n', "line 4: `weekly.list_id`"),
        (
            LISTS + 'consent = { "de taal" = "Ja" }\n',
            "line 4: `weekly.consent` must have a language tag for each text",
        ),
        (LISTS + 'consent = "Ja\\u0000"\n', "line 4: `consent` contains a control character"),
        (LISTS + 'consent_version = "1\\n2"\n', "line 4: `weekly.consent_version` may not contain a control"),
    ],
)
def test_the_error_of_a_wrong_list_names_it(folder, lists, says):
    (folder / "subscribers" / "lists.toml").write_text(lists)
    (fault,) = project.find_project(folder).find_list_faults().values()
    assert says in str(fault)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ('title = 3\nsender = "w@example.org"\n', 6),
        ('sender = "w@example.org"\n', 5),
        ('title = "W"\nsender = "w"\n', 7),
        ('title = "W"\nsender = "w@example.org"\nreply_to = "r"\n', 8),
        ('title = "W"\nsender = "w@example.org"\n[monthly.segments.x]\nno = "x"\n', 8),
        ('title = "W"\nsender = "w@example.org"\n[monthly.consent]\nnl = 3\n', 9),
        ('title = "W"\nsender = "w@example.org"\n"reply_to" = 3\n', 8),
        ('title = "W\\u0000"\nsender = "w@example.org"\n', 6),
    ],
)
def test_the_error_of_a_list_gives_the_line_in_its_own_table(folder, keys, line):
    path = folder / "subscribers" / "lists.toml"
    path.write_text(f"{LISTS}\n[monthly]\n{keys}\n[yearly]\ntitle = 'Y'\nsender = 'y@example.org'\n")
    found = project.find_project(folder)
    assert f"lists.toml, line {line}: " in str(found.find_list_faults()["monthly"])
    assert sorted(found.read_lists()) == ["weekly", "yearly"]
    with pytest.raises(ListError):
        found.read_list("monthly")


@pytest.mark.parametrize(
    ("keys", "lang", "evidence"),
    [
        ('consent = "Ja, graag."\nconsent_version = "2026-01"\n', "en", "Ja, graag. [2026-01]"),
        ('consent = "Ja,\\n graag."\n', "nl", "Ja, graag."),
        ('consent = { nl = "Ja.", en = "Yes." }\n', "en-GB", "Yes."),
        ('consent = { nl = "Ja.", en = "Yes." }\n', "de", "Ja."),
    ],
)
def test_the_consent_is_the_text_of_the_list_in_the_language_of_the_subscriber(folder, keys, lang, evidence):
    (folder / "subscribers" / "lists.toml").write_text(LISTS + keys)
    found = project.find_project(folder)
    assert render.make_consent(found.read_list(""), found.read_theme("moza"), lang).evidence == evidence


def test_a_list_without_consent_text_uses_the_text_of_the_theme(folder):
    found = project.find_project(folder)
    said = {
        lang: render.make_consent(found.read_list(""), found.read_theme("moza"), lang).evidence
        for lang in ("nl", "en")
    }
    assert said["nl"].startswith("Ja, stuur mij ")
    assert said["en"].startswith("Yes, send me ")
    assert all(found.read_list("").title in sentence for sentence in said.values())


def test_a_list_must_be_named_if_there_are_two(folder):
    only = project.find_project(folder).read_list("")
    assert (only.slug, only.opt_in) == ("weekly", OptIn.DOUBLE)
    (folder / "subscribers" / "lists.toml").write_text(LISTS + LISTS.replace("[weekly]", "[monthly]"))
    with pytest.raises(ProjectError) as caught:
        project.find_project(folder).read_list("")
    assert "monthly, weekly" in caught.value.hint


def test_a_theme_is_read_file_by_file(folder):
    mine = folder / "templates" / "moza" / "partials"
    mine.mkdir(parents=True)
    (mine / "footer.mjml").write_text("<!-- mine -->")
    theme = project.find_project(folder).read_theme("moza")
    assert theme.files["partials/footer.mjml"] == "<!-- mine -->"
    assert theme.settings["light"]["link"] == "#01689b"
    assert theme.read_template("issue.mjml")
    assert theme.read_template("partials/head.mjml")
    with pytest.raises(ThemeError, match=r"weg\.mjml is missing"):
        theme.read_template("weg.mjml")


@pytest.mark.parametrize("what", ["the theme", "one file", "templates"])
def test_a_theme_from_elsewhere_is_refused_unless_its_digest_is_trusted(folder, tmp_path_factory, what):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    own = elsewhere / "huis" if what == "templates" else elsewhere
    own.mkdir(exist_ok=True)
    (own / "issue.txt").write_text("{{ title }}")
    (own / "theme.toml").write_text((folder_of_moza() / "theme.toml").read_text())
    if what == "templates":
        (folder / "templates").symlink_to(elsewhere)
    elif what == "the theme":
        (folder / "templates").mkdir()
        (folder / "templates" / "huis").symlink_to(elsewhere)
    else:
        (folder / "templates" / "huis").mkdir(parents=True)
        (folder / "templates" / "huis" / "issue.txt").symlink_to(elsewhere / "issue.txt")
        (folder / "templates" / "huis" / "theme.toml").write_text((elsewhere / "theme.toml").read_text())
    with pytest.raises(ThemeError, match="is elsewhere") as caught:
        project.find_project(folder).read_theme("huis")
    line = re.search(r"trust = \[.*\]", caught.value.hint)[0]
    config = folder / "moza-mail.toml"
    config.write_text(f"{line}\n{config.read_text()}")
    assert project.find_project(folder).read_theme("huis").files["issue.txt"] == "{{ title }}"
    (own / "issue.txt").write_text("{{ address }}")
    with pytest.raises(ThemeError, match="is elsewhere") as again:
        project.find_project(folder).read_theme("huis")
    assert line.removesuffix("]") in again.value.hint


def folder_of_moza() -> Path:
    return ROOT / "templates" / "moza"


def test_a_symbolic_link_inside_the_templates_folder_is_allowed(folder):
    (folder / "templates" / "een").mkdir(parents=True)
    (folder / "templates" / "een" / "issue.txt").write_text("x")
    (folder / "templates" / "huis").symlink_to("een")
    assert project.find_project(folder).read_theme("huis").files["issue.txt"] == "x"


@pytest.mark.parametrize("name", ["nergens", "../geheim", "", "/etc"])
def test_an_unknown_theme_is_refused(folder, name):
    with pytest.raises(ThemeError, match="there is no theme") as caught:
        project.find_project(folder).read_theme(name)
    assert "moza" in caught.value.hint


def test_an_issue_is_found_by_path_and_by_slug(folder, monkeypatch):
    (folder / "issues" / "2026-01-14.md").write_text("x")
    found = project.find_project(folder)
    monkeypatch.chdir(folder / "issues")
    for name in ("2026-01-14", "issues/2026-01-14.md", "2026-01-14.md"):
        assert found.read_issue(found.find_issue(name)) == "x"
    with pytest.raises(IssueError) as caught:
        found.find_issue("2026-01-21")
    assert "2026-01-14.md" in caught.value.hint
