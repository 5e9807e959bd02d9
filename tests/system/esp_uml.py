#!/usr/bin/env python3
"""The ESP of Linux as the neighbour of a router daemon: HI and HAck, both ways.

A user-mode Linux with a security association by hand (`ip xfrm`) hangs on the link of the test bed. A
program in it sends HIs without knowing of ESP and is given the HAcks that came inside it.

    esp_uml.py PROGRAM       as root; exits 77 where no user-mode Linux boots, 1 where it went wrong
"""
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import esp  # noqa: E402
import testbed  # noqa: E402

CANNOT = 77
COUNT = 5
MODULES = ("crc-ccitt", "ipv6", "af_packet", "crypto_null", "sha256_generic", "sha512_generic", "hmac", "ctr",
           "jitterentropy_rng", "drbg", "echainiv", "seqiv", "authenc", "xfrm_algo", "xfrm_user", "esp6")

INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /run
for module in {modules}; do
  file=$(find /usr/lib/uml/modules/$(uname -r) -name $module.ko)
  [ -z "$file" ] || insmod $file
done
echo GUEST booted
ip link set lo up
ip link set vec0 up
ip addr add {peer}/64 dev vec0 nodad
ip -6 route add {prefix} dev vec0
ip xfrm state add src {peer} dst {router} proto esp spi {to_router} mode transport \\
   auth-trunc 'hmac(sha256)' 0x{key_to_router} 128 enc 'ecb(cipher_null)' ''
ip xfrm state add src {router} dst {peer} proto esp spi {to_peer} mode transport replay-window 32 \\
   auth-trunc 'hmac(sha256)' 0x{key_to_peer} 128 enc 'ecb(cipher_null)' ''
ip xfrm policy add src {peer} dst {router} proto 135 dir out tmpl proto esp mode transport
ip xfrm policy add src {router} dst {peer} proto 135 dir in tmpl proto esp mode transport
ip xfrm state count
python3 {script} --guest {router}
ip -s xfrm state
poweroff -f
"""


def guest(router):
    """In the user-mode Linux: clear HIs out, clear HAcks in; ESP is the kernel's affair."""
    import select
    import socket
    link = socket.socket(socket.AF_INET6, socket.SOCK_RAW, esp.MOBILITY)
    link.bind((esp.PEER, 0))
    for number in range(1, COUNT + 1):
        header = esp.handover_initiate(esp.PEER, router, number)
        answered = False
        for _ in range(20):
            link.sendto(header, (router, 0))
            if not select.select([link], [], [], 1)[0]:
                continue
            hack = link.recv(2048)
            right = esp.checksum(router, esp.PEER, esp.MOBILITY, hack) == 0
            if hack[2] == esp.HACK and hack[6:8] == header[6:8] and right:
                answered = True
                break
        print(f"GUEST HI {number} {'answered' if answered else 'NOT answered'}", flush=True)


def boot(bed, router):
    tap = "uml0"
    link = bed.namespace("link")
    testbed.run("ip", "-n", link, "tuntap", "add", "dev", tap, "mode", "tap")
    testbed.run(*bed.inside("link", "sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{tap}/disable_ipv6"))
    testbed.run("ip", "-n", link, "link", "set", tap, "master", "br0", "up")
    init = bed.directory / "init"
    init.write_text(INIT.format(modules=" ".join(MODULES), peer=esp.PEER, prefix=testbed.PREFIX, router=router,
                                to_router=esp.TO_ROUTER, to_peer=esp.TO_PEER,
                                key_to_router=esp.KEYS[esp.TO_ROUTER].hex(), key_to_peer=esp.KEYS[esp.TO_PEER].hex(),
                                script=pathlib.Path(__file__).resolve()))
    init.chmod(0o700)
    command = bed.inside("link", "linux.uml", "mem=192M", "rootfstype=hostfs", "rw", f"init={init}", "quiet",
                         f"vec0:transport=tap,ifname={tap},depth=64,mac=02:00:00:00:00:02",
                         f"uml_dir={bed.directory}", "con=null", "con0=fd:0,fd:1")
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=120).stdout
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + "\n(it did not end)"


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--guest":
        return guest(sys.argv[2])
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if not shutil.which("linux.uml"):
        print("user-mode-linux is not installed (apt-get install user-mode-linux)")
        return CANNOT
    with testbed.Testbed(sys.argv[1]) as bed:
        router = esp.prepare_router(bed)
        daemon = esp.start(bed, esp.configuration(bed, router))
        output = boot(bed, router)
        if "GUEST booted" not in output:
            print("user-mode Linux does not boot here:\n" + output[-2000:])
            return CANNOT
        counters = daemon.status()["counters"]["esp"]
        answered = [number for number in range(1, COUNT + 1) if f"GUEST HI {number} answered" in output]
        if len(answered) != COUNT or counters["opened"] < COUNT or counters["sealed"] < COUNT:
            print(f"{len(answered)} of {COUNT} HIs answered; {counters}\n{output[-4000:]}\n" +
                  daemon.log.read_text()[-2000:])
            return 1
        print(f"{COUNT} HIs of Linux were opened, {COUNT} HAcks were opened by Linux")
    return 0


if __name__ == "__main__":
    sys.exit(main())
