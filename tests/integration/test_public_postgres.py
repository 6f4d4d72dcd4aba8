"""The public pages on PostgreSQL, over real HTTP: one subscriber from sign-up to unsubscribing, and the archive."""

import re

import pytest

from tests.integration.test_public_preferences import LISTS, held, link_to
from tests.support.project_folder import ISSUE
from tests.support.public_site import project, serve_site
from tests.support.smtp_servers import LOOPBACK, free_port

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def site(tmp_path, postgres):
    here = project(tmp_path)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    lists = here.path / "subscribers" / "lists.toml"
    lists.write_text(f'{lists.read_text()}\narchive_url = "{url}/weekly/"\n{LISTS}')
    with postgres.database() as store:
        here.set(
            store=store, default_list="weekly", view_url=f"{url}/weekly/{{slug}}/", sign_up_rate="1000/h"
        )
        here.add_readers(2)
        with serve_site(here, port=port) as site:
            yield site


def test_a_subscriber_signs_up_and_unsubscribes_on_postgres(site):
    address = "zoe@example.org"
    with site.client(follow_redirects=True) as web:
        assert web.get("/healthz").text == "ok\n"
        for _ in range(40):
            assert web.post("/lists/weekly", data=site.form(email=address, name="Zoë")).status_code == 200
        link = link_to(site, address)
        web.get(link)
        assert held(site, address)["weekly"][0] == "unconfirmed"
        for _ in range(2):
            done = web.post(link)
            assert "Je bent aangemeld" in done.text
        assert (
            len([each for each in site.folder.outbox() if each["To"].addresses[0].addr_spec == address]) == 1
        )

        mine = re.search(r'href="([^"]*/preferences/[^"]+)"', done.text)[1]
        chosen = {"shown": ["weekly", "nieuws"], "lists": ["weekly", "nieuws"], "name": "Zoë D", "lang": "en"}
        assert "Your preferences are saved." in web.post(mine, data=chosen).text
        assert 'value="Zoë D"' in web.get(mine).text
        assert held(site, address)["nieuws"] == ("confirmed", "Ja, ik wil Nieuws [2026-01]")

        assert site.folder.run("send", ISSUE, "--list", "weekly", "--yes").code == 0
        assert site.folder.states() == {"accepted": 3}
        mail = next(
            each
            for each in site.folder.outbox()
            if each["To"].addresses[0].addr_spec == address and each["List-Unsubscribe"]
        )
        leave = re.search(r"<(http[^>]+)>", mail["List-Unsubscribe"])[1]
        assert web.get(leave).status_code == 200
        assert held(site, address)["weekly"][0] == "confirmed"
        first, second = (web.post(leave, data=ONE_CLICK) for _ in range(2))
        assert (first.status_code, first.text) == (second.status_code, second.text)
        assert first.status_code == 200
        assert {slug: state for slug, (state, _) in held(site, address).items()} == {
            "weekly": "unsubscribed",
            "nieuws": "confirmed",
        }
        assert web.post(link).status_code == 410
    with serve_site(site.folder, port=site.address[1]) as again, again.client() as web:
        assert "2026-01-14/" in web.get("/weekly/").text
        assert "<h1" in web.get("/weekly/2026-01-14/").text
