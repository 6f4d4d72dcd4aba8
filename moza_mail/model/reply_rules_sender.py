"""Rules for refusals that are about the sender.

Such refusals are about our address, our rights, relaying, authentication or our host name. These rules are tried before the
rules about the reader, so that a reader is never blamed for a mistake of ours.
"""

from moza_mail.model.reply_rule import ReplyRule
from moza_mail.model.verdict import Verdict

SENDER_NOUNS = (
    r"(?:return|reverse)[ -]?path|envelope[ -](?:sender|from)|mail[ -]from(?! ?(?:\[?ip\b|you|this|the))|from[ -](?:address|header|domain)|originator|"
    r"sender(?:'s)?[ -](?:account|mailbox|address|domain|user|host|name)|sending (?:account|domain|address|user|mailbox)|"
    r"your (?:e-?mail |sending |sender |own )*(?:account|mailbox|address|domain|host ?name|hostname|organi[sz]ation|tenant)\b|"
    r"\b(?:helo|ehlo)\b|"
    r"(?<!retour )(?<!naar )afzender\w*|(?<!den )absender\w*|exp[eé]diteur|[eé]metteur|mittente|remitente|remetente|"
    r"nadawc\w*|avs[äae]nder\w*"
)
"""Words for the sender of a message, its address and its account."""

PROBLEMS = (
    r"unknown|not (?:be )?(?:found|known|valid|verified|exist)|does(?:n't| not) (?:exist|resolve)|invalid|has no\b|no such|"
    r"unavailable|disabled|inactive|suspended|locked|closed|expired|deactivated|terminated|blocked|full\b|quota|"
    r"onbekend|bestaat niet|ongeldig|unbekannt|existiert|ung[uü]ltig|gesperrt|inconnu|inexist|invalide|d[eé]sactiv|"
    r"sconosciut|inesist|desconoc|desconhec|no existe|n[aã]o existe|inv[aá]lid|nie istnieje|ok[aä]nd|ukjent|ukendt"
)
"""Words for an address or account that does not exist or does not work."""

SENDER_RULES = (
    ReplyRule(
        name="recipient_rate_or_loop",
        verdict=Verdict.TEMPORARY,
        words=(
            r"receiving mail (?:too quickly|at a rate)|rate that prevents|recipient thread limit|"
            r"exceeded their limit|recipient's per hour message receive limit exceeded|hop count|"
            r"too many hops|mail ?loop|loops back|routing loop|message is looping|mxloopback|"
            r"points to local host"
        ),
        source="Gmail support 3726730; OfficeDocs-Exchange",
        seen="2025-02-23",
    ),
    # A group or mailbox that refuses us does exist, so the address is not unknown.
    ReplyRule(
        name="closed_group",
        verdict=Verdict.POLICY,
        words=(
            r"resolver\.rst\.(?:auth|notauth|sender|restricted)|not authenticated (?:by|for|to send to)|"
            r"sender not in allowed|sender was not authenticated|delivery not authorized|"
            r"not authori[sz]ed to send (?:e-?mail |messages? )?to (?:this|the|that) |"
            r"does not accept (?:e-?mail|mail|messages?) from you|"
            r"only accepting mail from|members-only|not allowed to post|not subscribed to this group|"
            r"sender not pre-approved|closed mailing list|recipient preferences|rcp-p[23]\b|"
            r"refuse[sd]? to (?:receive|accept)|refused to receive|was rejected by (?:this|the) user|"
            r"rejected by a remote mail server"
        ),
        is_kept_by_4xx=True,
        source="OfficeDocs-Exchange 5.7.12, .124, .133-.136",
        seen="2021-07-14",
    ),
    # The TLS of the reader's server does not work. Its operator may repair it.
    ReplyRule(
        name="recipient_tls",
        verdict=Verdict.TEMPORARY,
        status=r"[45]\.4\.(?:8|317)|[45]\.7\.(?:5|32[1-4])",
        words=r"mta-sts|starttls|tls|certificate|dane|dnssec|tlsa",
        source="OfficeDocs-Exchange NDR list (DANE, MTA-STS)",
        seen="2025-02-23",
    ),
    ReplyRule(
        name="sender_address",
        verdict=Verdict.SENDER_FAULT,
        words=(
            r"sender(?:'s)?(?: email| ip)? (?:address |domain |verif[a-z]+ )*(?:is )?(?:rejected|refused|"
            r"denied|invalid|failed|empty|not (?:found|valid|allowed|accepted)|does not exist|"
            r"resolve fail|unknown)|sender verif|verification failed for <(?!rcpt)|sender was rejected|"
            r"bad outbound sender|domain of sender address|invalid (?:envelope )?sender|emetteur invalide|"
            r"unauthori[sz]ed sender|unknown sender|bogus mail from|envelope sender domain must exist|unresolvable rfc|"
            r"unresolvable.{0,20}from domain|valid sender domain|bad sender|unroutable sender|"
            r"sender domain|sender .{1,80} has no a, aaaa|mail from must|from: domain is invalid|"
            r"callback verification failed|callout.{0,30}sender|from address does not match|"
            r"header from domain is invalid|mxin619|dns-[pt][12]\b"
        ),
        source="Postfix reject_unlisted_sender, reject_unknown_sender_domain, reject_unverified_sender; Exim callout; Sendmail; Orange 405",
        seen="2026-08-22",
    ),
    ReplyRule(
        name="rate_words",
        verdict=Verdict.THROTTLED,
        words=(
            r"too many (?:concurrent |open |simultaneous |smtp )*(?:connections|sessions|recipients|"
            r"messages|mails?|errors)|concurrent connections|connection rate limit|"
            r"maximum number of connections|"
            r"(?:max(?:imum)?|peak) (?:sending|smtp relay|connection)[a-z ]* (?:rate|limit)|"
            r"throttling failure|trop de connexions|slow(?:er| down)|too much mail|throttled\b|rate limit|"
            r"rate-limit|temporarily rate|unusual rate|exceeded (?:permitted|connection)|sent too many|"
            r"too many messages|received too many messages|(?:has )?sent to too many|threads? limit|"
            r"excessive (?:volume|message rate)|ib(?:504|510|607|007|605|101)\b|\brp-00\d|\bdyn:t\d|"
            r"rly:b[12]\b|\[ts+[0-9]+\].{0,120}temporarily|temporarily deferred|unexpected volume|"
            r"server busy|ports are busy|max message per connection|message threshold exceeded|mail volume|"
            r"receive limit from specific sender|ofr_?(?:005_)?(?:999|104|105)|lpn(?:027)_503|cxcnct|"
            r"cxmxrt|con-t\d|msg-t1"
        ),
        source="Postfix anvil; SES; Yahoo TSS; Outlook RP/S775; Orange OFR; GoDaddy IB; Cox; Facebook",
        seen="2026-07-20",
    ),
    ReplyRule(
        name="rate_status",
        verdict=Verdict.THROTTLED,
        status=r"4\.7\.(?:28|500|6[0-9]{2})|5\.2\.121|5\.7\.508",
        source="Gmail; OfficeDocs-Exchange fix 4.7.500-699",
        seen="2025-02-23",
    ),
    ReplyRule(
        name="authentication_code",
        verdict=Verdict.SENDER_FAULT,
        code=r"53[0458]",
        # Some old gateways write `534 SIZE=Message too big` and mean 5.3.4.
        words=r"^(?!.*(?:\bsize\b|too (?:big|large)))",
        source="RFC 4954 section 6: 530, 534, 535, 538",
        seen="2007",
    ),
    # Must follow `closed_group`: such a group may also call the sender "not authenticated".
    ReplyRule(
        name="authentication_words",
        verdict=Verdict.SENDER_FAULT,
        code=r"(?!4)",
        words=(
            r"authentication (?:is )?(?:required|failed|failure|unsuccessful|credentials|invalid|"
            r"not enabled)|authentif?ication (?:requise|invalide)|not authenticated|smtp auth|"
            r"auth(?:entication)? (?:required|needed)|auth failed|client does not have permission|"
            r"must issue a starttls|session encryption|requires? (?:encryption|tls)|no valid cert|"
            r"username and password not accepted|log ?in with your web browser|"
            r"application-specific password|invalid credentials|your ip .{0,40}not in our database|"
            r"unauthorized ip|you are not authorized to send|submitter failed|mail sending denied|"
            r"incorrect authentication data|no identity changes|not allowed to use this sender|sender does not match the authenticated|not authorized to send email directly|"
            r"tls version|high-strength ciphers|to use tls|sender email is not in my domain|"
            r"mail from is mismatched|provide a valid from"
        ),
        source="RFC 4954; Gmail; OfficeDocs-Exchange; OFR_305, LPN_402",
        seen="2025-02-23",
    ),
    ReplyRule(
        name="relaying_status",
        verdict=Verdict.SENDER_FAULT,
        status=r"5\.7\.(?:54|64)",
        in_report=False,
        source="OfficeDocs-Exchange; Exchange 2013+",
        seen="2021-07-14",
    ),
    # Only for replies of our own relay. From another server, these words mean that the reader's domain is misrouted.
    ReplyRule(
        name="relaying_words",
        verdict=Verdict.SENDER_FAULT,
        in_report=False,
        words=(
            r"relay(?:ing)?(?: access)? (?:denied|not (?:permitted|allowed)|prohibited|rejected)|"
            r"relaying? (?:mail )?to .{0,60}(?:denied|prohibited|not allowed)|unable to relay|"
            r"(?:permitted|allowed) to relay|allowed rcpt ?hosts?|not a gateway|not local host|"
            r"no relaying|relaying$|do not relay|unauthorized relay|open relay|non-local e-?mail|"
            r"insecure mail relay|isn't allowed to relay|tenantattribution|"
            r"specified domain is not allowed|relaying denied|not configured to relay|as a relay"
        ),
        source="Postfix; qmail; Sendmail; Exim; Exchange",
        seen="2026-08-22",
    ),
    ReplyRule(
        name="relaying_in_report",
        verdict=Verdict.UNCLEAR,
        in_report=True,
        words=(
            r"relay(?:ing)?(?: access)? (?:denied|not (?:permitted|allowed)|prohibited|rejected)|"
            r"relaying? (?:mail )?to .{0,60}(?:denied|prohibited|not allowed)|unable to relay|"
            r"(?:permitted|allowed) to relay|allowed rcpt ?hosts?|not a gateway|not local host|"
            r"no relaying|do not relay|unauthorized relay|non-local e-?mail|isn't allowed to relay|"
            r"tenantattribution|specified domain is not allowed|relaying denied|not configured to relay|"
            r"no longer (?:hosted|handle)|don't handle mail"
        ),
        source="same; sources disagree: zone-mta and BMH call it the recipient, Sisimai norelaying (soft)",
        seen="2026-07-20",
    ),
    ReplyRule(
        name="sender_authentication_status",
        verdict=Verdict.SENDER_FAULT,
        status=r"5\.7\.(?:2[03-79]|30|32|509|515|9|2[0-2])",
        words=r"spf|dkim|dmarc|authenticat|aligned|ptr|reverse|unsigned|framework",
        source="RFC 7372; Gmail; M365; Yahoo",
        seen="2025-05",
    ),
    ReplyRule(
        name="sender_authentication_words",
        verdict=Verdict.SENDER_FAULT,
        words=(
            r"unauthenticated email|authentication information|pass authentication|invalid ip for sending|"
            r"\bspf\b|\bdkim\b|\bdmarc\b|sender policy framework|sender id|is not allowed to send mail|"
            r"from \S+ is unauthenticated|sender is unauthenticated|openspf|au01\b|pol-p7|hme1|cxsndr|"
            r"ofr\d*_401|lpn\d*_517"
        ),
        source="Gmail; Yahoo; Mimecast; Orange; La Poste; Cox",
        seen="2025-05",
    ),
    ReplyRule(
        name="client_name",
        verdict=Verdict.SENDER_FAULT,
        words=(
            r"reverse (?:dns|hostname|lookup|mapping|resolution)|\brdns\b|\bptr\b|"
            r"cannot (?:find|resolve) your|helo command rejected|bad helo|(?:invalid|empty) (?:helo|ehlo)|"
            r"helo/ehlo argument|helo[ /]ehlo requires|dns (?:ptr|check)|unresolvable relay host|cxdns|"
            r"ib108\b|(?:invalid|need) (?:fully.qualified )?(?:domain name|hostname)|"
            r"client host rejected: cannot find|ip name lookup failed|mismatches client ip|"
            r"does not match the ip address of the hostname|ptr|unverif[iy]+able sending"
        ),
        source="Postfix; Gmail 5.7.25; GMX c=rdns; Cox; GoDaddy",
        seen="2026-07-20",
    ),
    # Words for the sender, together with words that would otherwise mean that the reader does not exist.
    ReplyRule(
        name="sender_is_unknown",
        verdict=Verdict.SENDER_FAULT,
        words=(
            r"^(?!.*(?:reputation|(?:block|black) ?list|listed)).*?(?:"
            rf"(?:{SENDER_NOUNS})[^.;]{{0,60}}?(?:{PROBLEMS})|"
            rf"(?:unknown|invalid|illegal|bad|nonexistent|non-existent|onbekende?|ongeldige?|unbekannter?|"
            rf"ung[uü]ltiger?|unverified|no such) (?:{SENDER_NOUNS})|"
            rf"(?:verify|verification of|resolve|find|check) (?:{SENDER_NOUNS})|"
            r"(?:blocked|disabled|suspended|restricted|prevented|banned) from sending|sending from (?:this|your)|"
            r"(?:unknown|invalid|bad) [a-z ]{0,20}(?:in|for) (?:helo|ehlo))"
        ),
        source="Common wording of callouts and of relays about their own accounts; Dutch, German, French, Italian, Spanish",
        seen="2026-11-30",
    ),
)
