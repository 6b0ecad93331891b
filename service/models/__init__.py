"""Tables, and named queries over them."""

from service.models.agreements import Acknowledgement, Agreement
from service.models.alerts import Absence, Contact, Flag, LineCheck, Page
from service.models.audit import AuditEntry, Heartbeat, Opening
from service.models.base import Base
from service.models.copies import ProviderCopy
from service.models.deliveries import Delivery, DeliveryEvent, Sender
from service.models.groups import Attendance, Enrolment, Group, GroupSession, Rule, Series
from service.models.journal import CheckIn
from service.models.people import Consent, Invitation, Link, Member, Suppression
from service.models.practice import KeptForm, Practice, SignIn, SignInTry, Staff
from service.models.replies import HandOver, Reply
from service.models.second_factors import RecoveryCode, SecondFactor, SecondStep
from service.models.wordings import Wording

__all__ = [
    "Absence",
    "Acknowledgement",
    "Agreement",
    "Attendance",
    "AuditEntry",
    "Base",
    "CheckIn",
    "Consent",
    "Contact",
    "Delivery",
    "DeliveryEvent",
    "Enrolment",
    "Flag",
    "Group",
    "GroupSession",
    "HandOver",
    "Heartbeat",
    "Invitation",
    "KeptForm",
    "LineCheck",
    "Link",
    "Member",
    "Opening",
    "Page",
    "Practice",
    "ProviderCopy",
    "RecoveryCode",
    "Reply",
    "Rule",
    "SecondFactor",
    "SecondStep",
    "Sender",
    "Series",
    "SignIn",
    "SignInTry",
    "Staff",
    "Suppression",
    "Wording",
]
