"""OpenStack's Swift with its S3 interface, on loopback: four servers, one device, one copy."""

import subprocess
from pathlib import Path

from typing_extensions import override

from tests.s3.daemons import Daemons, wait_for_port
from tests.support.paths import ROOT
from tests.support.s3_server import (
    KEYS_LIKE_SECRETS,
    NOT_ATOMIC,
    OWN_BUCKETS_ONLY,
    S3,
    Credentials,
    free_port,
)

BINARIES = ROOT / ".venv-s3" / "bin"
SECRET = "testing"
PIPELINE = (
    "catch_errors proxy-logging cache listing_formats bulk s3api tempauth copy slo dlo "
    "versioned_writes symlink proxy-logging proxy-server"
)
MINE = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
workers = 0
fallocate_reserve = 0
user = {user}
[pipeline:main]
pipeline = {pipeline}
"""
PROXY = f"""
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {SECRET} .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{{memcached}}
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = eu-central-1
"""
FILTERS = (
    "catch_errors",
    "listing_formats",
    "bulk",
    "copy",
    "slo",
    "dlo",
    "versioned_writes",
    "symlink",
)


class Swift(S3):
    """A proxy, and a server each for accounts, containers and objects."""

    lacks = frozenset({NOT_ATOMIC, KEYS_LIKE_SECRETS, OWN_BUCKETS_ONLY})

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, is_https=False)
        self._daemons = Daemons(folder)
        self._user = subprocess.run(
            ["id", "-un"], check=True, capture_output=True, text=True
        ).stdout.strip()
        (folder / "devices" / "d1").mkdir(parents=True)
        (folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = a\nswift_hash_path_prefix = b\n"
            "[storage-policy:0]\nname = one\ndefault = yes\n"
        )
        try:
            self._start_all()
            self.take(Credentials("test:tester", SECRET))
            self.make_bucket()
        except BaseException:
            self.kill()
            raise

    @override
    def kill(self) -> None:
        self._daemons.stop()

    def _start_all(self) -> None:
        memcached = free_port()
        self._daemons.start("memcached", "-l", "127.0.0.1", "-p", str(memcached), "-u", self._user)
        for kind in ("account", "container", "object"):
            self._start_storage(kind)
        filters = (
            "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in FILTERS)
            + "[filter:proxy-logging]\nuse = egg:swift#proxy_logging\n"
        )
        self._start("proxy", self.port, PIPELINE, PROXY.format(memcached=memcached) + filters)
        wait_for_port(self.port)

    def _start_storage(self, kind: str) -> None:
        port = free_port()
        builder = str(self._folder / f"{kind}.builder")
        for arguments in (
            ("create", "4", "1", "0"),
            ("add", f"r1z1-127.0.0.1:{port}/d1", "1"),
            ("rebalance",),
        ):
            command = [str(BINARIES / "swift-ring-builder"), builder, *arguments]
            # Its status says that one copy is not balanced, which is true.
            subprocess.run(command, capture_output=True, check=False, cwd=self._folder)
        app = f"{kind}-server"
        self._start(kind, port, app, f"[app:{app}]\nuse = egg:swift#{kind}\n")
        wait_for_port(port)

    def _start(self, kind: str, port: int, pipeline: str, more: str) -> None:
        conf = self._folder / f"{kind}-server.conf"
        text = MINE.format(port=port, folder=self._folder, user=self._user, pipeline=pipeline)
        conf.write_text(text + more)
        self._daemons.start(
            str(BINARIES / f"swift-{kind}-server"),
            str(conf),
            environment={"SWIFT_DIR": str(self._folder), "PATH": f"{BINARIES}:/usr/bin:/bin"},
        )
