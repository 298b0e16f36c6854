"""People, their roles and their login tokens."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, false, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base


class Person(Base):
    """Somebody who logs in. `username` is stored in lower case."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("username = lower(username) and username ~ '^[a-z0-9][a-z0-9._-]{1,63}$'", name="username"),
        Index("ix_person_org_code", "org_code", postgresql_where=text("active")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    password_hash: Mapped[str]
    # Set where somebody else made the password: it is good for one login that changes it, and for a few days.
    password_given_at: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    # Read by the version before this one alone.
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class PersonRole(Base):
    """A role somebody holds at their own union."""

    __tablename__ = "person_role"
    __table_args__ = (
        CheckConstraint(
            "role in ('agent','lawyer','dispatcher','handler','reviewer','supervisor','admin','auditor')",
            name="role",
        ),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)


class LoginToken(Base):
    """A login: an opaque token, of which only the SHA-256 is stored, so that a stolen dump logs nobody in; and from
    where, with what and when last; `way` says how it was made. `address` is empty for one that an earlier version made.
    One that owes a second factor is good for setting one up."""

    __tablename__ = "login_token"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="expires_after_creation"),
        CheckConstraint("length(address) <= 45 and length(agent) <= 60", name="seen_from"),
        CheckConstraint("way in ('password','oidc')", name="way"),
        Index("ix_login_token_address", "person_id", "address", "created_at"),
    )

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="", server_default="")
    agent: Mapped[str] = mapped_column(default="", server_default="")
    used_at: Mapped[datetime | None]
    idle_until: Mapped[datetime | None]
    owes_second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    way: Mapped[str] = mapped_column(default="password", server_default="password")
