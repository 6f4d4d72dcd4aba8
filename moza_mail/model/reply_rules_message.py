"""Rules about full mailboxes, message size, block lists, expiry and content."""

from moza_mail.model.reply_rule import ReplyRule
from moza_mail.model.verdict import Verdict

MESSAGE_RULES = (
    # Must precede the rules about full mailboxes: Orange also sends the code of a full mailbox with these words.
    ReplyRule(
        name="archived_mailbox",
        verdict=Verdict.DISABLED,
        words=r"destinataire archivee|archived (?:recipient|destination)",
        is_permanent=True,
        source="Orange OFR_417, OFR_418",
        seen="2026-11-30",
    ),
    # Must precede the rules about size: "larger than ... or the mailbox is full" comes with 5.2.2.
    ReplyRule(
        name="full_words",
        verdict=Verdict.MAILBOX_FULL,
        words=(
            r"(?:postvak|postbus|mailbox|inbox)[a-z' ]{0,30}(?:is |zit )vol\b|postfach[a-zäöüß ]{0,30}voll\b|"
            r"bo[iî]te[a-zéèà' ]{0,30}(?:pleine|satur[ée]e)|casella[a-z ]{0,20}piena|opslaglimiet|"
            r"quotum (?:is )?overschreden|onvoldoende (?:opslag)?ruimte|kontingent|"
            r"espace (?:de stockage )?insuffisant|spazio esaurito|buz[oó]n[a-z ]{0,20}lleno|"
            r"mailbox (?:is |was )?(?:full|quota|over)|is full\b|over ?quota|"
            r"exceed(?:s|ed|ing)? (?:(?:its|their|the|mailbox|mail|storage|disk|allowed) )*(?:quota|"
            r"storage|space|limit of mailbox)|quota (?:exceeded|violation|limit exceeded|usage exceeded)|"
            r"over (?:the |storage |disk |maximum )*quota|out of storage|exceeded storage allocation|"
            r"(?:disk|mailbox|account|user|recipient|folder|mailfolder|maildir)[a-z' ]{0,20} (?:is )?full|"
            r"full mailbox|storage full|mailbox has exceeded|maximum allowed storage|"
            r"not (?:enough|sufficient) (?:disk |storage )?space|insufficient disk space|"
            r"(?:disk|mail|disc)[a-z ]*quota|quota|no space left|(?<!used)diskspace|space has been used up|"
            r"speichervolumen|zuviele mails|too many messages on the server|postfach (?:ist )?voll|"
            r"speicherplatz|bo[iî]te (?:du destinataire |aux lettres )?(?:est )?pleine|"
            r"recipient overquota|mailbox (?:is )?vol\b|postvak (?:is )?vol|casella piena|quotaexceeded|"
            r"size of database|would exceed|mailbox limit exe|user is over|mailbox exceeded|"
            r"too much mail data|shutoffquota|ofr\d*_417|lpn\d*_417"
        ),
        source="Sisimai reason/mailboxfull; Gmail; web.de; Orange; Exchange; Domino; sitepackage.de",
        seen="2026-08-04",
    ),
    ReplyRule(
        name="full_status",
        verdict=Verdict.MAILBOX_FULL,
        status=r"[45]\.2\.2",
        source="RFC 3463",
        seen="2003",
    ),
    ReplyRule(
        name="too_large_status",
        verdict=Verdict.TOO_LARGE,
        status=r"5\.2\.3|5\.3\.4",
        source="RFC 3463; Exchange",
        seen="2003",
    ),
    ReplyRule(
        name="too_large_words",
        verdict=Verdict.TOO_LARGE,
        words=(
            r"(?:message|mail|email|file|attachment|header)[a-z ]{0,30}(?:size|length)|too (?:large|big)|"
            r"message (?:is )?too long|size (?:limit|exceed)|larger than|"
            r"maximum (?:inbound |incoming )?(?:message|email|mail)[a-z ]* ?size|taille limite|"
            r"(?:nachricht|e-?mail|mail)[a-z ]{0,12}zu gro(?:ß|ss)|(?:bericht|e-?mail)[a-z ]{0,12}te groot|trop volumineux|"
            r"recipsizelimit|line limit|msg-p1|int-p2"
        ),
        source="Sisimai reason/mesgtoobig; cases wh-04",
        seen="2025-02-23",
    ),
    # Must precede `temporary_words`: these replies also say "try again".
    ReplyRule(
        name="domain_before_retry",
        verdict=Verdict.DOMAIN_UNKNOWN,
        words=(
            r"domain is not reachable|malformed or unexpected name server reply|type=mx: malformed|"
            r"record indicated no smtp service|unrouteable mail domain|illegal host/domain|lookup failure: host .{1,80}not found"
        ),
        source="Outlook; Postfix before 3.0 at a null MX (Sisimai rhost/for-aol: notaccept); Exim; Sun Messaging",
        seen="2025-12-10",
    ),
    ReplyRule(
        name="messagelabs_542",
        verdict=Verdict.ADDRESS_UNKNOWN,
        code=r"542",
        words=r"rejected|no such user",
        source="Sisimai rhost/for-messagelabs.go",
        seen="2025-02-23",
    ),
    ReplyRule(
        name="expired_status",
        verdict=Verdict.TEMPORARY,
        status=r"[45]\.4\.(?:7|[12]$|300|31[0-9]|6|14)",
        words=(
            r"expired|time ?out|timed out|too long|loop|hop|delayed|"
            r"connection (?:refused|reset|dropped|died)|not delivered within|retry"
        ),
        source="Exchange 4.4.7 with a 550; Exim; IronPort",
        seen="2021-07-14",
    ),
    ReplyRule(
        name="block_list_words",
        verdict=Verdict.POLICY,
        words=(
            r"spamhaus|spamcop|sorbs|barracudacentral|dnsbl|\brbl\b|\brbl|surbl.*client|blocked using|"
            r"block ?list|black ?list|blacklisted|blocklist|(?<!not )listed (?:at|in|on|by) |is listed\b|"
            r"poor reputation|bad reputation|low reputation|reputation|banned (?:sending|send)|"
            r"is on our block|\(s31[0-9]{2}\)|s3140|s3150|\[bl\d+\]|permanently deferred|rtr:|con:b1|"
            r"\bdy-00\d|\bsc-00\d|\bou-00[12]|"
            r"ip (?:address )?(?:\S+ )?(?:is |has been |was )?(?:blocked|banned|rejected|refused|denied)|"
            r"client host (?:rejected|blocked)|"
            r"(?:host|address|ip|server|network|domain) (?:is |was |"
            r"has been )?(?:temporarily )?(?:blocked|banned)|dynamic ip|dialup|a problem occurred|"
            r"no smtp service|esmtp (?:not accepting|service not available)|not accepting connections|"
            r"you are not allowed to connect|"
            r"access to (?:submit messages to )?this (?:e-?mail|mail) system has been rejected|bad ip|"
            r"confirm this mail server|refused to talk|abus detecte|adresse ip source bloquee|"
            r"mail server .{0,40} is blocked|cloudmark|proofpoint\.com/\?ip|dnsbl-lookup|backscatter|"
            r"is not currently accepting|currently sending spam|ib1(?:0[3-6]|1[0-3])\b|ipbl\d+|cxbl|cdrbl|"
            r"pol-[pt]\d|ofr\d*_(?:102|103|510)|lpn\d*_(?:510|630|103)|too many invalid recipients|"
            r"too many (?:spam|unknown|bad)|poor .{0,20}reputation|no access from mail server|"
            r"which is an open relay"
        ),
        source="zone-mta; Sisimai blocked; Outlook S31xx, RP/DY/SC/OU; Yahoo BL, TSS09; AOL; GMX c=r0201; T-Online; Cox; GoDaddy IB103-113",
        seen="2026-07-20",
    ),
    # Must follow the rules about full mailboxes, size and loops: their replies may have these codes too.
    ReplyRule(
        name="sender_status",
        verdict=Verdict.SENDER_FAULT,
        status=r"5\.1\.[78]|5\.7\.(?:3|25|57|60|70\d|71\d|750|29|14|501|502|503)",
        words=r"(?s)^(?!.*(?:spamhaus|block ?list|black ?list|content|spam|virus)).*",
        source="OfficeDocs-Exchange; Gmail; RFC 3463 X.1.7, X.1.8",
        seen="2021-07-14",
    ),
    ReplyRule(
        name="block_list_status",
        verdict=Verdict.POLICY,
        status=r"[45]\.7\.(?:51[013]|606|60[5-9]|6[1-4]\d|507|850)",
        words=(
            r"banned send|block ?list|blocked by|blocked using|customer block|ban+ed|"
            r"rejected by recipient|spamhaus|does not accept email over ipv6"
        ),
        source="OfficeDocs-Exchange 5.7.507, .510, .511, .513, .606-649",
        seen="2021-07-14",
    ),
    # Must precede `temporary_words`: these replies also say "try again".
    ReplyRule(
        name="address_before_retry",
        verdict=Verdict.ADDRESS_UNKNOWN,
        code=r"(?!4)",
        words=(
            r"address not found|couldn't be found|wasn't found at|recipient not found|"
            r"does(?:n't| not) exist[^a-z]{0,3}(?:please )?(?:try )?(?:double|check)|"
            r"(?:no such|unknown|not found|not exist|invalid).{0,60}(?:check|verify|correct) .{0,30}(?:address|spelling|name).{0,10}(?:try|retry|re-?send)"
        ),
        source="Gmail letters; Exchange",
        seen="2025-12-10",
    ),
    ReplyRule(
        name="temporary_words",
        verdict=Verdict.TEMPORARY,
        words=(
            r"all hosts have been failing|(?:message|queue|delivery|retry time)[a-z ;:-]* ?(?:expired|exceeded)|queue too long|"
            r"not going to try again|timed? ?out|"
            r"connection (?:refused|reset|dropped|died|timed out|expired)|no route to host|"
            r"network is unreachable|could not connect|could not deliver for|giving up\b(?! on)|"
            r"failed \d+ attempts|envelope expired|(?:has been|is) delayed|did not accept our requests|"
            r"not delivered within|not responding|name lookup failure|network error|"
            r"name service error.{0,80}try again|no relevant answers|initiate smtp conversation|"
            r"connection was dropped|service refuse|retry timeout|unable to deliver in|"
            r"delivery temporarily|host (?:unreachable|not reachable)|lost connection|"
            r"conversation with .{1,60} timed out|remote server is not responding|no answer|"
            r"temporarily (?:unavailable|blocked|suspended|locked|disabled)|temporary|"
            r"try (?:again )?later|try again|please retry|resources|not currently available|"
            r"bad destination host .dns soft|dns (?:soft|query failed)|temporary lookup|"
            r"storedrv\.deliver: missing|unavailable to take delivery"
        ),
        source="Exim; qmail; Postfix; IronPort",
        seen="2025-02-23",
    ),
    ReplyRule(
        name="refused_before_recipient",
        verdict=Verdict.SENDER_FAULT,
        phases=frozenset({"auth", "mail"}),
        is_permanent=True,
        source="RFC 4954: 5xx to AUTH; a 5xx to MAIL FROM is about the sender whatever its words (policy words first: see pol-*)",
        seen="2007",
    ),
    ReplyRule(
        name="content_status",
        verdict=Verdict.CONTENT,
        status=r"5\.6\.\d+",
        source="RFC 3463 5.6.x; SES header errors",
        seen="2003",
    ),
    # Must precede `content_words`: Exchange names its filter, as in "Content Filter agent; mailbox disabled".
    ReplyRule(
        name="mailbox_disabled",
        verdict=Verdict.DISABLED,
        status=r"5\.2\.1",
        words=r"mailbox (?:is )?disabled",
        source="Exchange 2013",
        seen="2021-07-14",
    ),
    ReplyRule(
        name="content_words",
        verdict=Verdict.CONTENT,
        words=(
            r"spam|virus|infected|malware|(?<!-)\bcontent\b(?!-type)|phish|junk|attachment|unsolicited|"
            r"bulk (?:mail|email)|mime error|header (?:error|missing)|malformed|rfc ?(?:5322|2822|822)|"
            r"bare ?line|duplicate header|from: header|message-id|unicode character|encoded-word|"
            r"suspicious(?!remote)|bad header|invalid (?:data|header|structure)|banned file|quarantined|"
            r"illegal attachment|blocked by (?:our )?filter|message (?:has been )?filtered|suspicion|"
            r"abusive|a url in|uribl|dbl\.|lines? (?:are )?too long|hvu:b|rly:bd|ofr_?506|ib212|urlbl\d+|"
            r"corrupt|conversion|\bmsg-p[23]|loop detected"
        ),
        source="Sisimai spamdetected, virusdetected, contenterror; Gmail; Yandex; Mail.ru; T-Online",
        seen="2026-07-20",
    ),
    ReplyRule(
        name="refused_connection",
        verdict=Verdict.POLICY,
        phases=frozenset({"connect"}),
        is_permanent=True,
        source="a 5xx to the connection is about our address as a client",
        seen="2026",
    ),
    ReplyRule(
        name="refused_helo",
        verdict=Verdict.SENDER_FAULT,
        phases=frozenset({"helo"}),
        is_permanent=True,
        source="a 5xx to HELO is about our name",
        seen="2026",
    ),
)
