"""What the environment says, read value by value; what is wrong is kept until the end, to be said all at once."""

from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(Exception):
    """Settings are missing or wrong. The text names all of them, and how to set each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Environment:
    """Reads settings by name. A value that is wrong becomes the default, and a sentence in `problems`."""

    def __init__(self, environ: Mapping[str, str], secrets: Collection[str]) -> None:
        self.problems: list[str] = []
        self._environ = environ
        self._secrets = secrets

    def wrong(self, name: str, what: str) -> None:
        self.problems.append(f"{name} {what}.")

    def text(self, name: str) -> str:
        """The value, or for a secret what stands in the file that `<name>_FILE` names."""
        value = self._environ.get(name, "").strip()
        path = self._environ.get(f"{name}_FILE", "").strip() if name in self._secrets else ""
        if not path:
            return value
        if value:
            self.wrong(name, f"is set twice, also as {name}_FILE. Keep one of them")
            return value
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            self.wrong(f"{name}_FILE", "names a file that cannot be read. Check the path and its permissions")
            return ""

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name).lower() or default
        if value not in choices:
            self.wrong(name, f"must be one of: {', '.join(c for c in choices if c)}")
            return default
        return value

    def port(self, name: str, default: int) -> int:
        value = self.text(name)
        if value and not (value.isascii() and value.isdecimal() and 1 <= int(value) <= 65535):
            self.wrong(name, "must be a whole number from 1 to 65535, like 8000")
            return default
        return int(value) if value else default

    def count(self, name: str, default: int, most: int, what: str) -> int:
        """A whole number from 0. `what` ends the sentence: \"must be ...\"."""
        value = self.text(name)
        if value and not (value.isascii() and value.isdecimal() and len(value) < 10 and int(value) <= most):
            self.wrong(name, f"must be {what}")
            return default
        return int(value) if value else default

    def number(self, name: str, default: float, most: float, what: str, least: float = 0) -> float:
        """A number within limits. `what` ends the sentence: \"must be ...\"."""
        value = self.text(name)
        try:
            number = float(value) if value else default
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            self.wrong(name, f"must be {what}")
            return default
        return number

    def url(self, name: str, https: bool = False) -> str:
        value = self.text(name).rstrip("/")
        if not value:
            return ""
        wanted = ("https",) if https else ("http", "https")
        if not _is_address(value, wanted):
            what = f"must be an address like {wanted[0]}://groups.example.org, without a password or a query"
            self.wrong(name, what)
            return ""
        return value


def _is_address(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises where it is none
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in schemes and bool(parts.hostname) and is_plain
