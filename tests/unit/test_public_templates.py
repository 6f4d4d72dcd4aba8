"""The templates of the public pages: every theme has every template and sentence, in each language."""

import re
from pathlib import Path

import pytest

from moza_mail import render
from moza_mail.web.public.routes import LINK_NOTICES, NOTICE_KEYS
from moza_mail.web.public.site import SiteTheme
from tests.support import builders as build

PAGES = sorted(path.stem for path in Path(build.ROOT, "templates/default/pages").glob("*.html"))
SENTENCE = re.compile(r'\bt\("(\w+)"')


@pytest.mark.parametrize("theme", ["moza", "default"])
def test_each_language_has_every_text_that_the_pages_use(theme):
    loaded = build.theme(theme)
    asked = {name for page in PAGES for name in SENTENCE.findall(loaded.read_template(f"pages/{page}.html"))}
    asked |= {name for what in {*NOTICE_KEYS.values(), *LINK_NOTICES} for name in (what, f"{what}_what")}
    assert len(asked) > 40
    for lang, own in render.find_languages(loaded).items():
        text = loaded.read_template(f"locale/{lang}.toml")
        assert [name for name in sorted(asked) if f"\n{name} = " not in text] == [], own


def test_the_locale_files_of_both_languages_have_the_same_keys():
    keys = [
        re.findall(r"^(\w+) = ", build.theme("default").read_template(f"locale/{lang}.toml"), re.MULTILINE)
        for lang in ("nl", "en")
    ]
    assert keys[0] == keys[1]


def test_no_page_contains_anything_that_its_security_policy_forbids():
    theme = build.theme("moza")
    for page in PAGES:
        assert not re.search(
            r"<script|<style|\sstyle=|\son\w+=|https?://", theme.read_template(f"pages/{page}.html")
        )
    assert "url(" not in render.render_stylesheet(theme)


def test_the_language_is_the_first_wanted_one_that_has_texts():
    look = SiteTheme.load(build.theme("moza"))
    assert look.languages == {"en": "English", "nl": "Nederlands"}
    assert look.choose_language("", "nl-BE") == "nl"
    assert look.choose_language("xx", "EN", "nl") == "en"
    assert look.choose_language("de", "") == "en"


def test_a_changed_style_sheet_has_a_new_name_so_that_browsers_load_it():
    assert SiteTheme.load(build.theme("moza")).style_name != SiteTheme.load(build.theme("default")).style_name
