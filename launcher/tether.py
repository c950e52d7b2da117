"""Runs a command that ends when its parent does, and as another user if told so.

The launcher starts every child through this file, as ``python -I -S tether.py PARENT SIGNAL
USER COMMAND…``: PARENT is the launcher's process id, SIGNAL the number of the signal that the
command gets when the launcher is gone without having stopped it (killed, or out of memory), USER is
``uid:gid`` or ``-``. Linux watches the parent for us; elsewhere the command simply runs.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(words: list[str]) -> None:
    """Become the command; does not return."""
    parent, signal_number, user, *command = words
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if user != "-":
        uid, gid = (int(number) for number in user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if libc is not None:
        # After the change of user, which would undo it.
        libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("the launcher has ended")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
