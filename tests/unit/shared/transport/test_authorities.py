import re
import ssl
from pathlib import Path

import pytest

from shared.transport.authorities import SYSTEM_FILES, make_tls, system_tls
from tests.support.certificates import make_certificate


def names(context: ssl.SSLContext) -> list[str]:
    return re.findall(
        r"'commonName', '([^']*)'", str([one["subject"] for one in context.get_ca_certs()])
    )


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path)[0]


def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python find no authority by itself."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


def test_all_connections_share_one_context() -> None:
    assert system_tls() is system_tls()
    assert ssl.CERT_REQUIRED == system_tls().verify_mode
    assert system_tls().check_hostname


def test_the_environment_may_name_the_authorities(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ["localhost"] == names(make_tls(SYSTEM_FILES))


def test_where_python_finds_none_the_systems_file_is_read(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere(tmp_path, monkeypatch)
    assert ["localhost"] == names(make_tls([tmp_path / "none.pem", certificate]))


def test_where_the_system_has_none_those_that_requests_brings_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere(tmp_path, monkeypatch)
    assert 50 < make_tls([]).cert_store_stats()["x509_ca"]


def test_a_folder_of_authorities_will_do(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere(tmp_path, monkeypatch)
    (tmp_path / "0a1b2c3d.0").write_bytes(certificate.read_bytes())
    assert 0 == make_tls(SYSTEM_FILES).cert_store_stats()["x509_ca"]  # it is read when needed
