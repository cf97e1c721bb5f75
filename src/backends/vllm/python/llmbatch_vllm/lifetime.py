"""No process of the engine outlives the one that started it: vLLM's own stay on, and keep their GPU memory."""

import contextlib
import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 1.0


def die_with_parent() -> None:
    """Ends this process with its parent: called in the worker, which may load for minutes without reading its input, and
    in each process that vLLM spawned. The kernel kills it; where there is no such call, a thread looks. A process whose
    parent died before this line has another parent by now: it knows its own by the environment.
    """
    parent = os.getppid()
    starter = int(os.environ.get("LLMBATCH_STARTER_PID", "0")) or parent
    os.environ["LLMBATCH_STARTER_PID"] = str(os.getpid())
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(lambda: os.getppid() == parent and _is_alive(starter),), daemon=True).start()


def die_with_runner() -> None:
    """The parent may be a shell or `conda run` between llmbatch and us, which lives on."""
    runner = int(os.environ.get("LLMBATCH_RUNNER_PID", "0"))
    if runner > 0 and _is_alive(runner):
        threading.Thread(target=_watch, args=(lambda: _is_alive(runner),), daemon=True).start()


def _watch(is_fine: Callable[[], bool]) -> None:
    while is_fine():
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def end_with_children(code: int) -> None:
    """Watches the processes that vLLM spawned: its synchronous client would wait for a dead one for ever."""
    children = multiprocessing.active_children()
    if children:
        threading.Thread(target=_watch_children, args=(children, code), daemon=True).start()


def _watch_children(children: list, code: int) -> None:
    dead = multiprocessing.connection.wait([child.sentinel for child in children])
    time.sleep(0.2)  # its last lines
    names = ", ".join(f"{child.name} ({child.exitcode})" for child in children if child.sentinel in dead)
    with contextlib.suppress(OSError):  # llmbatch may be gone
        print(f"llmbatch: a process of the engine ended: {names}", file=sys.stderr, flush=True)
    end_group(code)


def end_group(code: int) -> None:
    """Ends this process and all that it started, at once."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(code)


def end_group_later(seconds: float, code: int) -> None:
    """Starts a timer for an end that may hang."""
    timer = threading.Timer(seconds, end_group, args=(code,))
    timer.daemon = True
    timer.start()
