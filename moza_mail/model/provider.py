"""Mail providers and their domains, so that an outage of one provider is recognised."""

from dataclasses import dataclass
from functools import cache

# The domain endings that a provider such as Hotmail uses in each country: hotmail.nl, hotmail.co.uk.
ENDINGS = "nl be de fr at ch uk co.uk it es pt dk se no fi ie pl cz gr com com.au com.br ca co.jp in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider and its domains.

    seen: the day or year in which the domains were looked up.
    domains: separated by spaces.
    families: names that have one domain in each country, such as `hotmail`.
    """

    name: str
    seen: str
    domains: str
    families: str = ""


# From MX records and public lists of providers. The mergers of Dutch providers are common knowledge.
PROVIDERS = (
    Provider(
        name="microsoft",
        seen="2025-02-10",
        domains="hotmail.com live.com msn.com outlook.com passport.com windowslive.com",
        families="hotmail live outlook",
    ),
    Provider(name="google", seen="2025-02-10", domains="gmail.com googlemail.com"),
    Provider(
        name="yahoo",
        seen="2026-10-08",
        domains=(
            "aim.com aol.com myyahoo.com netscape.net rocketmail.com sky.com verizon.net yahoo.com ymail.com"
        ),
        families="aol yahoo",
    ),
    Provider(name="apple", seen="2026-10-08", domains="icloud.com mac.com me.com"),
    Provider(
        name="ziggo",
        seen="2026-10-08",
        domains=(
            "casema.nl chello.nl hahah.nl home.nl kabelfoon.nl multiweb.nl quicknet.nl razcall.nl "
            "upcbroadband.nl upcmail.nl zeggis.com zeggis.nl ziggo.nl zinders.nl"
        ),
    ),
    Provider(
        name="kpn",
        seen="2026-10-08",
        domains=(
            "12move.nl concepts.nl freeler.nl het.net hetnet.nl kpnmail.nl kpnplanet.nl planet.nl "
            "surfmail.nl telfort.nl tiscali.nl wolmail.nl wxs.nl xs4all.nl"
        ),
    ),
    Provider(name="odido", seen="2026", domains="online.nl tele2.nl versatel.nl zonnet.nl"),
    Provider(
        name="delta", seen="2026", domains="caiway.net caiway.nl deltanl.nl kabelnoord.net zeelandnet.nl"
    ),
    Provider(name="telenet", seen="2026-10-08", domains="pandora.be telenet.be"),
    Provider(name="proximus", seen="2026", domains="belgacom.net proximus.be scarlet.be skynet.be"),
    Provider(
        name="united-internet",
        seen="2024",
        domains=("1und1.de email.de gmx.at gmx.ch gmx.com gmx.de gmx.net mail.com online.de usa.com web.de"),
        families="gmx ionos",
    ),
    Provider(name="t-online", seen="2026-10-08", domains="magenta.de t-online.de"),
    Provider(name="freenet", seen="2026-10-08", domains="freenet.de"),
    Provider(name="orange", seen="2025", domains="orange.fr voila.fr wanadoo.fr"),
    Provider(name="laposte", seen="2026-10-08", domains="laposte.net"),
    Provider(
        name="sfr",
        seen="2026-10-08",
        domains="9online.fr cegetel.net club-internet.fr neuf.fr noos.fr numericable.fr sfr.fr",
    ),
    Provider(
        name="free", seen="2026-10-08", domains="aliceadsl.fr free.fr freesbee.fr libertysurf.fr online.fr"
    ),
    Provider(name="bbox", seen="2026", domains="bbox.fr"),
    Provider(
        name="italiaonline",
        seen="2026-10-08",
        domains="blu.it giallo.it inwind.it iol.it libero.it virgilio.it",
    ),
    Provider(name="tim", seen="2026", domains="alice.it tim.it tin.it"),
    Provider(name="mailru", seen="2026", domains="bk.ru inbox.ru internet.ru list.ru mail.ru"),
    Provider(
        name="yandex", seen="2026-10-04", domains="ya.ru yandex.by yandex.com yandex.kz yandex.ru yandex.ua"
    ),
    Provider(name="proton", seen="2025-02-10", domains="pm.me proton.me protonmail.ch protonmail.com"),
    Provider(name="zoho", seen="2026-10-04", domains="zoho.com zoho.eu zohomail.com zohomail.eu"),
    Provider(name="fastmail", seen="2026", domains="fastmail.com fastmail.fm messagingengine.com sent.com"),
    Provider(
        name="tuta",
        seen="2026-10-04",
        domains="keemail.me tuta.com tuta.io tutamail.com tutanota.com tutanota.de",
    ),
    Provider(
        name="virgin", seen="2026-10-08", domains="blueyonder.co.uk ntlworld.com virgin.net virginmedia.com"
    ),
    Provider(name="bt", seen="2026-10-08", domains="btinternet.com btopenworld.com talk21.com"),
    Provider(name="comcast", seen="2025-02-10", domains="comcast.net xfinity.com"),
    Provider(
        name="att",
        seen="2025-02-10",
        domains=(
            "ameritech.net att.net bellsouth.net currently.com pacbell.net prodigy.net "
            "sbcglobal.net swbell.net"
        ),
    ),
)


def find_provider(domain: str) -> str:
    """Return the name of the provider of a domain, or the domain itself."""
    return _providers().get(domain.lower(), domain.lower())


@cache
def _providers() -> dict[str, str]:
    found: dict[str, str] = {}
    for provider in PROVIDERS:
        families = [
            f"{family}.{ending}" for family in provider.families.split() for ending in ENDINGS.split()
        ]
        found.update(dict.fromkeys([*families, *provider.domains.split()], provider.name))
    return found
