"""The union tree. A code's prefix is its place in it: province 63, city 6301, county 630102."""

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base


class OrgUnit(Base):
    """One union: the province, a prefecture-level city or a county. Codes after GB/T 2260."""

    __tablename__ = "org_unit"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{6}$'", name="code_is_six_digits"),
        CheckConstraint("level in ('province', 'prefecture', 'county')", name="level"),
        CheckConstraint("(level = 'province') = (parent_code is null)", name="only_the_province_has_no_parent"),
    )

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    name_zh: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str]
    pinyin: Mapped[str]
    level: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("org_unit.code"))
    autonomy: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")


class OrgAlias(Base):
    """A former or everyday name under which people still look for a union."""

    __tablename__ = "org_alias"

    alias: Mapped[str] = mapped_column(primary_key=True)
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
