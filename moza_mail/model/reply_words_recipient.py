"""Words for a recipient, and for the reasons why a recipient gets no mail.

The English words for these reasons are in `reply_rules_address.py` and `reply_rules_message.py`.
"""

from moza_mail.model.reply_word import ReplyWords, WordRole

RECIPIENT_WORDS = (
    ReplyWords(
        role=WordRole.RECIPIENT,
        language="en",
        words=(
            r"recipients?|rcpt|addr|(?:not our|(?:not|no longer) a) (?:customer|client)|users?|mailbox(?:es)?|mail ?(?:box|drop|address(?:es)?)|accounts?|address(?:es)?|alias|person|addressee|"
            r"member|subscriber|employee|local[- ]?part|inbox|recipnotfound|recipientnotfound|bad_?recipient|badrcptto|unroute?able"
        ),
        source="Postfix; Exim; Sendmail; qmail; Exchange",
    ),
    ReplyWords(
        role=WordRole.RECIPIENT,
        language="nl",
        words=r"(?:(?:e-?)?mail-?|ontvangers?)?adres|(?:(?:e-?)?mail-?|gebruikers?)?account|mailbox|brievenbus|post(?:vak|bus)|gebruikers?|ontvangers?|geadresseerde|medewerkers?|bestemmeling|persoon",
        source="Exchange in Dutch; Ziggo; KPN",
    ),
    ReplyWords(
        role=WordRole.RECIPIENT,
        language="de",
        words=r"empfae?nger\w*|benutzer|nutzer|(?:mail|e-mail-)?postfach|mailbox|(?:(?:e-?)?mail-?|benutzer-?)?konto|(?:(?:e-?)?mail-?|empfanger-?|ziel-?)?adresse|mitarbeiter\w*|teilnehmer|adressat|anschrift",
        source="Exchange in German; web.de; GMX; sitepackage.de",
    ),
    ReplyWords(
        role=WordRole.RECIPIENT,
        language="fr",
        words=r"destinataires?|utilisateur|adresses?|boite|compte|mailbox|abonne|correspondant|messagerie",
        source="Exchange in French; Orange; La Poste; Free",
    ),
    ReplyWords(
        role=WordRole.RECIPIENT,
        language="es, it, pt",
        words=(
            r"destinatari[oa]|usuario|utilizador|utente|buzon|cas[ie]ll?a|caixa|cuenta|conta|account|direccion|indirizzo|endereco|"
            r"correo|recapito|empleado"
        ),
        source="Libero; Aruba; Movistar; UOL",
    ),
    ReplyWords(
        role=WordRole.RECIPIENT,
        language="pl, cs",
        words=r"uzytkownik\w*|konto|kont[ay]|adres\w*|skrzynk\w*|odbiorc\w*|uzivatel\w*|prijemc\w*|schrank\w*",
        source="Onet; Interia; Seznam",
    ),
    ReplyWords(
        role=WordRole.RECIPIENT,
        language="sv, no, da",
        words=(
            r"anvandar\w*|mottagar\w*|(?:e-?post-?|mail-?|mottagar-?|modtager-?|mottaker-?)?adress\w*|brevlad\w*|postlad\w*|konto\w*|bruker\w*|mottaker\w*|postboks\w*|postkass\w*|"
            r"modtager\w*|bruger\w*"
        ),
        source="Telia; Loopia; One.com",
    ),
    ReplyWords(
        role=WordRole.RECIPIENT,
        language="hu",
        words=r"cimzett\w*|felhasznalo\w*|postafiok\w*|fiok\w*|(?:e-?mail ?)?cime?",
        source="Freemail.hu",
    ),
    ReplyWords(
        role=WordRole.GONE,
        language="nl",
        words=r"bestaat niet|onbekende?|niet (?:worden )?(?:gevonden|bekend|geldig|aanwezig)|ongeldige?|geen(?! geldige)",
        source="Exchange in Dutch; Ziggo; KPN",
    ),
    ReplyWords(
        role=WordRole.GONE,
        language="de",
        words=(
            r"existier(?:t|en) (?:hier )?nicht|unbekannte?[nrs]?|nicht (?:gefunden|bekannt|vorhanden|existent|gultig|gueltig)|kein solche[rs]?|"
            r"ungue?ltige?[nrs]?|gibt es nicht|kein"
        ),
        source="Exchange in German; web.de; GMX; sitepackage.de",
    ),
    ReplyWords(
        role=WordRole.GONE,
        language="fr",
        words=(
            r"n ?'?existe (?:pas|plus)|inconnue?s?|inexistante?s?|introuvables?|invalides?|"
            r"(?:pas|plus|non) (?:valide|trouvee?|existante?)s?|aucune?"
        ),
        source="Exchange in French; Orange; La Poste; Free",
    ),
    ReplyWords(
        role=WordRole.GONE,
        language="es, it, pt",
        words=(
            r"nessun[oa]?|ningun[oa]?|nenhum[a]?|descon(?:o|he)cid[oa]|sconosciut[oa]|inexistente|inesistente|(?:no|non|nao) (?:existe|esiste|esistente|encontrad[oa]|"
            r"trovat[oa]|valid[oa])|invalid[oa]|errat[oa]|no es valid[oa]|non e valid[oa]|nao e valid[oa]|no se (?:encuentra|ha encontrado|encontro)"
        ),
        source="Libero; Aruba; Movistar; UOL",
    ),
    ReplyWords(
        role=WordRole.GONE,
        language="pl, cs",
        words=r"nie istnieje|nieznan\w+|nie (?:znaleziono|odnaleziono)|nieprawidlow\w+|nie zostal\w* znalezion\w+|nie ma tak\w+|brak tak\w+|neexistuje|neznamy",
        source="Onet; Interia; Seznam",
    ),
    ReplyWords(
        role=WordRole.GONE,
        language="sv, no, da",
        words=(
            r"okan[dt]a?|ukjent|ukendt|finns (?:inte|ej)|finnes ikke|findes ikke|existerar (?:inte|ej)|eksisterer ikke|saknas|"
            r"(?:hittades|hittas) (?:inte|ej)|ikke (?:funnet|fundet)|ogiltig|ugyldig"
        ),
        source="Telia; Loopia; One.com",
    ),
    ReplyWords(
        role=WordRole.GONE,
        language="hu",
        words=r"nem letez\w+|ismeretlen|nem talalhato|ervenytelen|nincs ilyen",
        source="Freemail.hu",
    ),
    ReplyWords(
        role=WordRole.CLOSED,
        language="nl",
        words=(
            r"gesloten|opgeheven|opgezegd|werkt (?:hier )?niet meer|gedeactiveerd|uitgeschakeld|verwijderd|inactief|beeindigd|"
            r"niet (?:meer )?(?:in gebruik|actief|in dienst|werkzaam)"
        ),
        source="Ziggo; KPN; TransIP",
    ),
    ReplyWords(
        role=WordRole.CLOSED,
        language="de",
        words=(
            r"geschlossen|geloe?scht|deaktiviert|gesperrt|stillgelegt|abgelaufen|gekue?ndigt|ausgeschieden|inaktiv|"
            r"nicht mehr (?:aktiv|in gebrauch|gue?ltig|verwendet|bei uns)"
        ),
        source="web.de; GMX; sitepackage.de",
    ),
    ReplyWords(
        role=WordRole.CLOSED,
        language="fr",
        words=(
            r"fermee?s?|supprimee?s?|desactivee?s?|resiliee?s?|cloturee?s?|archivee?s?|suspendue?s?|expiree?s?|inactif|inactive|"
            r"plus (?:active?|actif|utilisee?)"
        ),
        source="Orange OFR_416, OFR_417, OFR_418; La Poste; Free",
    ),
    ReplyWords(
        role=WordRole.CLOSED,
        language="es, it, pt",
        words=(
            r"deshabilitad[oa]|des?activad[oa]|desativad[oa]|eliminad[oa]|eliminat[oa]|cancelad[oa]|cancellat[oa]|cerrad[oa]|"
            r"suspendid[oa]|suspens[oa]|sospes[oa]|dad[oa] de baja|inactiv[oa]|inativ[oa]|expirad[oa]|disattivat[oa]|disabilitat[oa]|"
            r"chius[oa]|cessat[oa]|scadut[oa]|dismess[oa]|encerrad[oa]|removid[oa]|excluid[oa]|(?:non|non piu) attiv[oa]"
        ),
        source="Libero; Aruba; Movistar; UOL",
    ),
    ReplyWords(
        role=WordRole.CLOSED,
        language="pl, cs",
        words=r"usunie\w+|zamknie\w+|wylaczon\w+|dezaktywowan\w+|nieaktywn\w+|wygas\w+|zlikwidowan\w+|zrusen\w*",
        source="Onet; Interia",
    ),
    ReplyWords(
        role=WordRole.CLOSED,
        language="sv, no, da",
        words=(
            r"avslutad|avslutat|avsluttet|stang[dt]|stengt|nedlag[td]|slettet|raderad|borttag\w+|inaktiv\w*|deaktiver\w+|avaktiver\w+|"
            r"lukket|upphort|opphort|ophort|opsagt"
        ),
        source="Telia; Loopia; One.com",
    ),
    ReplyWords(
        role=WordRole.CLOSED,
        language="hu",
        words=r"megszunt\w*|torol\w*|letilt\w*|inaktiv|lezart\w*",
        source="Freemail.hu",
    ),
    ReplyWords(
        role=WordRole.FULL,
        language="en",
        words=r"full|over-?full|over ?quota|quota|over (?:(?:its|the|storage) )?(?:limit|size|storage|allotment)|storage|space left|excess|exceed\w*",
        source="Gmail; Yahoo; Exchange",
    ),
    ReplyWords(
        role=WordRole.FULL,
        language="nl, de",
        words=r"vol|overvol|quotum|voll|ue?berfue?llt|speicher\w*|kontingent",
        source="Ziggo; web.de; GMX",
    ),
    ReplyWords(
        role=WordRole.FULL,
        language="fr, es, it, pt",
        words=r"pleine?s?|saturee?s?|depassee?|llen[oa]|cuota|espacio|pien[oa]|spazio|esaurito|chei[oa]|cota|espaco",
        source="Orange; Libero; Movistar; UOL",
    ),
    ReplyWords(
        role=WordRole.FULL,
        language="pl, sv, no, da, hu",
        words=r"peln[aey]|przepeln\w+|pojemnosc\w*|fuld|kvot\w*|megtelt|tele|kvota",
        source="Onet; Telia; Freemail.hu",
    ),
)
