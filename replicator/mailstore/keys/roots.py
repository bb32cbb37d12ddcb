"""Root secrets: where the key that opens a slot of the keyring comes from."""

import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from connectors.errors import ConfigError, KeyRefused, Tampered
from replicator.mailstore.files import sync_folder
from replicator.mailstore.keys.derivation import RandomBytes, expand
from replicator.privacy import others_have_access

Parameters = dict[str, str | int]
"""What a slot notes, in clear, about how its key is made."""


class Root(Protocol):
    """A root secret. Its repr and its text say where it comes from, never what it is."""

    kind: str

    def parameters(self, random_bytes: RandomBytes) -> Parameters:
        """The parameters of a new slot."""
        ...

    def slot_key(self, parameters: Parameters) -> bytes:
        """The 64-byte key of a slot with these parameters. Raises KeyRefused, ConfigError, Tampered."""
        ...


class FileRoot:
    """A key file: 32 random bytes in base64, readable by its owner only."""

    kind = "file"

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"FileRoot({self.path})"

    def __str__(self) -> str:
        return f"the key file {self.path}"

    @classmethod
    def create(cls, path: Path, random_bytes: RandomBytes = os.urandom) -> "FileRoot":
        """Makes the key and its file, durable on return; never over an existing file (FileExistsError)."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(random_bytes(32)) + b"\n")
            file.flush()
            os.fsync(descriptor)
        sync_folder(path.parent)
        return cls(path)

    def parameters(self, random_bytes: RandomBytes) -> Parameters:  # noqa: ARG002 - the key is random already
        """None: the file's key is as good as a key can be."""
        return {}

    def slot_key(self, parameters: Parameters) -> bytes:  # noqa: ARG002 - there are none
        """From the file's 32 bytes. Raises KeyRefused without a usable file, ConfigError if others can read it."""
        try:
            with self.path.open("rb") as file:
                shared, text = others_have_access(file.fileno()), file.read(1024)
        except OSError as error:
            raise KeyRefused(f"the key file {self.path} cannot be read: {error.strerror}", "put it back") from error
        if shared:
            raise ConfigError(f"the key file {self.path} can be read by others", f"chmod 600 {self.path}")
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except binascii.Error as error:
            raise KeyRefused(f"{self.path} is not a key file", "it holds 32 bytes in base64") from error
        if len(key) != 32:
            raise KeyRefused(f"{self.path} is not a key file", "it holds 32 bytes in base64")
        return expand(key, b"slot file", 64)


class PassphraseRoot:
    """A passphrase, stretched by Argon2id (RFC 9106) with 64 MiB, 3 passes, 4 lanes: 0.15 s."""

    kind = "passphrase"
    _LIMITS = (("memory_kib", 8, 1 << 20), ("passes", 1, 16), ("lanes", 1, 16))

    def __init__(self, passphrase: Callable[[], str]) -> None:
        self._passphrase = passphrase

    def __repr__(self) -> str:
        return "PassphraseRoot(…)"

    def __str__(self) -> str:
        return "the passphrase"

    def parameters(self, random_bytes: RandomBytes) -> Parameters:
        """A fresh salt and the present cost."""
        return {"salt": random_bytes(16).hex(), "memory_kib": 65536, "passes": 3, "lanes": 4}

    def slot_key(self, parameters: Parameters) -> bytes:
        """Raises KeyRefused if the passphrase is empty, Tampered if the parameters are none that a slot can have."""
        passphrase = self._passphrase().encode()
        if not passphrase:
            raise KeyRefused("the passphrase is empty", "set it where the configuration says")
        for name, least, most in self._LIMITS:
            value = parameters.get(name)
            if not isinstance(value, int) or not least <= value <= most:
                raise Tampered("keyring.json: a passphrase slot has impossible parameters", "restore it from a backup")
        try:
            salt = bytes.fromhex(str(parameters["salt"]))
            lanes, passes, memory = (int(parameters[name]) for name in ("lanes", "passes", "memory_kib"))
            kdf = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
        except (KeyError, ValueError) as error:
            raise Tampered("keyring.json: a passphrase slot has impossible parameters", "restore it") from error
        return expand(kdf.derive(passphrase), b"slot passphrase", 64)
