"""What a group has agreed among itself, in versions, and which member agreed to which."""

from collections.abc import Collection
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ForeignKey, Select, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.models.base import Identified
from service.models.groups import Group
from service.models.sealed import Sealed


class Agreement(Identified):
    """One version of a group's agreement. Added, never changed: of several, the newest counts."""

    __tablename__ = "agreements"
    __table_args__ = (UniqueConstraint("group_id", "version"),)

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id"))
    version: Mapped[int]
    words_sealed: Mapped[bytes]
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]

    words = Sealed()

    group: Mapped[Group] = relationship()

    @classmethod
    def versions(cls, group_id: UUID) -> Select[Self]:
        """The newest first."""
        return select(cls).where(cls.group_id == group_id).order_by(cls.version.desc())


class Acknowledgement(Identified):
    """A member agreed to one version: on their page, or on a paper that staff have seen."""

    __tablename__ = "acknowledgements"
    __table_args__ = (UniqueConstraint("agreement_id", "member_id"),)

    agreement_id: Mapped[UUID] = mapped_column(ForeignKey("agreements.id"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"), index=True)
    at: Mapped[datetime]
    how: Mapped[str] = mapped_column(String(16))
    """page, or paper."""

    agreement: Mapped[Agreement] = relationship()

    @classmethod
    def of(cls, group_id: UUID, member_ids: Collection[UUID]) -> Select[Self]:
        """Of every version, the oldest first."""
        query = select(cls).join(Agreement).where(Agreement.group_id == group_id, cls.member_id.in_(member_ids))
        return query.order_by(Agreement.version)
