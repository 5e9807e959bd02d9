#!/usr/bin/env python3
"""A mobile node learns that its router's certificate was revoked: real daemons, a real revocation_command.

    revoked.py PROGRAM       as root; a line for each thing that held, exit 1 at the first that did not
"""
import shutil
import sys

from guard import PATIENCE, TREE, hold, testbed, wait_until

ADDRESS = "http://pki.example/anchor.crl"
INTERVAL = 10


class Revoked:
    """An anchor of our own, the router's certificate below it, and the place where its list is published."""

    def __init__(self, bed):
        self.bed = bed
        self.published = bed.directory / "published.crl"
        self.lists = bed.directory / "crl"
        self.lists.mkdir()
        self.asked = bed.directory / "asked"
        self.key = bed.secret_file("router.key", testbed.KEYS / "ar-2048.pem")
        self.cert("anchor", "--name", "Network", "--prefix", "2001:db8::/32", "--out-cert", self.file("anchor.pem"),
                  "--out-key", self.file("anchor.key"))
        self.certify("first")

    def file(self, name):
        return self.bed.directory / name

    def cert(self, *words):
        return testbed.run(self.bed.program, "cert", *words)

    def certify(self, name):
        self.cert("router", "--issuer-cert", self.file("anchor.pem"), "--issuer-key", self.file("anchor.key"), "--name", name,
                  "--prefix", testbed.PREFIX, "--key", self.key, "--crl-uri", ADDRESS, "--out-cert", self.file(f"{name}.pem"))

    def publish(self, *revoked):
        """A list of the anchor's that has these certificates, besides those that it had."""
        words = [word for name in revoked for word in ("--cert", self.file(f"{name}.pem"))]
        self.cert("revoke", "--issuer-cert", self.file("anchor.pem"), "--issuer-key", self.file("anchor.key"),
                  "--crl", self.published, *words)

    def command(self):
        """What the node runs: it notes its arguments and fetches the list, if one is published."""
        path = self.file("fetch")
        path.write_text(f"""#!/bin/sh
echo "$@" >> {self.asked}
[ -e {self.published} ] || exit 1
cp {self.published} "$1/.new" && mv "$1/.new" "$1/anchor.crl"
""")
        path.chmod(0o755)
        return path

    def router_config(self, name):
        path = self.bed.router_config()
        text = path.read_text()
        text = text.replace(f'"{self.bed.directory}/chain.pem"', f'"{self.file(name + ".pem")}"')
        path.write_text(text.replace(f'"{self.bed.directory}/ar-anchor.pem"', f'"{self.file("anchor.pem")}"'))
        return path

    def mobile_config(self):
        path = self.bed.mobile_config()
        text = path.read_text()
        path.write_text(text.replace(f'anchors = ["{self.bed.directory}/mn-anchor.pem"]', f"""anchors = ["{self.file('anchor.pem')}"]
revocation_lists = "{self.lists}"
revocation_command = ["{self.command()}"]
revocation_interval = {INTERVAL}"""))
        return path


def link_of(node):
    return node.status()["interfaces"][0]


def tell(bed):
    world = Revoked(bed)
    router = bed.start("ar", "router", world.router_config("first"))
    node = bed.start("mn", "mobile", world.mobile_config())
    fetched = node.wait_for("path-fetched", PATIENCE)
    hold("a router whose list nobody has published is provisional",
         fetched and fetched["revocation"] == "provisional" and link_of(node)["revocation"] == "provisional", fetched)
    hold("its list is looked for where its certificate says, for the directory that is configured",
         wait_until(lambda: world.asked.exists() and f"{world.lists} {ADDRESS}" in world.asked.read_text()))
    world.publish()
    hold("it is good once its list can be fetched", wait_until(lambda: link_of(node)["revocation"] == "good"), link_of(node))
    hold("and the node has its key", node.wait_for("key-received", 3 * PATIENCE))

    world.publish("first")
    withdrawn = node.wait_for("path-withdrawn", PATIENCE)
    hold("the node hears that it was revoked", withdrawn and withdrawn["reason"] == "revoked", withdrawn)
    discarded = node.wait_for("key-discarded", PATIENCE)
    hold("drops the handover key that it had from there",
         discarded and discarded["reason"] == "router-withdrawn" and not node.status()["keys"], discarded)
    hold("it has no router then", wait_until(lambda: link_of(node)["router"] is None), link_of(node))
    refused = node.wait_for("path-refused", PATIENCE)
    hold("the same path is refused when it comes again", refused and refused["reason"] == "revoked", refused)
    hold("and the router stays none", link_of(node)["router"] is None)

    router.process.terminate()
    router.process.wait(30)
    world.certify("second")
    bed.start("ar", "router", world.router_config("second"))
    hold("with another certificate for the same key it is one again",
         wait_until(lambda: link_of(node)["revocation"] == "good"), link_of(node))

    shutil.copy(TREE / "README.md", world.lists / "not-a-list")
    hold("a file that is no list is left out, with a warning",
         wait_until(lambda: "not-a-list is left out" in node.log.read_text()))
    hold("and harms nothing", link_of(node)["revocation"] == "good", link_of(node))


def main():
    with testbed.Testbed(sys.argv[1]) as bed:
        try:
            tell(bed)
        except testbed.Failure as failure:
            print(f"FAILED: {failure}")
            for log in sorted(bed.directory.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-4000:]}")
            return 1
    print("revoked: all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
