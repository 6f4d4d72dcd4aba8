"""The privacy statement of an issue, from the command line."""

from tests.support.project_folder import ISSUE, folder


def test_the_privacy_statement_of_the_sample_issue_is_a_page_in_dutch(tmp_path):
    done = folder(tmp_path).run("check", ISSUE, "--privacy-statement")
    assert done.code == 0
    assert done.out.startswith("Privacyverklaring bij MOZa Weekly 14 januari 2026\n===")
    assert "[client-score]" not in done.out


def test_the_digest_in_the_statement_is_that_of_the_sent_content(tmp_path):
    project = folder(tmp_path)
    project.add_readers(1)
    stated = project.run("check", ISSUE, "--privacy-statement", "--json").json
    project.run("send", ISSUE, "--yes")
    assert project.run("send", ISSUE, "--yes", "--json").json["digest"] == stated["digest"]


def test_privacy_errors_give_exit_code_3(tmp_path):
    project = folder(tmp_path)
    text = (project.path / ISSUE).read_text(encoding="utf-8")
    copied = text.replace("versie=concept", "mc_eid=12ab34cd56")
    (project.path / ISSUE).write_text(copied, encoding="utf-8")
    done = project.run("check", ISSUE, "--privacy-statement")
    assert done.code == 3
    assert "personal-parameter: " in done.out


def test_the_privacy_statement_makes_no_request(tmp_path):
    done = folder(tmp_path).run("check", ISSUE, "--privacy-statement", "--links")
    assert done.code == 2
    assert "--links" in done.err
