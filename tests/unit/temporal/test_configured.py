# SPDX-License-Identifier: Apache-2.0
"""What environment and files say of Temporal."""

import os
from pathlib import Path

import pytest
from temporalio.service import TLSConfig

from relocate.settings import Settings
from relocate.temporal.connection import configured


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests counts."""
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))


def test_by_default_it_is_on_this_machine() -> None:
    """At its usual port, without TLS."""
    assert configured(Settings()) == {"target_host": "localhost:7233"}


def test_address_and_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """By Temporal's own names."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.test:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "edge")
    assert configured(Settings()) == {"target_host": "temporal.test:7233", "namespace": "edge"}


def test_certificates_are_read_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So that a change is seen."""
    files = {"SERVER_CA_CERT": "ca.crt", "CLIENT_CERT": "tls.crt", "CLIENT_KEY": "tls.key"}
    for variable, file in files.items():
        (tmp_path / file).write_text(file)
        monkeypatch.setenv(f"TEMPORAL_TLS_{variable}_PATH", str(tmp_path / file))
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_NAME", "temporal.test")
    before = configured(Settings())
    assert before["tls"] == TLSConfig(
        server_root_ca_cert=b"ca.crt", domain="temporal.test", client_cert=b"tls.crt", client_private_key=b"tls.key"
    )
    assert configured(Settings()) == before
    (tmp_path / "tls.crt").write_text("another")
    assert configured(Settings()) != before


def test_an_api_key_brings_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be read by everybody on the way."""
    monkeypatch.setenv("TEMPORAL_API_KEY", "key-1")
    assert configured(Settings()) == {"target_host": "localhost:7233", "api_key": "key-1", "tls": True}


def test_an_api_key_from_a_file_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is read each time, without the line's end that editors leave, and brings TLS just so."""
    file = tmp_path / "api-key"
    file.write_text("key-2\n")
    monkeypatch.setenv("TEMPORAL_API_KEY", "key-1")
    settings = Settings(temporal_api_key_file=file)
    assert configured(settings) == {"target_host": "localhost:7233", "api_key": "key-2", "tls": True}
    file.write_text("key-3")
    assert configured(settings)["api_key"] == "key-3"


def test_tls_may_be_said_besides_a_key_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own settings stay as they are."""
    (tmp_path / "api-key").write_text("key")
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_NAME", "temporal.test")
    tls = configured(Settings(temporal_api_key_file=tmp_path / "api-key"))["tls"]
    assert isinstance(tls, TLSConfig)
    assert tls.domain == "temporal.test"
