"""Seals secrets that must be read again (webhook and destination secrets, hash keys) under the deployment's master keys."""

import base64
import binascii
import os
import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Unavailable

KEY_BYTES = 32
NONCE_BYTES = 12
"""96 random bits: safe for about 2^32 seals under one key (NIST SP 800-38D section 8.3)."""

_ENTRY = re.compile(r"([A-Za-z0-9-]{1,32}):([A-Za-z0-9+/_-]+={0,2})", re.ASCII)
_SEALED = re.compile(r"v1\.([A-Za-z0-9-]{1,32})\.([A-Za-z0-9_-]+)", re.ASCII)


class MasterKeySeal:
    """AES-256-GCM under master keys: the first seals, all unseal, so that a key is rotated by putting a new one first."""

    def __init__(self, master_keys: str) -> None:
        """`master_keys` is `id:base64key` entries separated by commas. Raises ValueError, never with a key in it."""
        entries = [entry.strip() for entry in master_keys.split(",") if entry.strip()]
        if not entries:
            raise ValueError(
                "there is no master key: set `id:base64key`, a new one comes from new_master_key()"
            )
        keys = [_entry(number, entry) for number, entry in enumerate(entries, 1)]
        self._ciphers = dict(keys)
        if len(self._ciphers) != len(keys):
            raise ValueError("two master keys have the same id: give each its own")
        self._sealing = keys[0][0]

    @property
    def key(self) -> str:
        """The id of the first of the master keys: it may be known, it opens nothing."""
        return self._sealing

    def is_current(self, sealed: str) -> bool:
        """Whether the first of the master keys has sealed this."""
        match = _SEALED.fullmatch(sealed)
        return match is not None and match[1] == self._sealing

    def seal(self, context: str, secret: str) -> str:
        """`v1.<key id>.<base64url of nonce and ciphertext>`; it unseals only in the same context."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._sealing].encrypt(nonce, secret.encode(), context.encode())
        return f"v1.{self._sealing}.{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    def unseal(self, context: str, sealed: str) -> str:
        """The secret. Raises Unavailable when it cannot be read, because a missing master key is ours to mend."""
        match = _SEALED.fullmatch(sealed)
        cipher = self._ciphers.get(match[1]) if match else None
        if match is None or cipher is None:
            raise _unreadable("its master key is not among the ones set")
        try:
            box = base64.b64decode(match[2] + "=" * (-len(match[2]) % 4), altchars=b"-_", validate=True)
            return cipher.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], context.encode()).decode()
        except (InvalidTag, ValueError):
            raise _unreadable("it does not open with its master key in this place") from None


def new_master_key() -> str:
    """A random entry `id:base64key` for the master keys setting."""
    return f"{secrets.token_hex(4)}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def _entry(number: int, entry: str) -> tuple[str, AESGCM]:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(
            f"master key {number} is not `id:base64key` (id: letters, digits and hyphens, at most 32)"
        )
    try:
        key = base64.b64decode(match[2].replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        raise ValueError(f"master key {number} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"master key {number} has {len(key)} bytes, but AES-256 needs {KEY_BYTES}")
    return match[1], AESGCM(key)


def _unreadable(why: str) -> Unavailable:
    return Unavailable(
        f"A stored secret cannot be read: {why}. Put the master key that sealed it back into the setting.",
        retry_after=60,
    )
