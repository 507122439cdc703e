#!/usr/bin/python3
"""Runs a program as a container of Kubernetes would: pod.py IMAGE USER BYTES ARGUMENT...

With the folder IMAGE as its root, read-only but for /tmp; as a user that nobody has, without capabilities, which it cannot gain; and with
a limit of memory. Needs root, and a mount namespace of its own (unshare --mount).
"""

import ctypes
import os
import resource
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
LAST_CAPABILITY = 63


def mount(*arguments):
    """Mounts in the namespace of this process."""
    subprocess.run(["mount", *arguments], check=True)


def main(image, user, memory, arguments):
    """Becomes the program."""
    mount("--bind", image, image)
    mount("--options", "remount,bind,ro,nosuid,nodev", image)
    mount("--types", "tmpfs", "--options", "size=64m,mode=1777", "tmpfs", f"{image}/tmp")
    mount("--bind", "/proc", f"{image}/proc")
    os.chroot(image)
    os.chdir("/")
    prctl = ctypes.CDLL(None).prctl
    for capability in range(LAST_CAPABILITY + 1):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    os.execv("/jornada", ["/jornada", *arguments])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
