"""One's own account over the API: logins and the password."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints

from service.api.schemas.fields import fit
from service.api.schemas.tickets import RequestBody, ResponseBody
from service.identity.identities import IdentityView
from service.identity.logins import LoginView, Way

# argon2 reads all it is given: a password of a megabyte would be a way to keep a processor busy.
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024), AfterValidator(fit)]


# Six digits, or a recovery code with its hyphens.
Code = Annotated[str, StringConstraints(max_length=64), AfterValidator(fit)]


class LoginOut(ResponseBody):
    """A login that lasts; `address` and `agent` are where it was made, `way` is how."""

    id: int
    began_at: datetime
    used_at: datetime
    ends_at: datetime
    address: str
    agent: str
    way: Way
    present: bool

    @classmethod
    def of(cls, view: LoginView) -> Self:
        return cls(
            id=view.id,
            began_at=view.began_at,
            used_at=view.used_at,
            ends_at=view.ends_at,
            address=view.address,
            agent=view.agent,
            way=view.way,
            present=view.present,
        )


class LoginList(ResponseBody):
    """Logins that last, the one used last first."""

    items: list[LoginOut]


class LoginsEnded(ResponseBody):
    """So many logins ended."""

    ended: int


class PasswordChange(RequestBody):
    """更改密码 / Another password"""

    present: Password = Field(description="当前密码 / The present one", json_schema_extra={"format": "password"})
    new: Password = Field(description="新密码 / The new one", json_schema_extra={"format": "password"})


class IdentityOut(ResponseBody):
    """A linked account at an identity provider; `waiting`: entered by an administrator and not used yet."""

    issuer: str
    account: str
    waiting: bool
    linked_at: datetime

    @classmethod
    def of(cls, view: IdentityView) -> Self:
        return cls(issuer=view.issuer, account=view.account, waiting=view.waiting, linked_at=view.linked_at)


class IdentityList(ResponseBody):
    """The accounts that open a login: one, or none; after a change of provider also that of before."""

    items: list[IdentityOut]


class PresentPassword(RequestBody):
    """再次输入密码 / The password again"""

    present: Password = Field(description="当前密码 / The present one", json_schema_extra={"format": "password"})


class SecondFactorOut(ResponseBody):
    """One's second factor: since when, how many recovery codes are left, and whether one's role requires it."""

    confirmed_at: datetime | None
    codes_left: int
    compulsory: bool


class SecondFactorSetup(ResponseBody):
    """For the authenticator: the secret, and the same as an address (`otpauth:`)."""

    secret: str
    uri: str


class SecondFactorCode(RequestBody):
    """动态验证码 / A code of the authenticator"""

    otp: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(fit)] = Field(
        description="6 位数字,或备用码 / Six digits, or a recovery code"
    )


class RecoveryCodes(ResponseBody):
    """Ten codes, each for one login without the authenticator; shown this once."""

    codes: list[str]
