"""Words of replies in several languages, as regular expressions for the rules.

A verdict that suppresses a reader's address needs words for a recipient and for the reason. No word may be about anything else.
"""

from moza_mail.model.reply_word import WordRole
from moza_mail.model.reply_words_known import KNOWN_WORDS
from moza_mail.model.reply_words_other import OTHER_WORDS
from moza_mail.model.reply_words_recipient import RECIPIENT_WORDS

REPLY_WORDS = (*KNOWN_WORDS, *RECIPIENT_WORDS, *OTHER_WORDS)


def join_words(*roles: WordRole) -> str:
    """Return a regular expression for the words of some roles.

    It matches whole words and phrases, and tries the roles in the given order.
    """
    words = "|".join(row.words for role in roles for row in REPLY_WORDS if row.role is role)
    return rf"(?<!\w)(?:{words})(?!\w)"


def join_in_either_order(first: WordRole, second: WordRole) -> str:
    """Return a regular expression for a text with words of two roles, in either order."""
    return rf"^(?=.*{join_words(first)}).*{join_words(second)}"
