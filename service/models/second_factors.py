"""What staff show besides their password, and who has shown the password and not yet that."""

from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Identified, words
from service.models.sealed import Sealed


class Factor(StrEnum):
    APP = "app"
    """Six digits that change every 30 seconds (RFC 6238)."""
    PASSKEY = "passkey"


class SecondFactor(Identified):
    """An authenticator app or a passkey of one of the staff."""

    __tablename__ = "second_factors"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    kind: Mapped[Factor] = mapped_column(words(Factor))
    label_sealed: Mapped[bytes | None]
    seed_sealed: Mapped[bytes | None]
    last_step: Mapped[int] = mapped_column(default=0)
    """The 30 seconds whose code was taken last. That code and all before it are used up."""
    credential_id: Mapped[bytes | None] = mapped_column(unique=True)
    public_key: Mapped[bytes | None]
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    challenge: Mapped[bytes | None]
    """What a passkey that is being made has to sign."""
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    """None: it is being set up, and opens nothing."""
    used_at: Mapped[datetime | None]

    label = Sealed()
    seed = Sealed()
    """What the app makes its digits from, in base32."""

    @classmethod
    def of(cls, staff_id: UUID) -> Select[Self]:
        """Those that count, oldest first."""
        return select(cls).where(cls.staff_id == staff_id, cls.confirmed_at.is_not(None)).order_by(cls.created_at)

    @classmethod
    def passkeys(cls) -> Select[Self]:
        """Those of everybody."""
        return select(cls).where(cls.kind == Factor.PASSKEY, cls.confirmed_at.is_not(None))

    @classmethod
    def in_setup(cls, staff_id: UUID, kind: Factor) -> Select[Self]:
        return select(cls).where(cls.staff_id == staff_id, cls.kind == kind, cls.confirmed_at.is_(None))


class RecoveryCode(Identified):
    """Signs in once where the phone is lost."""

    __tablename__ = "recovery_codes"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(200))
    used_at: Mapped[datetime | None]

    @classmethod
    def unused(cls, staff_id: UUID) -> Select[Self]:
        return select(cls).where(cls.staff_id == staff_id, cls.used_at.is_(None)).order_by(cls.id)


class SecondStep(Identified):
    """A browser that is not signed in yet: it gave the right password, or is to show a passkey alone. It holds the
    token, we its hash."""

    __tablename__ = "second_steps"

    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"), index=True)
    """None: the passkey says whose it is."""
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    challenge: Mapped[bytes]
    """What a passkey has to sign. Each is signed once."""
    failures: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
