#!/usr/bin/env python3
"""Daemons on stores that must not be used: each refuses to start, says why, and leaves the file alone.

    stores.py PROGRAM       as root; a line for each thing that held, exit 1 at the first that did not
"""
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import testbed  # noqa: E402

PATIENCE = 60


def hold(what, holds, detail=""):
    if not holds:
        raise testbed.Failure(f"{what} {detail}")
    print(what, flush=True)


class Stores:
    def __init__(self, bed):
        self.bed = bed
        self.state = bed.directory / "state"
        self.plain = bed.router_config().read_text()
        self.file = self.state / "router.db"
        self.key = self.state / "router.key"

    def config(self, section=""):
        path = self.bed.directory / "router.toml"
        path.write_text(self.plain + f'\n[store]\ndirectory = "{self.state}"\n{section}\n')
        return path

    def refused(self, what, *words, section=""):
        before = self.file.read_bytes() if self.file.exists() else None
        ended = subprocess.run(self.bed.inside("ar", self.bed.program, "router", "-c", self.config(section)),
                               capture_output=True, text=True, timeout=PATIENCE, check=False)
        hold(what, ended.returncode == 1 and all(word in ended.stderr for word in words), ended.stderr)
        after = self.file.read_bytes() if self.file.exists() else None
        if after != before:
            raise testbed.Failure(f"{what}: but the file is another one now")

    def start(self):
        daemon = self.bed.start("ar", "router", self.config())
        if daemon.wait_for("router-ready", PATIENCE) is None:
            raise testbed.Failure("the router does not start")
        return daemon

    def stop(self, daemon):
        daemon.command("stop")
        daemon.process.wait(PATIENCE)


def tell(bed):
    stores = Stores(bed)
    daemon = stores.start()
    hold("the first start makes directory, key and store", stores.file.exists() and stores.key.stat().st_size == 32)
    modes = [path.stat().st_mode & 0o777 for path in (stores.state, stores.key, stores.file)]
    hold("for their owner alone", modes == [0o700, 0o600, 0o600], modes)
    # The other's interface, sockets and data path are no obstacle: the store is.
    first = stores.plain
    stores.plain = first.replace("/ar.sock", "/other.sock").replace("/ar\"", "/other\"")
    stores.plain += '\n[datapath]\nbackend = "none"\n'
    stores.refused("a second daemon on the same store", "another process", str(stores.file))
    stores.plain = first
    stores.stop(daemon)

    stores.file.chmod(0o644)
    stores.refused("a store that others may read", "chmod 600", str(stores.file))
    stores.file.chmod(0o600)
    stores.key.chmod(0o640)
    stores.refused("a key that others may read", "chmod 600", str(stores.key))
    stores.key.chmod(0o600)
    shutil.move(stores.key, bed.directory / "right.key")
    stores.refused("a store whose key is missing", "put the key back", str(stores.key))
    stores.key.write_bytes(b"short")
    stores.key.chmod(0o600)
    stores.refused("a key of another length", "32", str(stores.key))
    stores.key.write_bytes(bytes(32))
    stores.refused("another key", "another key", str(stores.file))
    shutil.move(bed.directory / "right.key", stores.key)
    stores.file.unlink()
    stores.refused("a key file that is named but missing", "make_key = true", section='key_file = "absent.key"')

    stores.file.write_text("somebody's notes")
    stores.file.chmod(0o600)
    stores.refused("a file that is no store", "no Sendoff store", str(stores.file))
    stores.file.unlink()
    daemon = stores.start()
    stores.stop(daemon)
    whole = stores.file.read_bytes()
    stores.file.write_bytes(whole[:4096] + bytes(4096) + whole[8192:])
    stores.refused("a damaged store", "damaged", str(stores.file))
    stores.file.write_bytes(whole)
    daemon = stores.start()
    hold("and with the right file it starts", daemon.status()["store"]["kind"] == "sqlite")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with testbed.Testbed(sys.argv[1]) as bed:
        try:
            tell(bed)
        except testbed.Failure as failure:
            print(f"FAILED at {failure}", file=sys.stderr)
            return 1
    print("all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
