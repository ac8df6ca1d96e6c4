"""What a process beside ours begins with; it imports little, since each of them imports it."""

import ctypes
import os
import signal
import sys


def end_with(parent: int) -> None:
    """End as soon as `parent` has ended, also in the middle of something.

    Otherwise one that is at work goes on until it is done, as it does where this is not Linux.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)
