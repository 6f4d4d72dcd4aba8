"""A fault of a theme names the file and line of the theme, and never the issue."""

import pytest

from tests.support.project_folder import ISSUE, folder

START = "<mjml>\n<mj-body>\n"
END = "\n</mj-body></mjml>"


def mail(part):
    return f"{START}{part}{END}".encode()


BROKEN = {
    "variable": ("issue.mjml", mail("{{ kontakt }}"), "theme eigen, issue.mjml, line 3: "),
    "template": (
        "issue.mjml",
        mail('{% include "partials/weg.mjml" %}'),
        "theme eigen, issue.mjml, line 3: ",
    ),
    "filter": ("issue.mjml", mail("{{ issue.title|round }}"), "theme eigen, issue.mjml, line 3: "),
    "unknown filter": ("issue.mjml", mail("{{ issue.title|weg }}"), "theme eigen, issue.mjml, line 3: "),
    "memory": ("issue.mjml", mail("{{ 'x' * 10**15 }}"), "theme eigen, issue.mjml, line 3: "),
    "recursion": (
        "issue.mjml",
        mail("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}"),
        "theme eigen, issue.mjml, line 3: ",
    ),
    "picture": (
        "partials/footer.mjml",
        b'<mj-section>\n<mj-column>\n<mj-image src="weg.png" alt="x" /></mj-column></mj-section>',
        "theme eigen, partials/footer.mjml, line 3: ",
    ),
    "element": (
        "partials/footer.mjml",
        b"<mj-raw>\n<mj-tekst>x</mj-tekst></mj-raw>",
        "theme eigen, partials/footer.mjml, line 2: ",
    ),
    "text": ("issue.txt", b"\n{{ weg }}", "theme eigen, issue.txt, line 2: "),
    "style": ("inline.css", b"p { color: {{ light.weg }} }", "theme eigen, inline.css, line 1: "),
    "bytes": ("issue.mjml", b"\xff\xfe", "templates/eigen/issue.mjml is not UTF-8 text"),
    "toml": ("theme.toml", b"a = 1\nx = ", "templates/eigen/theme.toml is not TOML"),
    "colour": ("theme.toml", b'name = "x"\ncolour = "zz"\n', "theme eigen, theme.toml, line 2: "),
    "width": ("theme.toml", b'\ncolour = "#0b6e4f"\nwidth = 1\n', "theme eigen, theme.toml, line 3: "),
    "logo": (
        "theme.toml",
        b'colour = "#0b6e4f"\n[logo]\nfile = "assets/weg.png"\nalt = "Wij"\n',
        "theme eigen, theme.toml, line 2: ",
    ),
}


@pytest.fixture
def project(tmp_path):
    made = folder(tmp_path)
    made.set(theme="eigen")
    theme = made.path / "templates/eigen"
    theme.mkdir(parents=True)
    (theme / "theme.toml").write_text('colour = "#0b6e4f"\n')
    return made


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_theme_is_reported_with_its_file_and_line(project, fault):
    name, content, place = BROKEN[fault]
    path = project.path / "templates/eigen" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    done = project.run("check", ISSUE)
    assert done.code in {1, 2}
    assert place in done.err
    assert ISSUE not in done.err + done.out
    (found,) = project.run("check", ISSUE, "--json").json["findings"]
    assert found["source"].startswith("theme eigen, ")


def test_findings_caused_by_a_theme_name_the_theme(project):
    path = project.path / "templates/eigen/issue.mjml"
    path.write_bytes(
        mail("<mj-section><mj-column><mj-text>Hoi {{ unsubscribe_url }}</mj-text></mj-column></mj-section>")
    )
    found = project.run("check", ISSUE, "--json").json["findings"]
    assert {one["source"] for one in found if one["rule"] in {"headings", "language"}} == {"templates/eigen"}
    path.unlink()
    assert "templates/eigen" not in project.run("check", ISSUE).out


def test_the_client_support_score_is_shown_only_for_your_own_theme(project):
    assert "client-score" not in project.run("check", ISSUE).out
    path = project.path / "templates/eigen/partials/contact.html"
    path.parent.mkdir()
    path.write_text("Schrijf ons.")
    assert "  templates/eigen: the " in project.run("check", ISSUE).out
