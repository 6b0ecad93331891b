import pytest

from service.rules.devices import device_of

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (f"{WINDOWS} Gecko/20100101 Firefox/133.0", "Firefox on Windows"),
        (f"{WINDOWS} {WEBKIT} Safari/537.36 Edg/131.0", "Edge on Windows"),
        (f"{MAC} {WEBKIT} Safari/537.36", "Chrome on a Mac"),
        (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15", "Safari on a Mac"),
        (f"{PHONE} (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1", "Chrome on an iPhone"),
        (f"{PHONE} (KHTML, like Gecko) FxiOS/133.0 Mobile/15E148 Safari/605.1.15", "Firefox on an iPhone"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Mobile Safari/537.36", "Chrome on Android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Safari/537.36", "Chrome on a Chromebook"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Safari/537.36 OPR/116.0", "Opera on Linux"),
        ("curl/8.5.0", "A browser"),
        ("", "A browser"),
        ("<script>" * 1000, "A browser"),
    ],
)
def test_a_browser_is_said_in_plain_words(said, words):
    assert device_of(said) == words
