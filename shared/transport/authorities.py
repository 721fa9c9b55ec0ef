"""Finds the certificate authorities that both doors trust: the system's."""

import ssl
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH

# Where systems keep their authorities, for a Python that was built to look elsewhere.
SYSTEM_FILES: Final = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu
    Path("/etc/pki/tls/cert.pem"),  # Amazon Linux, RHEL, Fedora
    Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),  # Alpine, Arch, macOS
    Path("/etc/ssl/ca-bundle.pem"),  # SUSE
)


@cache
def system_tls() -> ssl.SSLContext:
    """Return one context for all connections: it takes a megabyte, and 30 ms to read.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` name other authorities, as in OpenSSL.
    """
    return make_tls(SYSTEM_FILES)


def make_tls(files: Sequence[Path]) -> ssl.SSLContext:
    """Return a context with the authorities that Python finds, else with the first of `files`."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    has_folder = any(Path(paths.capath).glob("*.0")) if paths.capath else False
    if not context.cert_store_stats()["x509_ca"] and not has_folder:
        found = (file for file in files if file.is_file())
        context.load_verify_locations(cafile=next(found, Path(DEFAULT_CA_BUNDLE_PATH)))
    return context
