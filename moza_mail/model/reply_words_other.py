"""Words about anything other than a recipient: the sender, the server, the message, a policy, a temporary fault."""

from moza_mail.model.reply_word import ReplyWords, WordRole

OTHER_WORDS = (
    ReplyWords(
        role=WordRole.SENDER,
        language="en",
        words=(
            r"senders?|sending|originat\w+|origin|return[ -]?paths?|return(?:ing)? (?:e-?mail )?(?:address|domain|mailbox)|"
            r"reverse[ -]?path|bounces?(?: to| address| domain| mailbox)|envelope(?! recipient)|mail[ -]from|from[ -](?:address|header|domain|alias|line)|"
            r"(?:mail|email|message|sending|mailed|sent)\w* from (?:the |this |an? |your |unknown )*(?:domain|account|mailbox|address|user|host|addr\b)|"
            r"sending from|in (?:the )?(?:from|mail)|mail command|reply-to|errors-to|author|submitt\w+|submissions?|(?:who|that|which) sent|sent this|call-?outs?|call-?backs?|back-check|mx of"
        ),
        source="Exim callouts; Postfix reject_unverified_sender; Sendmail; hosting panels",
    ),
    ReplyWords(
        role=WordRole.SENDER,
        language="nl",
        words=r"afzend\w+|verzend\w+|retouradres\w*|herkomst",
        source="Exchange in Dutch; TransIP; Hostnet",
    ),
    ReplyWords(
        role=WordRole.SENDER,
        language="de",
        words=r"absende\w+|versender\w*|versand\w*|sende\w*(?:adresse|domain)|sendende[rn]?|rue?cksende\w*|herkunft",
        source="Exchange in German; Strato; IONOS",
    ),
    ReplyWords(
        role=WordRole.SENDER,
        language="fr",
        words=r"expedit\w+|emett\w+|adresse (?:source|de retour)|(?:adresse|domaine) d'envoi|(?<!message d')origine|provenance",
        source="Exchange in French; OVH; Orange 405",
    ),
    ReplyWords(
        role=WordRole.SENDER,
        language="es, it, pt",
        words=r"remitente|remetente|emisor|mittent\w+|origen|origem|procedencia|provenienza|(?:dominio|direccion|indirizzo|endereco) (?:de|di) (?:envio|invio)",
        source="Aruba; Arsys; Locaweb",
    ),
    ReplyWords(
        role=WordRole.SENDER,
        language="pl, cs",
        words=r"nadawc\w+|zwrotn\w+|odesilatel\w*",
        source="home.pl; Onet",
    ),
    ReplyWords(
        role=WordRole.SENDER,
        language="sv, no, da, fi",
        words=r"avsandar\w*|avsender\w*|afsender\w*|returadress\w*|lahettaj\w*",
        source="Telia; One.com",
    ),
    ReplyWords(
        role=WordRole.SENDER,
        language="hu",
        words=r"felado\w*|kuldo\w*",
        source="Freemail.hu",
    ),
    ReplyWords(
        role=WordRole.CUSTOMER,
        language="en",
        words=(
            r"your (?!recipient|message|contact|address ?book)(?:[a-z0-9'-]+ ){0,3}?(?:accounts?|mailbox|address|domain|hosts?|hostname|servers?|"
            r"mail exchanger|mx|tenant|organi[sz]ation|company|subscription|plan|service|user|login|contract|network|ip|mta|name)|for you|"
            r"you (?:are (?:not|on|sending|using)|exist|must|have (?:sent|exceeded|not)|mailed|use[ds]?|need)|"
            r"(?<!not our )(?<!longer a )(?<!not a )(?:customers?|clients?)|tenants?|subscription|licen[sc]e|contract|invoice|billing|payment|hosting|reseller|"
            r"sub-?(?:account|user)|api|tokens?|credentials?|passwords?|log ?in|logged in|logins?|dashboard|control panel|"
            r"project|smart ?host|prepaid|trial|(?:provider|server|system|service|gateway|your provider) (?:account|user)|sandbox|abuse team|this service|verification|account (?:is )?under review"
        ),
        source="SES; SendGrid; Mailgun; Postmark; cPanel",
    ),
    ReplyWords(
        role=WordRole.CUSTOMER,
        language="nl",
        words=(
            r"(?:uw|je|jouw|jullie) (?:[a-z-]+ )?(?:account|\w*domein\w*|e-?mailadres|adres|mailbox|postvak|abonnement|hosting\w*|"
            r"\w*server|ip-?adres|pakket|gebruiker)|klant\w*|hosting\w*|wachtwoord|ingelogd|abonnement|smtp-\w+"
        ),
        source="TransIP; Hostnet; Antagonist",
    ),
    ReplyWords(
        role=WordRole.CUSTOMER,
        language="de",
        words=(
            r"(?:ihre?[mnrs]?|deine?[mnrs]?|euer|eure?[mnrs]?) (?:[a-z-]+ )?(?:\w*konto|\w*account|\w*domain|\w*adresse|postfach|mailbox|\w*server|"
            r"vertrag|tarif|paket|benutzer\w*)|kunde\w*|passwort|anmeld\w*|eingeloggt|zugangsdaten|smtp-\w+"
        ),
        source="Strato; IONOS; Hetzner",
    ),
    ReplyWords(
        role=WordRole.CUSTOMER,
        language="fr",
        words=(
            r"(?:votre|vos|ton|ta|tes) (?:[a-z-]+ )?(?:comptes?|domaine|adresse|boite|messagerie|abonnement|serveur|ip|hebergement|identifiant)|"
            r"client|mot de passe|identifiant|abonnement|(?:compte|utilisateur) smtp"
        ),
        source="OVH; Gandi",
    ),
    ReplyWords(
        role=WordRole.CUSTOMER,
        language="es, it, pt",
        words=(
            r"(?:sus?|tus?|vuestr[oa]|tuo|suo|vostro|tua|sua|vostra|seu|teu|vossa) (?:cuenta|dominio|direccion|buzon|servidor|ip|suscripcion|account|usuario|utente|utilizador|"
            r"indirizzo|casella|server|abbonamento|conta|endereco|caixa)|clienti?|clientes?|contrasena|falta de pago|senha|(?:usuario|utente|utilizador) smtp"
        ),
        source="Aruba; Arsys; Locaweb",
    ),
    ReplyWords(
        role=WordRole.CUSTOMER,
        language="pl, sv, no, da, hu",
        words=(
            r"(?:twoj\w*|panstwa|pana|wasz\w*) (?:konto|domen\w+|adres|skrzynk\w+|serwer)|klient\w*|haslo|"
            r"(?:ditt?|din|dina|ert?) (?:konto|doman|domae?ne|\w*adress\w*|brevlada|server|postkasse)|(?:kontoen|domenet|adressen|serveren) (?:din|ditt)|"
            r"losenord|passord|adgangskode|kunde\w*|az on \w+|fiokja|domainje|jelszo"
        ),
        source="home.pl; Loopia; One.com; Freemail.hu",
    ),
    ReplyWords(
        role=WordRole.SENDING,
        language="en",
        words=(
            r"relay\w*(?!=)|outgoing|outbound|smtp (?:user|account|access|delivery|auth|client|relay)|(?:to|can(?:not|'t)) (?:send|mail)\b|"
            r"send(?:ing)? (?:limit|rate)|authenticat\w*|authori[sz]\w+|permissions?|permitted|helo|ehlo|ptr|reverse dns|rdns|spf|dkim|"
            r"dmarc|certificate|tls|<site\[ip\]>|ip[- ]?ad\w+|(?:adresse|direccion|indirizzo|endereco|adres) ip|sni|no a record|valid mx"
        ),
        source="RFC 4954; RFC 7208; SES; cPanel",
    ),
    ReplyWords(
        role=WordRole.SENDING,
        language="nl, de",
        words=r"versturen|verstuurd|uitgaande?\w*|gemachtigd|versenden|verschicken|ausgehend\w*|postausgang|(?:zu|zum) senden|authentifizier\w*",
        source="TransIP; Strato",
    ),
    ReplyWords(
        role=WordRole.SENDING,
        language="fr, es, it, pt",
        words=(
            r"envois|trop d'envoi\w*|envoi (?:interdit|impossible|bloque|de (?:spam|mails?))|d'envoi|sortante?s?|authentification|saliente|envios?|(?:para|puede) enviar|in uscita|"
            r"invio|inviare|autenticazione|autenticacion|autenticacao|saida"
        ),
        source="OVH; Aruba; Arsys; Locaweb",
    ),
    ReplyWords(
        role=WordRole.SENDING,
        language="pl, sv, no, da, hu",
        words=r"wychodzac\w+|wysyla\w+|wyslan\w+|utgaende|udgaende|utskick|(?:kan|kunne) ikke sende|skicka|kimeno|kuldes\w*",
        source="home.pl; Loopia; One.com; Freemail.hu",
    ),
    ReplyWords(
        role=WordRole.LATER,
        language="en",
        words=(
            r"temporar\w+|transient|later|retry|moment|currently (?!available|suspended)\w*|right now|for now|yet|maintenance|migrat\w+|"
            r"being (?:moved|migrated|created|restored|upgraded)|move|restore\w*|backup|(?:on hold|paused?|until|tomorrow|resumes?|this week|"
            r"further notice)|busy|(?<!no such )(?:user|mailbox|recipient|account|address|it) (?:exists|is known|is valid)|(?:unknown|recipient|mailbox|user|account) error|error (?:for|at|in) (?:the )?(?:user|recipient|mailbox)|service (?:is )?not available|(?<!local )(?<!virtual )(?:user|alias|mailbox|recipient|account)(?:'s)? (?:mail )?(?:map|table|type|server|database|store)|(?:mailbox|maildir|file|user|temporarily) (?:is )?locked|locked (?:by|while|for)|locks?|another (?:process|session)|in use by|time[ds]?[ -]?outs?|"
            r"(?:database|directory|backend|ldap|sql|mapping service) (?:error|lookup|connection|server|is|down|currently|not sync\w+|search)|"
            r"(?:directory|internal|sql|server|configuration|system|lookup|temporary) (?:error|failure(?!: host)|problem|fault)|"
            r"un?reachable|offline|down|outage|misconfigur\w+|unable to verify|cannot look ?up|(?:user|recipient|directory) lookup|lookup (?:of (?!\S+ responded)|failed)|verification (?:server|failed)|"
            r"decommission\w*|disk|mount|i/o|output file|mailbox (?:file|path|server)|in progress|synchroni[sz]\w+|frozen while|"
            r"from \d+ to \d+|will be closed"
        ),
        source="Postfix; Exim; Dovecot; Exchange; Cyrus",
    ),
    ReplyWords(
        role=WordRole.LATER,
        language="nl",
        words=r"tijdelijk\w*|momenteel|op dit moment|later|onderhoud|storing|wordt .{0,30}verplaatst|migratie",
        source="Ziggo; KPN",
    ),
    ReplyWords(
        role=WordRole.LATER,
        language="de",
        words=(
            r"vorue?bergehend\w*|zeitwei\w+|derzeit|zurzeit|momentan|im moment|gerade|wartung\w*|spae?ter|umgezogen|datenbank\w*|"
            r"verzeichnisdienst\w*|stoe?rung"
        ),
        source="web.de; GMX; Strato",
    ),
    ReplyWords(
        role=WordRole.LATER,
        language="fr",
        words=(
            r"temporair\w+|provisoire\w*|momentane\w*|actuellement|pour le moment|en cours|maintenance|migration|plus tard|"
            r"ulterieur\w*|reessay\w+|base de donnees|annuaire|indisponible"
        ),
        source="Orange; Free; OVH",
    ),
    ReplyWords(
        role=WordRole.LATER,
        language="es, it, pt",
        words=(
            r"temporal\w*|temporar\w*|temporane\w*|provisional\w*|momentane\w*|momento|mantenimiento|manutenzione|manutencao|mas tarde|mais tarde|"
            r"piu tardi|riprov\w+|base de da[td]os|directorio|migra(?:cion|zione|cao)|attualmente|errore (?:del|di) (?:server|sistema|database)|"
            r"fallo|falha"
        ),
        source="Libero; Aruba; Movistar; UOL",
    ),
    ReplyWords(
        role=WordRole.LATER,
        language="pl",
        words=r"tymczasow\w+|chwilow\w+|obecnie|konserwac\w+|w trakcie|pozniej|baz[ay] danych|przerw\w+|migracj\w+",
        source="Onet; home.pl",
    ),
    ReplyWords(
        role=WordRole.LATER,
        language="sv, no, da, hu",
        words=(
            r"tillfallig\w*|midlertidig\w*|for (?:tillfallet|oyeblikket|ojeblikket)|i ojeblikket|underhall|vedlikehold\w*|vedligehold\w*|senare|"
            r"senere|databas\w*|katalog\w*|atmeneti\w*|ideiglenes\w*|jelenleg|karbantart\w*|kesobb"
        ),
        source="Telia; One.com; Freemail.hu",
    ),
    ReplyWords(
        role=WordRole.CHOICE,
        language="en",
        words=(
            r"external|internet|(?:from )?outside|newsletters?|bulk|marketing|from mailing lists|mailing list mail|"
            r"(?:unknown|known|unapproved|foreign) (?:senders?|contacts?|correspondents?|sources?|country)|internal users|non-members|"
            r"members only|refuse[sd]?|blocked (?:you|by)|you[r ].{0,40}blocked|(?:to|or) block(?:ed)?|(?:unknown|invalid|bad|nonexistent) (?:users|recipients|addresses|accounts|mailboxes)|polic\w+|prohibit\w*|restrict\w+|filters?|rules?|preferences|"
            r"wanted|your (?:mails|newsletters?|recipients|list|mailing)|(?:allow|white) ?-?list|country|geo-?ip|parental|rejected by (?:the |this )?(?:user|recipient(?! domain)|polic|filter)\w*|spam\w*|virus|malware|phish\w*|scam|traps?|honeypot|"
            r"harvest|reputation|hygiene|rate|too many|challenge|only accepts|does not accept messages|access denied or|or access denied|"
            r"(?:messages|mail) (?:are|is|has been) disabled|ipv6|no longer wishes"
        ),
        source="Exchange transport rules; Mimecast; Proofpoint; Yahoo",
    ),
    ReplyWords(
        role=WordRole.CHOICE,
        language="nl, de",
        words=(
            r"nieuwsbrie\w*|mailings?|reclame|extern\w*|heeft u geblokkeerd|geweigerd|\w*spam\w*|beleid|te veel|wil geen|newsletter|werbung|"
            r"richtlinie\w*|wue?nscht|nimmt keine|verweigert"
        ),
        source="Ziggo; KPN; web.de; GMX",
    ),
    ReplyWords(
        role=WordRole.CHOICE,
        language="fr, es, it, pt",
        words=(
            r"lettres? d'information|newsletters?|publicit\w+|publicidad\w*|pubblicita|extern[aeo]s?|externes?|estern\w+|n'accepte pas|refuse|indesirable|"
            r"politi[cq]\w+|boletin\w*|no acepta|non accetta|nao aceita|spam|trop de|demasiad\w+"
        ),
        source="Orange; Libero; Movistar; UOL",
    ),
    ReplyWords(
        role=WordRole.CHOICE,
        language="pl, sv, no, da, hu",
        words=(
            r"newsletter\w*|reklam\w*|zewnetrzn\w+|nie przyjmuje|nyhetsbrev|nyhedsbrev\w*|extern\w*|ekstern\w*|tar (?:inte|ikke) (?:emot|imot)|"
            r"modtager ikke|spam\w*|hirlevel\w*|kulso|nem fogad"
        ),
        source="Onet; Telia; One.com; Freemail.hu",
    ),
    ReplyWords(
        role=WordRole.CONTENT,
        language="en",
        words=(
            r"(?:hyper)?links?|urls?|uri|images?|pictures?|attachments?|headers?|message-id|list-\w+|unsubscribe|footer|"
            r"(?:in|of) (?:the |this )?(?:body|message|text|letter)|(?:this |the )?message (?:mentions|refers|contains|claims)|message headers|"
            r"signature|selector|character set|charset|content(?! filter agent)|landing page|web ?site|parser|malformed (?:header|message|mime|to|from)|target of|tracking host|bimi|arc seal"
        ),
        source="Rspamd; SpamAssassin; Mimecast; SES",
    ),
    ReplyWords(
        role=WordRole.CONTENT,
        language="nl, de",
        words=r"afbeelding|in (?:dit|het|uw) bericht|website|im text|bild|webseite",
        source="Rspamd in translation",
    ),
    ReplyWords(
        role=WordRole.CONTENT,
        language="fr, es, it",
        words=r"lien|dans le message|enlace|collegamento",
        source="Rspamd in translation",
    ),
    ReplyWords(
        role=WordRole.NEUTRAL,
        language="en",
        words=(
            r"return(?:ed|ing)?(?: (?:the )?(?:message|mail))? to (?:the )?sender|(?:sender|absender) (?:is |was |has been )?(?:not )?(?:notified|informed)|"
            r"(?:notify|inform|tell) the sender|relay recipient table|relay=\S*|"
            r"is currently available|suppressed sending to|mail exchanger or ip address|suppression list for your account|content filter agent|hosted tenant|(?:double-)?check\w* the recipient's"
        ),
        source="Postfix; AOL; Exchange; Sendmail",
    ),
    ReplyWords(
        role=WordRole.NEUTRAL,
        language="nl, de, fr, es, it",
        words=(
            r"(?:retour|naar|aan)(?: aan)?(?: de)? afzender|(?:an den absender zurue?ck|zurue?ck an (?:den )?absender)|"
            r"retour a l'expediteur|devuelto al remitente|restituit[oa] al mittente"
        ),
        source="Sisimai; KPN; Exchange in German",
    ),
)
