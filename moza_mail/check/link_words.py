"""Link texts that tell nothing of where the link leads (WCAG 2.2, 2.4.4 and 2.4.9), by language, in lower case."""

import re


def _table(words: str) -> frozenset[str]:
    return frozenset(word.strip() for word in words.split("|"))


VAGUE = {
    "nl": _table(
        "hier | klik | klik hier | hier klikken | klik op deze link | via deze link | deze link | link | de link"
        "| linkje | dit linkje | deze | dit | daar | zie hier | zie link | via | via hier | url | ga naar"
        "| deze pagina | pagina | deze site | deze website | website | site | webpagina"
        "| stuk | dit stuk | het stuk | document | dit document | het document | bestand | bijlage"
        "| artikel | dit artikel | bericht | dit bericht | lees | lees hier | lees meer | lees verder | verder lezen"
        "| lees meer hier | lees hier meer | meer | meer lezen | meer info | meer informatie | info | informatie"
        "| bekijk | bekijk hier | download | download hier | details"
        "| klik hier voor meer info | klik hier voor meer informatie"
    ),
    "en": _table(
        "here | click | click here | clicking here | tap here | this | this link | link | the link | there | url"
        "| see here | go to | this page | page | this site | this website | website | site | webpage"
        "| document | this document | attachment | article | this article | this post"
        "| read | read here | read more | read more here | read on | continue reading | more | more info"
        "| more information | info | information | learn more | find out more | view more | see more"
        "| download | download here | details | click here for more information"
    ),
}


def is_vague(text: str, lang: str) -> bool:
    """Whether a link's text says nothing by itself; English is known in every issue."""
    bare = " ".join(re.sub(r"[^\w\s]|_", " ", text.casefold()).split())
    return bare in VAGUE["en"] or bare in VAGUE.get(lang.partition("-")[0].lower(), frozenset())
