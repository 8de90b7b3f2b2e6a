"""Processes that cannot outlive the script, and what may be left when they are gone."""

import ctypes
import os
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
MARK = "RONDO_FAULTS"


class Failure(Exception):
    """Something that must not happen, or that keeps the script from its work."""


def die_with_parent():
    """Before a child's exec: it is killed when the thread that starts it ends, however that happens."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Child:
    """A process of ours, and the file that its words go to."""

    def __init__(self, name, command, log, token, output=None):
        self.name, self.command, self.log = name, command, log
        self.began = time.monotonic()
        self.is_stopped = False
        with open(log, "ab") as file:
            try:
                self.program = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output or file, stderr=file, start_new_session=True,
                    env={**os.environ, MARK: token}, preexec_fn=die_with_parent)
            except OSError as problem:
                raise Failure(f"{name}: {problem}") from None
        self.pid = self.program.pid

    def poll(self):
        """The exit code, negative for a signal; `None` while it lives."""
        return self.program.poll()

    def signal(self, number):
        """Sends a signal, if the process still lives."""
        if self.program.poll() is None:
            os.kill(self.pid, number)
            if number in (signal.SIGSTOP, signal.SIGCONT):
                self.is_stopped = number == signal.SIGSTOP

    def kill(self):
        """Ends it at once and waits for that."""
        self.signal(signal.SIGKILL)
        self.program.wait()

    def ended_within(self, seconds):
        """Whether it ends by itself in time."""
        try:
            self.program.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_lines(self, count=12):
        """The end of its log."""
        with open(self.log, "rb") as file:
            file.seek(max(0, os.path.getsize(self.log) - 20_000))
            lines = file.read().decode(errors="replace").splitlines()
        return [f"{os.path.basename(self.log)}: {line}" for line in lines[-count:]]


def marked(token):
    """The processes that were started with this token, or by such a one, and still live."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                is_ours = f"{MARK}={token}".encode() in file.read().split(b"\0")
            with open(f"/proc/{name}/stat", "rb") as file:
                is_alive = file.read().rsplit(b")", 1)[1].split()[0] != b"Z"
            if is_ours and is_alive:
                found.append(int(name))
        except OSError:
            continue
    return found


def open_sockets(ports):
    """Listening and established TCP sockets of this network namespace at these ports: "PORT state"."""
    states = {"01": "established", "0A": "listening"}
    found = []
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            fields = line.split()
            for address in fields[1:3]:
                port = int(address.split(":")[1], 16)
                if port in ports and fields[3] in states:
                    found.append(f"{port} {states[fields[3]]}")
                    break
    return found


def resources(process):
    """A process's open file descriptors, resident bytes and threads."""
    with open(f"/proc/{process}/status", encoding="utf-8") as file:
        fields = dict(line.split(":", 1) for line in file)
    return {
        "descriptors": len(os.listdir(f"/proc/{process}/fd")),
        "resident": int(fields["VmRSS"].split()[0]) * 1024, "threads": int(fields["Threads"]),
    }
