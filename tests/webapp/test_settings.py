from __future__ import annotations

from freshset.webapp.settings import Settings


def test_this_machine_alone_is_the_default() -> None:
    settings = Settings()
    assert not settings.secure
    assert settings.origin == "http://127.0.0.1:8000"
    assert settings.hosts == {"127.0.0.1", "localhost", "::1"}
    assert settings.trusted_proxies == ()


def test_all_follows_from_the_address() -> None:
    settings = Settings(base_url="https://Label.Example.org")
    assert settings.secure
    assert settings.origin == "https://label.example.org"
    assert "label.example.org" in settings.hosts
