"""STOP, START and HELP, as Twilio itself understands and answers them."""

from enum import StrEnum

STOP_WORDS = frozenset(["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"])
START_WORDS = frozenset(["START", "YES", "UNSTOP"])
HELP_WORDS = frozenset(["HELP", "INFO"])


class Keyword(StrEnum):
    """What a whole message means to Twilio."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


STOP_ANSWER = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe."
)
START_ANSWER = (
    "You have successfully been resubscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
HELP_ANSWER = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
TOLL_FREE_STOP_ANSWER = (
    'NETWORK MSG: You replied with the word "stop" which blocks all texts sent from this number. '
    'Text back "unstop" to receive messages again.'
)
TOLL_FREE_START_ANSWER = (
    'NETWORK MSG: You have replied "unstop" and will begin receiving messages again from this number.'
)


def understood(body: str, trim: bool, start_words: frozenset[str] = START_WORDS) -> Keyword | None:
    """The keyword that a whole message is, in any case of letters. `trim`: spaces and punctuation do not count."""
    word = body.strip(" \t\r\n.!?\"'").upper() if trim else body.upper()
    if word in STOP_WORDS:
        return Keyword.STOP
    if word in start_words:
        return Keyword.START
    return Keyword.HELP if word in HELP_WORDS else None
