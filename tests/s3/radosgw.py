"""Ceph's radosgw with one disk behind it, on loopback, as a plain cluster of one machine."""

import os
import secrets
import subprocess
import uuid
from pathlib import Path

from typing_extensions import override

from tests.s3.daemons import Daemons, wait_for_port
from tests.support.s3_server import (
    BUCKET,
    NO_SHA256,
    PARTS_UNCONDITIONAL,
    S3,
    Credentials,
    free_port,
)

USER = "tester"
CONF = """
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{mon_2},v1:127.0.0.1:{mon_1}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
keyring = {folder}/keyring
run_dir = {folder}
admin_socket = {folder}/$name.asok
log_file = {folder}/$name.log
pid_file = {folder}/$name.pid
mon_data = {folder}/mon
mgr_data = {folder}/mgr
osd_data = {folder}/osd
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = bluestore
bluestore_block_size = 4294967296
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:{port}
rgw_data = {folder}/rgw
"""
CAPS = ("--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
OSD_CAPS = (
    *("--cap", "mon", "allow profile osd", "--cap", "osd", "allow *"),
    *("--cap", "mgr", "allow profile osd"),
)


class Radosgw(S3):
    """One of each daemon; everything is in the folder."""

    lacks = frozenset({NO_SHA256, PARTS_UNCONDITIONAL})

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, is_https=False)
        self._daemons = Daemons(folder)
        self._conf = folder / "ceph.conf"
        for name in ("mon", "mgr", "osd", "rgw"):
            (folder / name).mkdir()
        self._fsid, self._mon_1, self._mon_2 = str(uuid.uuid4()), free_port(), free_port()
        self._conf.write_text(
            CONF.format(
                folder=folder,
                fsid=self._fsid,
                port=self.port,
                mon_1=self._mon_1,
                mon_2=self._mon_2,
            )
        )
        self._make_keys()
        try:
            self._start()
            self.take(self._make_user(USER))
            self.make_bucket()
        except BaseException:
            self.kill()
            raise

    @override
    def kill(self) -> None:
        self._daemons.stop()

    @override
    def make_bucket(self, name: str = BUCKET) -> None:
        """Make a bucket; its only zone has no name that could be a constraint."""
        self.client(region="us-east-1").create_bucket(Bucket=name)

    @override
    def make_forbidden(self, name: str) -> None:
        """Make it as another user."""
        self.client(self._make_user("other"), region="us-east-1").create_bucket(Bucket=name)

    def _make_user(self, name: str) -> Credentials:
        credentials = Credentials("BOOKTAPE" + secrets.token_hex(6).upper(), secrets.token_hex(20))
        self._run(
            *("radosgw-admin", "-n", "client.rgw", "user", "create", f"--uid={name}"),
            *(f"--display-name={name}", f"--access-key={credentials.key_id}"),
            f"--secret={credentials.secret}",
        )
        return credentials

    def _make_keys(self) -> None:
        keyring = str(self._folder / "keyring")
        make = ("ceph-authtool", keyring, "--gen-key")
        self._run(
            "ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", *CAPS[:3]
        )
        for name in ("client.admin", "client.rgw", "mgr.x"):
            self._run(*make, "-n", name, *CAPS)
        self._run(*make, "-n", "osd.0", *OSD_CAPS)
        monmap = str(self._folder / "monmap")
        addresses = f"[v2:127.0.0.1:{self._mon_2},v1:127.0.0.1:{self._mon_1}]"
        self._run("monmaptool", "--create", "--addv", "a", addresses, "--fsid", self._fsid, monmap)
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)

    def _start(self) -> None:
        self._daemon("ceph-mon", "-i", "a")
        self._daemon("ceph-mgr", "-i", "x")
        disk = str(uuid.uuid4())
        key = self._run("ceph-authtool", str(self._folder / "keyring"), "-n", "osd.0", "-p")
        self._run("ceph", "osd", "new", disk, "0", "-i", "-", given=f'{{"cephx_secret":"{key}"}}')
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self._daemon("ceph-osd", "-i", "0")
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")
        self._daemon("radosgw", "-n", "client.rgw")
        wait_for_port(self.port)

    def _daemon(self, *command: str) -> None:
        self._daemons.start(*command, "-f", "-c", str(self._conf))

    def _run(self, program: str, *arguments: str, given: str = "") -> str:
        command = [program, *arguments]
        if program not in ("ceph-authtool", "monmaptool"):
            command[1:1] = ["-c", str(self._conf)]
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=self._folder,
            env={**os.environ, "CEPH_CONF": str(self._conf)},
        )
        assert not done.returncode, f"{command}: {done.stderr}"
        return done.stdout.strip()
