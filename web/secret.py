"""Secrets: made, told apart, and kept as what they cannot be made from again.

Passwords are hashed with argon2id at OWASP's least setting for it (19 MiB, two passes, one lane), so that a controller
with little memory can do it. Tokens have 256 random bits, for which SHA-256 is enough.
"""

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from trellis.errors import InputError

PASSWORD_MIN = 10
_PASSWORD_MAX = 200
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: Verified when there is no such user, so that an unknown name takes as long as a wrong password.
_NOBODY = _HASHER.hash(secrets.token_hex(16))
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another
KEY_PREFIX = "trellis_"


def hashed(password: str) -> str:
    """The argon2id hash of a password.

    Raises:
        InputError: It is too short or too long.
    """
    if not PASSWORD_MIN <= len(password) <= _PASSWORD_MAX:
        raise InputError(f"a password has {PASSWORD_MIN} to {_PASSWORD_MAX} characters; this one has {len(password)}")
    return _HASHER.hash(password)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether a password belongs to a hash; takes as long when there is none."""
    try:
        return _HASHER.verify(password_hash or _NOBODY, password[:_PASSWORD_MAX]) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """A secret that nobody guesses."""
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """The same for a program; by its beginning a leaked one is found."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def new_code() -> str:
    """A code that a person types from a console: 50 bits, in two halves."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def same_code(one: str, other: str) -> bool:
    """Whether two codes are the same, however they were typed; takes equally long for every wrong one."""
    plain = ["".join(character for character in text.upper() if character.isalnum()) for text in (one, other)]
    return secrets.compare_digest(plain[0].encode(), plain[1].encode())


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
