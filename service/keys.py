"""The secrets of an installation: made once in its data directory, or given as settings."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from service.models.sealed import Keyring
from service.settings import Settings, SettingsError


def secret_key(settings: Settings) -> str:
    return settings.secret_key or _kept(settings.data_dir / "secret_key", lambda: secrets.token_urlsafe(48))


def keyring(settings: Settings) -> Keyring:
    """Raises SettingsError where the keys cannot be read as keys."""
    text = settings.field_keys or _kept(settings.data_dir / "field_keys", _new_field_key)
    try:
        return Keyring.parse(text)
    except ValueError as error:
        raise SettingsError(
            [f"FIELD_KEYS must look like k1:<32 bytes in base64>, newest first, separated by commas ({error})."]
        ) from error


def _new_field_key() -> str:
    return "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()


def _kept(path: Path, make: Callable[[], str]) -> str:
    """What the file holds. Made when missing; of several processes that make it at once, one wins."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(make() + "\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
