"""What Twilio's error codes mean for us, sorted as in tests/vectors/twilio_error_codes.json.

Twilio says that codes may change: one that is not here is sorted by its HTTP status.
"""

ADDRESS = frozenset(
    {
        21211,  # not a phone number
        21610,  # the recipient wrote STOP
        21614,  # not a mobile number
        21635,  # a landline
        30004,  # blocked on the recipient's side
        30005,  # no such handset
        30006,  # landline or unreachable carrier
        30640,  # blocked for legal reasons
    }
)
"""Never write to this number again."""

MESSAGE = frozenset({20404, 21602, 21604, 21612, 21617, 21619, 21620, 21656, 30007, 30019, 30400, 35111, 35114, 35118})
"""This message will never go."""

LATER = frozenset(
    {
        20009,
        20429,  # too many at once; never processed
        21611,  # the sender's queue is full
        30001,
        30003,
        30008,
        30009,
        30017,
        30022,
        30023,
        30027,
        30035,
        30036,
        30500,
        30610,
        60728,
        63038,
    }
)

UNCLEAR = frozenset({20500, 20503, 30410})
"""It may have gone."""

ACCOUNT = frozenset(
    {
        20001,
        20003,  # wrong credentials
        20005,
        21212,
        21408,
        21603,
        21606,
        21608,
        21609,
        21624,
        21654,
        21655,
        21703,
        21704,
        21705,
        30002,
        30010,
        30024,
        30032,
        30033,
        30034,  # unregistered number
        30450,
    }
)
"""Nothing goes until staff act."""

OPTED_OUT = frozenset({21610, 30640})

SAYS = {
    20003: "Twilio does not accept the account's credentials.",
    20005: "The Twilio account is not active.",
    21211: "This is not a phone number that can be texted.",
    21408: "Texting to this country is switched off in the Twilio account.",
    21606: "The number that texts are sent from does not belong to the Twilio account.",
    21610: "The person has opted out of texts.",
    21611: "The sending number's queue is full.",
    21612: "This number cannot be reached by text.",
    21614: "This is not a mobile number.",
    30003: "The phone was off or out of reach.",
    30004: "The carrier blocked the text.",
    30005: "The number does not exist any more.",
    30006: "This is a landline, or its carrier takes no texts.",
    30007: "The carrier filtered the text.",
    30008: "The carrier gave no reason.",
    30032: "The toll-free number is not verified with the carriers.",
    30034: "The sending number is not registered with the carriers.",
    30036: "It waited too long in the sending queue.",
}
"""What staff read of it."""
