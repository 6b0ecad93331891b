"""Passkeys (WebAuthn): made in the browser, and shown as the second factor."""

import logging
import secrets
from dataclasses import dataclass

import webauthn
from sqlalchemy.orm import Session
from webauthn.helpers import options_to_json, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from service.models import SecondFactor, SecondStep, Staff
from service.models.second_factors import Factor

logger = logging.getLogger(__name__)

LONGEST = 20_000
"""Characters of what a browser sends; a credential takes about a thousand."""


@dataclass(frozen=True)
class Site:
    """What passkeys are bound to: the name of the host, and where its pages are."""

    host: str
    origin: str


def new_challenge() -> bytes:
    return secrets.token_bytes(32)


def to_make(db: Session, made: SecondFactor, staff: Staff, site: Site) -> str:
    """What the browser needs to make one, as JSON."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="Groupkeeper",
        user_name=staff.email,
        user_id=staff.id.bytes,
        user_display_name=staff.name,
        challenge=made.challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_known(db, staff),
    )
    return options_to_json(options)


def keep(made: SecondFactor, site: Site, credential: str) -> bool:
    """Whether this answers what we asked for. The passkey's public half is kept."""
    if made.challenge is None or len(credential) > LONGEST:
        return False
    try:
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=made.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
        )
    except Exception as error:  # the library fails on garbage in many ways: whatever it is, it is no passkey
        logger.info("a passkey was not made: %s", type(error).__name__)
        return False
    made.credential_id, made.public_key = found.credential_id, found.credential_public_key
    made.sign_count = found.sign_count
    return True


def to_show(db: Session, step: SecondStep, staff: Staff, site: Site) -> str | None:
    """What the browser needs to show one, as JSON. None: the person has none."""
    known = _known(db, staff)
    if not known:
        return None
    return _options(step, site, known, UserVerificationRequirement.PREFERRED)


def to_show_alone(step: SecondStep, site: Site) -> str:
    """The same for whoever comes: the device knows whose it is, and asks for a finger, a face or a number."""
    return _options(step, site, None, UserVerificationRequirement.REQUIRED)


def shown(db: Session, step: SecondStep, site: Site, credential: str) -> SecondFactor | None:
    """The passkey that signed our challenge, or None. A challenge is signed once: there is a new one after each try.

    Where no password was given before, the device must have made sure who holds it.
    """
    challenge, step.challenge = step.challenge, new_challenge()
    if len(credential) > LONGEST:
        return None
    try:
        given = parse_authentication_credential_json(credential)
        known = SecondFactor.of(step.staff_id) if step.staff_id else SecondFactor.passkeys()
        factor = db.scalars(known.where(SecondFactor.credential_id == given.raw_id)).one()
        found = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=factor.public_key or b"",
            credential_current_sign_count=factor.sign_count,
            require_user_verification=step.staff_id is None,
        )
    except Exception as error:  # the library fails on garbage in many ways: whatever it is, it is no passkey
        logger.info("a passkey was not taken: %s", type(error).__name__)
        return None
    factor.sign_count = found.new_sign_count
    return factor


def _options(
    step: SecondStep,
    site: Site,
    known: list[PublicKeyCredentialDescriptor] | None,
    verification: UserVerificationRequirement,
) -> str:
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=step.challenge, allow_credentials=known, user_verification=verification
    )
    return options_to_json(options)


def _known(db: Session, staff: Staff) -> list[PublicKeyCredentialDescriptor]:
    rows = db.scalars(SecondFactor.of(staff.id).where(SecondFactor.kind == Factor.PASSKEY))
    return [PublicKeyCredentialDescriptor(id=row.credential_id) for row in rows if row.credential_id]
