"""Runs a command under ptrace: how many processes it starts, and how much memory each needs at most.

Memory is VmHWM of /proc/PID/status, read while the process is held at its very end
(PTRACE_EVENT_EXIT). ru_maxrss would not do: it carries over the peak of the process that started
the command. The kernel counts pages in batches, VmHWM may lag behind by some dozens; so it counts
only where it is more than Rss of smaps_rollup, which is counted page by page at the same moment.
"""

import ctypes
import os
import re
import signal
import subprocess

SEIZE, CONT, GETEVENTMSG = 0x4206, 7, 0x4201
TRACE_FORK, TRACE_VFORK, TRACE_CLONE, TRACE_EXEC, TRACE_EXIT, EXIT_KILL = (
    0x2, 0x4, 0x8, 0x10, 0x40, 0x100000)
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_EXIT, EVENT_STOP = 1, 2, 3, 4, 6, 128
WALL = 0x40000000
# The command stops itself, so that it is held before its first instruction of interest.
LAUNCHER = ["/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh"]

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=0):
    if libc.ptrace(request, pid, None, data) == -1:
        error = ctypes.get_errno()
        raise OSError(error, "ptrace: " + os.strerror(error))


def status_of(pid):
    """Lines of /proc/PID/status as a dictionary."""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as source:
        return dict(re.findall(r"^(\w+):\s*(.*)$", source.read(), re.M))


def kibibytes(value):
    return int(value.split()[0])


def resident(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as source:
        return kibibytes(re.search(r"^Rss:\s*(.*)$", source.read(), re.M).group(1))


class Traced:
    def __init__(self):
        self.code = None     # exit status; minus the signal
        self.processes = 1   # the command itself, and all that it and its children started
        self.programs = 0    # execve
        self.peaks = []      # (name, VmHWM in octets) of each process at its end

    def peak(self, name=None):
        """Of the process that needed the most, among all or those of that name."""
        return max(octets for each, octets in self.peaks if name in (None, each))


def trace(command, env=None, output=subprocess.DEVNULL):
    """Runs COMMAND to its end. Call it from one thread, with no other child under way."""
    traced = Traced()
    child = subprocess.Popen(LAUNCHER + list(command), env=env, stdin=subprocess.DEVNULL,
                             stdout=output, stderr=subprocess.STDOUT)
    os.waitpid(child.pid, os.WUNTRACED)
    try:
        ptrace(SEIZE, child.pid, TRACE_FORK | TRACE_VFORK | TRACE_CLONE | TRACE_EXEC | TRACE_EXIT |
               EXIT_KILL)
    except OSError:
        child.kill()
        child.wait()
        raise
    os.kill(child.pid, signal.SIGCONT)
    while True:
        try:
            pid, status = os.waitpid(-1, WALL)
        except ChildProcessError:
            return traced
        if os.WIFSTOPPED(status):
            step(traced, pid, status)
        elif pid == child.pid:
            traced.code = child.returncode = os.waitstatus_to_exitcode(status)


def step(traced, pid, status):
    event, delivered = status >> 16, os.WSTOPSIG(status)
    try:
        if event in (EVENT_FORK, EVENT_VFORK, EVENT_CLONE):
            new = ctypes.c_ulong()
            ptrace(GETEVENTMSG, pid, ctypes.addressof(new))
            traced.processes += event != EVENT_CLONE or is_process(new.value)
        elif event == EVENT_EXEC:
            traced.programs += 1
        elif event == EVENT_EXIT and is_process(pid):
            fields = status_of(pid)
            peak = max(kibibytes(fields["VmHWM"]), resident(pid))
            traced.peaks.append((fields["Name"], peak * 1024))
        # An event's stop has no signal to hand on; the SIGCONT of the launcher is harmless.
        ptrace(CONT, pid, 0 if event else delivered)
    except (ProcessLookupError, FileNotFoundError):
        pass  # killed meanwhile


def is_process(pid):
    """And not a further thread of one."""
    return int(status_of(pid)["Tgid"]) == pid
