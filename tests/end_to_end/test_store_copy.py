"""The database of a project copied to another one."""

from tests.support.project_folder import folder


def test_a_copied_database_is_sealed_until_the_settings_name_the_new_one(tmp_path):
    project = folder(tmp_path)
    (project.path / "lezers.csv").write_text("email,naam\na@example.org,A\n")
    assert project.run("subscribers", "import", "--yes", "lezers.csv", "--consent", "formulier").code == 0
    asked = project.run("store", "copy", "sqlite:///subscribers/nieuw.db")
    assert (asked.code, "--yes" in asked.err) == (2, True)
    before = project.run("subscribers", "export").out
    done = project.run("store", "copy", "sqlite:///subscribers/nieuw.db", "--yes", "--json")
    assert (done.code, done.json["rows"]["subscribers"]) == (0, 1)
    sealed = project.run("subscribers", "export")
    assert (sealed.code, "was copied to" in sealed.err) == (1, True)
    project.set(store="sqlite:///subscribers/nieuw.db")
    assert project.run("subscribers", "export").out == before
