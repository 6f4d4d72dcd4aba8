"""Rules for providers that give the reason by their own codes, and for sending limits.

These rules are tried first, because the words next to such a code are misleading: "552 5.1.1 Boite pleine", "550 5.1.1 ... IB607".
"""

from moza_mail.model.reply_rule import ReplyRule
from moza_mail.model.verdict import Verdict

PROVIDER_RULES = (
    ReplyRule(
        name="greylisting",
        verdict=Verdict.TEMPORARY,
        code=r"4\d\d",
        words=(
            r"gr[ae]y-?list|graylist|rechazo temporal|grey\.rbl|policy rejection- please try later|"
            r"first attempt|please (?:come|try) (?:back|again) in \d+ ?(?:sec|min|:)"
        ),
        source="zone-mta bounces.txt; milter-greylist; bytecamp.net",
        seen="2026-07-20",
    ),
    ReplyRule(
        name="provider_block_codes",
        verdict=Verdict.POLICY,
        words=(
            r"ib1(?:0[3-6]|1[0-3])\b|ipbl\d+|cxbl|cdrbl|pol-[pt][1-5]\b|ofr\d*_(?:102|103|510)|"
            r"lpn\d*_(?:510|630)|\[bl\d+\]|\(s31[0-9]{2}\)|reject due to policy|rtr:|con:b1|\bdy-00\d|"
            r"\bsc-00\d|\bou-00[12]"
        ),
        source="GoDaddy; Cox; Facebook; Orange; La Poste; Yahoo; Outlook; AOL",
        seen="2026-07-20",
    ),
    ReplyRule(
        name="group_or_permission",
        verdict=Verdict.UNCLEAR,
        words=(
            r"may not exist, or you may not have permission|n'existe pas ou que vous ne soyez pas autoris|"
            r"nicht vorhanden ist bzw\. sie nicht die|niet bestaat of dat u (?:niet|geen)|"
            r"the account or domain may not exist, they may be"
        ),
        source="Google Groups letters (set-of-emails lhost-googlegroups); Exim host",
        seen="2025-12-10",
    ),
    ReplyRule(
        name="unknown_or_full",
        verdict=Verdict.UNCLEAR,
        words=(
            r"(?:desconocid|unknown|inexist|not found|onbekend|unbekannt|inconnu)[a-z ]{0,12} (?:o|or|of|oder|ou) "
            r"(?:the |de |la )?(?:mailbox|inbox|buz[oó]n|quota|mailbox is)[a-z ]{0,14}(?:lleno|full|vol|pleine|exceeded)"
        ),
        source="latinmail.com: 'Destinatario desconocido o mailbox lleno'",
        seen="2026-11-30",
    ),
    # Must precede the rules about the sender: "sender ... listed at Spamhaus" is a block list.
    ReplyRule(
        name="named_block_list",
        verdict=Verdict.POLICY,
        words=r"black ?list|spamhaus|dnsbl|block ?list|permanently deferred|will not succeed",
        is_kept_by_4xx=True,
        source="zone-mta; Orange; Yahoo TSS09/TS03",
        seen="2026-07-20",
    ),
    ReplyRule(
        name="provider_rate_codes",
        verdict=Verdict.THROTTLED,
        words=(
            r"\[tss?0[1-8]\]|\btss?0[1-8]\b|\brp-00\d|dyn:t\d|rly:b[12]\b|ofr_?(?:\d+_)?(?:999|104|105)|"
            r"lpn\d*_(?:503|107|108|103)|cxcnct|cxmxrt|con-t\d|msg-t1|frequency limited"
        ),
        source="Yahoo; Outlook RP; AOL; Orange; La Poste; Cox; Facebook; QQ",
        seen="2026-07-20",
    ),
    # Must precede `sender_authentication_words`: these replies contain such words too.
    ReplyRule(
        name="content_before_authentication",
        verdict=Verdict.CONTENT,
        words=(
            r"duplicate header|ib50[12]\b|contains a virus|multiple addresses in from|multiple from|"
            r"due to spam classification|antispam checks|transaction failed spam"
        ),
        source="SES; Gmail; Google Groups",
        seen="2026-10-02",
    ),
    ReplyRule(
        name="sender_rights",
        verdict=Verdict.SENDER_FAULT,
        words=(
            r"sendasdenied|send as\b|permissions? to send as|not owned by user|not logged in|"
            r"not allowed to send as|is not allowed to send mail as|outboundspamexception|"
            r"email address is not verified|identities failed the check|not authorized to perform|"
            r"sending suspended|sandbox|unauthenticated senders|verified sender|not yet activated|"
            r"unregistered domains|tenant has exceeded threshold|traffic not accepted from this ip|wascl"
        ),
        source="M365; SES docs; SendGrid; Mailgun; Brevo",
        seen="2026-10-02",
    ),
    ReplyRule(
        name="microsoft_sending_limits",
        verdict=Verdict.QUOTA,
        status=r"5\.1\.9[0-2]|5\.7\.23[2-9]",
        source="MicrosoftDocs/OfficeDocs-Exchange pull 2431; exchange-online-limits",
        seen="2025",
    ),
    ReplyRule(
        name="submission_quota",
        verdict=Verdict.QUOTA,
        words=r"submissionquotaexceeded|submission quota|tenant external recipient rate limit",
        source="MicrosoftDocs/OfficeDocs-Support issue 1150",
        seen="2021-03-05",
    ),
    ReplyRule(
        name="sending_quota",
        verdict=Verdict.QUOTA,
        words=(
            r"(?:daily|hourly|monthly|24.hour|sending|(?<!the )sender'?s?|submission|outbound|outgoing)[a-z' -]{0,40}"
            r"(?<!receive )(?<!receiving )(?<!size )(?<!thread )(?:quota|limit)\b|"
            r"(?:quota|limit)[a-z' ]{0,20} (?:of|for) (?:the |this |your )?(?:sender|account)|"
            r"sender has exceeded (?:its|their|the) (?:[a-z]+ )?(?:quota|limit)\b(?! for)|"
            r"sender (?:is )?over quota|messages? per (?:hour|day) (?:reached|exceeded)|"
            r"daily (?:message |user |smtp |email |sending |relay )*(?:sending )?(?:quota|limit)|"
            r"(?:reached|exceeded|over) (?:your|the|its) (?:daily|hourly|monthly) (?:[a-z]+ )*(?:limit|"
            r"quota)|daily limit for|max(?:imum)? (?:defers and failures|emails) per hour|"
            r"credits exceeded|sending (?:rate )?limit exceeded|sending quota|message rate limit exceeded|"
            r"quota exceeded for sender|sender address rejected: (?:quota|message rate|.{0,40}limit)|"
            r"recipient limit exceeded|unusual sending activity|"
            r"(?:hourly|daily) send(?:ing)? (?:rate|limit) exceeded|number of allowed outgoing|"
            r"(?:out of|no more|insufficient) credits"
        ),
        source="Gmail support 3726730; SES; cPanel; policyd; smtp field manual",
        seen="2025-02-23",
    ),
    # Without these words, 5.4.5 means congestion (RFC 3463 3.5).
    ReplyRule(
        name="status_545_quota",
        verdict=Verdict.QUOTA,
        status=r"[45]\.4\.5",
        words=r"limit|quota",
        source="Gmail support 3726730",
        seen="2025-02-23",
    ),
    # Must precede `rate_words`: "too many messages on the server" means a full mailbox.
    ReplyRule(
        name="full_before_rate",
        verdict=Verdict.MAILBOX_FULL,
        words=(
            r"zuviele mails|too many messages on the server|speichervolumen|too much mail (?:stored|data)|"
            r"user mailbox exceeds|does not have enough space|(?:user's|mailbox|your) disk quota|"
            r"(?<!your )(?<!'s )(?<!sender )mailbox is (?:too )?full|mailbox size limit (?:is )?(?:exceeded|reached)|caixa postal cheia|"
            r"(?:reached|above|over) (?:its |the |their )?(?:maximum )?storage|no disk space left"
        ),
        source="web.de (sitepackage.de)",
        seen="2013",
    ),
    ReplyRule(
        name="deferred_sender_check",
        verdict=Verdict.TEMPORARY,
        code=r"4\d\d",
        words=r"administrative reject|could not complete .{0,14}verify",
        source="Exim verify.c",
        seen="2025-12-29",
    ),
    ReplyRule(
        name="unresolvable_sender",
        verdict=Verdict.SENDER_FAULT,
        words=r"unresolvable rfc|unresolvable.{0,20}from domain",
        source="Yahoo",
        seen="2025-02-23",
    ),
    ReplyRule(
        name="too_many_connections",
        verdict=Verdict.THROTTLED,
        status=r"4\.3\.2",
        code=r"432",
        words=r"sender thread limit|concurrent connections",
        source="MicrosoftDocs/OfficeDocs-Support pull 1991",
        seen="2025-06-06",
    ),
)
