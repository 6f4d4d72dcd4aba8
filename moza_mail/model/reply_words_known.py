"""Common words and phrases in refusals of a recipient.

A reply with any other word is not fully understood, so it does not suppress the reader's address.
"""

from moza_mail.model.reply_word import ReplyWords, WordRole

KNOWN_WORDS = (
    ReplyWords(
        role=WordRole.PHRASE,
        language="en",
        words=(
            r"username|userid|final delivery|virtual (?:alias|mailbox|user)|any host by that name|all relevant mx records point to non-existent hosts|domain of (?:the )?recipient|answer from name server|expanded from|said|you (?:are|were) trying to|please try|error after|after rcpt to|if in error|(?:host|server|mx) said|remote host said|non-existent|did not send the message to (?:this|the) address|lookup failure(?=: host)|issued an error|error type|since|but this e-?mail address is|but it was rejected|but (?:rcpt|addr) does|(?:is|are|was) now|now (?:disabled|closed|inactive)|try again|permanent failure|failed permanently|(?:delivery|address) failure|all recipients|created automatically|(?:delivery|mail) software|send: rcpt to|recv|that you sent|smtp server sent|server sent|hmailserver sent|by (?:its|the) owner|you are writing to|have been processed by the mail server|no forwarding (?:information|address)(?: is available)?|extended inactivity|generated from|message generated|invalid domain|the domain is|check the domain|error message below|the error that|cause of this error|error message|error (?:code|text)|(?:is |in )use|user is not local|user not local|is not local|this location|(?:not )?listed in|mts-id|msexch|(?<=\()state|name or service not known|requested action|smtp error code|no mx record|(?:domain|host)(?= ?=?rdomain)|unknown host|service unavailable|follows|destination system address|receive e-?mails?|smtp service|other email provider|rcpt to response|response from|the remote server was|remote mailer|mail box|currently suspended|dovecot-lmtp|"
            r"(?:on|at|in|from|to|by) (?:this|our|the|your|that|its) (?:mail |e-?mail )?(?:server|system|host|site|domain|location|list|directory|name|address list)s?|"
            r"(?:by|with|under) (?:that|this) name|recipient name is|user name|account name|mailbox name|name of the (?:user|recipient)|no one here|"
            r"in (?:the )?(?:local|virtual|relay)? ?(?:mailbox |user |recipient |alias )*(?:table|list|directory|domino directory|map)|(?:public )?name (?:& |and )?address book|domino directory|validrcptto list|badrcptto list|in (?:my|our) \w+ list|"
            r"remote (?:mail ?|smtp )?(?:server|host|mta|system) (?:returned|said|says|rejected|replied|responded|answered)|remote (?:server|host)(?= \(?(?:ip|site))|(?:host|server)(?= <?(?:site|ip|rdomain))|other server returned|remote[- ]mta|remote host said|(?:host|server) ip says|smtp server|"
            r"name service error for name=\S* type=\w+|host or domain name|(?:host|domain) (?:name )?(?:is )?(?:not found|unknown|does(?:n't| not) exist|not reachable|invalid|does not accept mail)|unknown (?:host|domain)|no such (?:host|domain)|name server|dns (?:type|error|record|domain)|(?:mx|srv) records?|any host(?: named)?|(?:recipient|destination|mail|recipient's|of) (?:mail )?(?:domain|host)s?|domain(?= rdomain)|host/domain(?: name)?|domain name|for (?:the )?domain|(?:name|host|domain)(?= (?:is )?not found)|domain (?:named|called)|"
            r"delivery (?:to|of|failed|failure|error|attempts?|status|system|report|has failed)|mail delivery (?:system|software|failed|program|subsystem)|e-?mail (?:system|server)|permanent (?:fatal )?errors?|fatal errors?|errors?(?= ?(?:code|type|from|after|following|was|that|dd|:|-|')|$)|error_?code|error type|(?:address|smtp|lmtp|delivery) error|dns error|error dns|the error|(?:diagnostic|status|error|reply|bounce) code|responded with code|(?:following|original) message|local[- ]part|local (?:user|recipient|mailbox|module)|session follows|transcript of session|service mapped|resolve type|provider for further|state \d*|\(state|type mx|usersearch|address syntax|recipient syntax|(?:bad|invalid) (?:recipient )?address syntax|mail system|original message|message follows|delivered to mobile|mode: normal|response to|cannot receive mail|no longer receives mail|receive(?:s|d)? (?:e-?mail|mail)|private|configured|access denied|module|reports|call fwd"
        ),
        source="Letters about a missing recipient in sisimai/set-of-emails and thirteen other collections",
    ),
    ReplyWords(
        role=WordRole.PHRASE,
        language="nl, de, fr, es, it, pt, pl, sv, no, da, hu",
        words=(
            r"(?:op|bij|in) (?:deze|onze|dit|ons) (?:mail)?(?:server|domein|systeem)|met (?:deze|die) naam|"
            r"(?:auf|in|bei) (?:diesem|dem|unserem|dieser) (?:mail)?(?:server|system|domain)|(?:mit|unter) (?:diesem|dem) namen|"
            r"(?:sur|dans) (?:ce|le|notre) (?:serveur|domaine)|(?:de|a) ce nom|"
            r"en (?:este|el|nuestro) (?:servidor|dominio|sistema)|con (?:este|ese) nombre|n?este servidor|"
            r"(?:su|in) questo (?:server|dominio)|con questo nome|na (?:tym )?serwerze|o (?:tej|takiej) nazwie|"
            r"pa (?:denna|denne) server\w*|med (?:det|detta|dette) nam?v?n|ezen a szerveren|dns type"
        ),
        source="The same in other languages",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="en",
        words=(
            "a|an|the|this|that|these|those|to|for|of|at|in|into|on|by|with|and|or|is|are|was|were|be|been|has|have|had|does|do|did|"
            "doesn|don|didn|hasn|isn|wasn|couldn|aren|can|cannot|could|not|no|any|it|its|we|our|us|my|i|you|your|he|she|they|there|here|"
            "as|so|such|than|because|due|s|t|es|one|mr|mrs|unknown|unknwon|known|exist|exists|existing|existent|"
            "nonexistent|non|found|find|invalid|valid|validate|unavailable|unavaiable|available|inactive|active|disabled|deactivated|suspended|"
            "accept|accepts|accepting|storedrv|deliver|closed|deleted|removed|terminated|discontinued|expired|retired|cancell?ed|frozen|unallocated|illegal|bad|wrong|incorrect|"
            "undeliverable|undefined|obsolete|longer|anymore|left|moved|employed|works?|company|organi[sz]ation|inactivity|"
            "dosn|activated|unrecogni[sz]ed|recogni[sz]ed|unresolvable|resolved?|routed|rejected|rejecting|refused|"
            "denied|accepts?|accepted|received|deliver|delivered|destination|reach|reached|tried|returned|returning|bounced|"
            "failed|fatal|permanent|permanently|requested|action|aborted|taken|listed|domino|virtual|alias|"
            "aliases|mails?|emails?|e-?mail|e|messages?|smtp|esmtp|lmtp|dns|mx|srv|lookup|reasons?|reply|responded|says|final|following|"
            "follows|below|above|see|learn|about|information|info|further|details|technical|more|help|please|check|checking|double|verify|"
            "correct|correctly|spelling|typos?|misspelled|unnecessary|spaces|contact|contacting|postmaster|administrator|administratively|"
            "provider|google|recommend|cause|null|nullmx|nxdomain|noerror|according|answer|authoritative|generated|automatically|"
            "sorry|hi|customers?|person|employee|id|ref|reference|notify|gsmtp|nsmtp|psmtp|chkusr|chkuser|vpopmail|vdelivermail|"
            "hmailserver|dovecot|procmail|badrcptto|validrcptto|resolver|adr|msexch|ims|mts|imc|chkrcpt|usersearch|cuda|nsu|dd|nx|ofr|lpn|rcp|"
            "int|lib|unrouteable|infodomainnonexistent|additional|named|called|user|userid|got|(?<=not )like(?= recipient)|"
            "lives?|living|site|rdomain|ip|far enough|most progress|plr|fd|si|yahoo|outlook|hotmail|aol|gmail|microsoft|exchange|postfix|exim|"
            "sendmail|qmail|rfc|reachable|nor|nonexistentdomain|psi|lastattemptedservername|bounces?|verifier|amazon|ses|suppression|suppressed|"
            "previously|recent history of bouncing|marked|ok|will|while talking|eyou|mta|br|go|visit|explanation|ours|"
            "blocked(?= due to inactivity)|cuda_nsu|dear|hello|thanks?|thank|regards|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|"
            "aug|sep|oct|nov|dec|am|pm|attempts?|fwd|expanded|giving|up|error_code|rcpt_to|(?<=rcpt )(?:to )?command|"
            "(?<=to )command|command(?= rcpt)|indicated|envelope(?= recipient)|malformed(?= (?:or unexpected )?name server)|"
            "unexpected(?= name server)|connection(?= got far)|issued|replied|username|mail-?box|mm|locked(?= email bounced)|create|spool|var|"
            "correspondent|directly|mailer|daemon|diagnostic|administrators|weren|able"
        ),
        source="Letters about a missing recipient in sisimai/set-of-emails and thirteen other collections",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="nl",
        words=(
            "de|het|een|dit|deze|die|dat|er|is|zijn|was|werd|wordt|worden|kan|kon|niet|meer|op|onder|met|van|voor|aan|in|bij|en|of|u hebt (?:opgegeven|ingevoerd)|als|bestaat|"
            "opgegeven|ingevoerde|hier|gevonden|persoon|werkt|werkzaam|geldig|gebruik|dienst|actief|bericht|bezorgd|afgeleverd|sorry|helaas|mail"
        ),
        source="Exchange in Dutch; Ziggo; KPN",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="de",
        words=(
            "der|die|das|den|dem|des|ein|eine|einen|einem|dieser|diese|dieses|diesem|diesen|ist|sind|war|wurde|wird|werden|konnte|nicht|mehr|auf|unter|mit|von|"
            "fur|fuer|an|in|im|bei|und|oder|es|sie eingegeben haben|gibt|hier|angegebene|angegebenen|angeschriebene|nachricht|zugestellt|unzustellbar|"
            "leider|mail|erreichbar|keine?n?|vom|existiert|dauerhaft"
        ),
        source="Exchange in German; web.de; GMX",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="fr",
        words=(
            "le|la|les|l|un|une|ce|cet|cette|ces|est|sont|a|ete|n|pas|plus|ne|du|de|d|des|au|aux|en|dans|sur|sous|avec|par|pour|et|ou|il|y|"
            r"bloque(?=\. the recipient)|(?<=bloque\. the recipient account is )blocked|lettres|electronique|ci-dessus|verifier|orthographe|veuillez|courriel|mail|message|moins|desole|definitivement|vous avez (?:saisie?|entree)|que"
        ),
        source="Exchange in French; Orange; La Poste",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="es, it, pt",
        words=(
            "el|la|los|las|lo|il|gli|le|o|os|as|un|una|um|uma|este|esta|ese|esa|esse|essa|questo|questa|es|son|ha|sido|fue|foi|stato|stata|no|non|nao|se|si|en|em|"
            "de|del|do|da|di|della|con|com|por|per|para|su|y|e|ou|ya|correo|electronico|posta|elettronica|postal|mensaje|"
            "existe|hay|esiste|nessun|ningun|nenhum|destino|destinazione|invalido|piu|mas|mais|falta|uso"
        ),
        source="Libero; Aruba; Movistar; UOL",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="pl, cs",
        words="ten|ta|to|tego|takiego|takiej|taki|nie|jest|zostalo|zostala|zostal|ma|o|w|na|z|podany|podane|istnieje|e|mail|niedostepne",
        source="Onet; Interia; Seznam",
    ),
    ReplyWords(
        role=WordRole.KNOWN,
        language="sv, no, da, hu",
        words=(
            "den|det|en|et|ett|denna|denne|detta|dette|ar|er|har|blivit|blitt|blev|ble|ej|inte|ikke|pa|i|med|til|till|for|av|af|som|"
            "post|mail|a|az|ez|ezen|egy|nem|van|volt|lett|ilyen"
        ),
        source="Telia; Loopia; One.com; Freemail.hu",
    ),
)
