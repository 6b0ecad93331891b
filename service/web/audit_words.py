"""What was done, as a sentence: who did it stands before it."""

from collections.abc import Mapping

from service.flows.recall import Names
from service.models import AuditEntry

SENTENCES: Mapping[str, str] = {
    "replies read": "read what {whom} wrote",
    "check-ins read": "saw the check-ins of {whom}",
    "addresses read": "saw the number and address of {whom} in full",
    "flag read": "read the flag of {whom}",
    "replies opened": "opened what {whom} wrote, for an hour",
    "reply handled": "marked as handled what {whom} wrote",
    "reply kept unread": "kept unread what {whom} wrote",
    "flag taken up": "took up the flag of {whom}",
    "flag closed": "closed the flag of {whom}",
    "contact changed": "changed how {whom} is reached",
    "companion added": "added somebody who is reached for {whom}",
    "companion invited": "asked {whom} whether they agree to messages",
    "consent recorded": "put a consent of {whom} on record",
    "consent link made": "made a consent link for {whom}",
    "consent link sent": "sent {whom} a consent link",
    "member asked again": "asked {whom} once more whether they agree to messages",
    "stopped for member": "stopped messages on the word of {whom}",
    "texts discreet again": "put the texts to {whom} back to naming no group",
    "everything stopped": "stopped everything for {whom}",
    "started again": "started again for {whom}",
    "member erased": "erased somebody at their wish",
    "member left": "noted that {whom} left a group",
    "member on leave": "noted that {whom} is away",
    "member back": "noted that {whom} is back",
    "members added": "added {count} members to {group}",
    "members invited": "invited {count} members of {group}",
    "message edited": "edited a message to {whom}",
    "message stopped": "stopped a message to {whom}",
    "message written": "wrote to {count} people",
    "answer noted": "noted an answer for a session of {group}",
    "presence noted": "noted who came to a session of {group}",
    "session moved": "moved a session of {group}",
    "session cancelled": "cancelled a session of {group}",
    "series changed": "changed the dates of {group}",
    "group added": "made the group {group}",
    "group changed": "changed the name, place or size of {group}",
    "facilitator changed": "said who leads {group}",
    "safety changed": "changed how {group} is watched",
    "agreement changed": "put version {version} of the agreement of {group} in force",
    "agreement asked for": "sent {count} members of {group} the link to its agreement",
    "agreement on paper": "noted that {whom} signed the agreement on paper",
    "number on hold": "put texts to {whom} on hold: the number may be another's",
    "number confirmed": "noted that the number is still that of {whom}",
    "came of age": "noted that {whom} came of age",
    "thread handed over": "handed over what {whom} wrote",
    "hand-over ended": "ended the hand-over of what {whom} wrote",
    "rule switched on": "switched a message on",
    "rule switched off": "switched a message off",
    "rule changed": "changed when a message goes",
    "text changed": "changed a text",
    "text reset": "brought our own text back",
    "on call changed": "changed who is on call",
    "taken off call": "took somebody off call",
    "test page sent": "sent a test page",
    "cover arranged": "arranged a cover",
    "cover ended": "ended a cover",
    "crisis lines verified": "verified the crisis lines",
    "retention changed": "changed how long things are kept",
    "provider tested": "sent a test text",
    "practice changed": "changed the practice's settings",
    "log exported": "took away the log as a file, {rows} rows",
    "audit exported": "took away the audit as a file, {rows} rows",
    "staff added": "added somebody to the staff",
    "staff renamed": "changed their name",
    "staff disabled": "closed somebody's account",
    "staff enabled": "opened somebody's account again",
    "role changed": "gave somebody the role {role}",
    "password link made": "made somebody a link for a new password",
    "password set": "set their password",
    "signed in": "signed in",
    "signed out": "signed out",
    "signed out elsewhere": "ended {count} of their other sign-ins",
    "wrong password": "gave a wrong password",
    "sign-ins held off": "gave too many wrong passwords, and has to wait",
    "unknown address": "refused a sign-in with an address that lets nobody in",
    "second step refused": "gave {tries} wrong codes, and has to begin again",
    "second factor added": "added a second step to their sign-in",
    "second factor removed": "removed a second step from their sign-in",
    "second factors removed": "removed somebody's second steps, on the host",
    "recovery codes made": "made new recovery codes",
    "recovery code used": "signed in with a recovery code",
}
"""By action. One that is not named here is shown as it is called."""
SYSTEM = "The service"
ERASED = "an erased member"


class _Facts(dict[str, object]):
    """A fact that an entry does not hold is left open."""

    def __missing__(self, name: str) -> str:
        return "some"


def who(entry: AuditEntry, names: Names) -> str:
    return names.staff.get(entry.staff_id, "Somebody who was of the staff") if entry.staff_id else SYSTEM


def whom(entry: AuditEntry, names: Names) -> str:
    """The member whom it is about; "" where it is about none."""
    return names.members.get(entry.member_id, ERASED) if entry.member_id else ""


def sentence(entry: AuditEntry, names: Names) -> str:
    known = SENTENCES.get(entry.action, entry.action + (" of {whom}" if entry.member_id else ""))
    facts = {
        **entry.details,
        "whom": whom(entry, names) or "a number that is nobody's we know",
        "group": names.groups.get(entry.object_id, "a group"),
    }
    return known.format_map(_Facts(facts))


def label(action: str) -> str:
    return action[:1].upper() + action[1:]
