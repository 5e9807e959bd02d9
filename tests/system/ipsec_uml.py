#!/usr/bin/env python3
"""Runs ipsec.py in a user-mode Linux, whose kernel has ESP for IPv6.

    ipsec_uml.py PROGRAM SCENARIO     as root; exits 77 where no user-mode Linux boots, 1 where it went wrong

PROGRAM must be built without AddressSanitizer, which wants more address space than such a kernel has.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

CANNOT = 77
HERE = pathlib.Path(__file__).resolve().parent
MODULES = ("veth bridge tun xfrm_user esp6 mip6 crypto_null sha256_generic sha512_generic hmac ctr cbc aes_generic "
           "authenc echainiv seqiv jitterentropy_rng drbg nf_tables nft_compat")

# The root is the host's: what is written goes to memory, and the guest finds its modules through a
# name of its own, as the kernel asks for more of them by itself.
INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/run/tmp PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /run
mkdir -p /run/tmp /run/modules/lib
ln -s /usr/lib/uml/modules /run/modules/lib/modules
printf '#!/bin/sh\\nexec /sbin/modprobe -d /run/modules "$@"\\n' >/run/modprobe
chmod +x /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
for module in {modules}; do /run/modprobe -q $module; done
ip link set lo up
echo GUEST booted
python3 {script} {program} {scenario} && echo GUEST right
poweroff -f
"""


def boot(directory, program, scenario):
    init = directory / "init"
    init.write_text(INIT.format(modules=MODULES, script=HERE / "ipsec.py", program=program, scenario=scenario))
    init.chmod(0o700)
    command = ["linux.uml", "mem=512M", "rootfstype=hostfs", "rw", f"init={init}", "quiet",
               f"uml_dir={directory}", "con=null", "con0=fd:0,fd:1"]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              check=False, timeout=400).stdout
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + "\n(it did not end)"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for program, package in (("linux.uml", "user-mode-linux"), ("swanctl", "strongswan-swanctl"),
                             ("charon-systemd", "charon-systemd")):
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            print(f"{program} is not installed (apt-get install {package})")
            return CANNOT
    with tempfile.TemporaryDirectory(prefix="sendoff-") as directory:
        output = boot(pathlib.Path(directory), pathlib.Path(sys.argv[1]).resolve(), sys.argv[2])
    if "GUEST booted" not in output:
        print("user-mode Linux does not boot here:\n" + output[-2000:])
        return CANNOT
    print(output[output.index("GUEST booted"):])
    return 0 if "GUEST right" in output else 1


if __name__ == "__main__":
    sys.exit(main())
