"""Plain words of refusals that are about a recipient.

A reply with other words is not understood completely, so it takes no reader away.
"""

from moza_mail.model.reply_word import ReplyWords, WordRole

KNOWN_WORDS = (
    ReplyWords(
        role=WordRole.KNOWN,
        language="en",
        words=(
            "a|an|the|this|that|these|those|to|for|of|at|in|into|on|by|with|from|and|or|but|is|are|was|were|be|been|has|have|had|does|do|did|"
            "doesn|don|didn|hasn|isn|wasn|couldn|aren|can|cannot|could|would|not|no|any|it|its|we|our|us|my|i|you|your|he|she|they|there|here|"
            "as|if|so|such|than|because|due|which|who|since|via|s|t|es|one|mr|mrs|"
            "unknown|unknwon|known|exist|exists|existing|existent|nonexistent|non|found|find|invalid|valid|validate|unavailable|unavaiable|available|inactive|active|"
            "disabled|deactivated|suspended|closed|deleted|removed|terminated|discontinued|expired|retired|cancell?ed|frozen|unallocated|"
            "illegal|bad|wrong|incorrect|undeliverable|undefined|obsolete|longer|anymore|left|moved|employed|works?|working|company|organi[sz]ation|"
            "inactivity|extended|deactivation|dosn|now|never|activated|unrecogni[sz]ed|recogni[sz]ed|unresolvable|resolved?|routed|"
            "rejected|rejecting|refused|denied|access|accepts?|accepted|receive|received|receiving|deliver|delivered|delivery|destination|reach|reached|tried|"
            "try|trying|sent|returned|returning|bounced|failed|failure|fatal|permanent|permanently|errors?|requested|action|aborted|taken|not|listed|list|"
            "table|directory|domino|book|public(?= (?:name|address))|names?|local|virtual|alias|aliases|part|map|maps|remote|hosts?|hosted|servers?|system|services?|mails?|emails?|"
            "e-?mail|e|messages?|smtp|esmtp|lmtp|dns|mx|srv|records?|domains?|lookup|type|codes?|reasons?|reply|response|responded|said|says|reports?|state|"
            "status|final|original|originally|following|follows|below|above|see|learn|about|information|info|further|details|technical|more|help|please|check|"
            "checking|double|verify|correct|correctly|spelling|typos?|misspelled|unnecessary|spaces|again|contact|contacting|postmaster|administrator|"
            "administratively|provider|google|recommend|cause|other|session|transcript|null|nullmx|nxdomain|noerror|according|answer|authoritative|"
            "generated|automatically|created|software|sorry|hi|customers?|person|employee|our|id|ref|reference|problem|notify|"
            "gsmtp|nsmtp|psmtp|chkusr|chkuser|vpopmail|vdelivermail|hmailserver|dovecot|procmail|badrcptto|validrcptto|resolver|adr|msexch|ims|mts|imc|"
            "chkrcpt|usersearch|cuda|nsu|dd|nx|ofr|lpn|rcp|int|lib|unrouteable|infodomainnonexistent|additional|mode|normal|forwarding|named|called|"
            "user|userid|mobile|syntax|format|got|get|(?<=not )like(?= recipient)|all|lives?|living|site|rdomain|ip|"
            "far enough|most progress|plr|fd|si|yahoo|outlook|hotmail|aol|gmail|microsoft|exchange|postfix|exim|sendmail|qmail|"
            "rfc|reachable|nor|has|nonexistentdomain|psi|configured|private|lastattemptedservername|bounces?|verifier|record|"
            "amazon|ses|suppression|suppressed|previously|recent history of bouncing|marked|ok|will|processed|while talking|eyou|mta|br|go|visit|explanation|owner|ours|use|used|marked|writing|blocked(?= due to inactivity)|cuda_nsu|dear|hello|thanks?|thank|regards|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|am|pm|after|attempts?|send|recv|module|call|fwd|expanded|location|giving|up|error_code|rcpt_to|(?<=rcpt )(?:to )?command|(?<=to )command|command(?= rcpt)|indicated|envelope(?= recipient)|malformed(?= (?:or unexpected )?name server)|unexpected(?= name server)|connection(?= got far)|issued|replied|username|aaaa|mail-?box|mm|locked(?= email bounced)|create|spool|var|correspondent|directly|mailer|daemon|program|generating|diagnostic|administrators|couldn|wasn|weren|able"
        ),
        source="Letters about a missing recipient in sisimai/set-of-emails and thirteen other collections",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="nl",
        words=(
            "de|het|een|dit|deze|die|dat|er|is|zijn|was|werd|wordt|worden|kan|kon|niet|meer|op|onder|met|van|voor|aan|in|bij|en|of|u hebt (?:opgegeven|ingevoerd)|als|bestaat|"
            "opgegeven|ingevoerde|naam|hier|server|domein|gevonden|persoon|werkt|werkzaam|geldig|gebruik|dienst|actief|bericht|bezorgd|afgeleverd|reden|fout|foutcode|sorry|helaas|mail"
        ),
        source="Exchange in Dutch; Ziggo; KPN",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="de",
        words=(
            "der|die|das|den|dem|des|ein|eine|einen|einem|dieser|diese|dieses|diesem|diesen|ist|sind|war|wurde|wird|werden|konnte|nicht|mehr|auf|unter|mit|von|"
            "fur|fuer|an|in|im|bei|und|oder|es|sie eingegeben haben|gibt|hier|angegebene|angegebenen|angeschriebene|server|domain|namen?|nachricht|zugestellt|unzustellbar|fehler|"
            "leider|mail|erreichbar|keine?n?|vom|existiert|dauerhaft"
        ),
        source="Exchange in German; web.de; GMX",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="fr",
        words=(
            "le|la|les|l|un|une|ce|cet|cette|ces|est|sont|a|ete|n|pas|plus|ne|du|de|d|des|au|aux|en|dans|sur|sous|avec|par|pour|et|ou|il|y|nom|serveur|domaine|"
            r"bloque(?=\. the recipient)|(?<=bloque\. the recipient account is )blocked|lettres|electronique|ci-dessus|verifier|orthographe|veuillez|courriel|mail|message|moins|erreur|desole|definitivement|vous avez (?:saisie?|entree)|que"
        ),
        source="Exchange in French; Orange; La Poste",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="es, it, pt",
        words=(
            "el|la|los|las|lo|il|gli|le|o|os|as|un|una|um|uma|este|esta|ese|esa|esse|essa|questo|questa|es|son|ha|sido|fue|foi|stato|stata|no|non|nao|se|si|en|em|"
            "de|del|do|da|di|della|con|com|por|per|para|su|y|e|ou|ya|correo|electronico|posta|elettronica|postal|servidor|server|dominio|mensaje|nombre|nome|error|errore|"
            "existe|hay|esiste|nessun|ningun|nenhum|destino|destinazione|invalido|piu|mas|mais|falta|uso"
        ),
        source="Libero; Aruba; Movistar; UOL",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="pl, cs",
        words="ten|ta|to|tego|takiego|takiej|taki|nie|jest|zostalo|zostala|zostal|ma|o|w|na|z|serwer|serwerze|domena|nazwa|nazwie|podany|podane|istnieje|e|mail|niedostepne",
        source="Onet; Interia; Seznam",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="sv, no, da, hu",
        words=(
            "den|det|en|et|ett|denna|denne|detta|dette|ar|er|har|blivit|blitt|blev|ble|ej|inte|ikke|pa|i|med|til|till|for|av|af|som|na(?:vn|mn)|server|doma?n|"
            "domene|post|mail|a|az|ez|ezen|egy|nem|van|volt|lett|ilyen|szerver|szerveren|nev|domain"
        ),
        source="Telia; Loopia; One.com; Freemail.hu",
    ),
)
