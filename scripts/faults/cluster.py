"""A server, partition servers and workers as real processes, and somebody who starts them anew when they die."""

import contextlib
import hashlib
import os
import re
import secrets
import signal
import subprocess
import threading
import time

from faults.keys import Keys
from faults.processes import Child, Failure, marked, open_sockets
from faults.watch import Watch

DONE, UNREACHABLE, PARTITION_LOST, INTERRUPTED = 0, 69, 75, 130
# Wrong usage, bad data, an internal error: nothing that happens around a program may make it end so.
CRASHES = (64, 65, 70)
START_SECONDS_MAX = 60
# A run in which nothing happens for so long hangs.
HANG_SECONDS_MAX = 60
RETRIES_MAX = 40


class Slot:
    """A place in which one process after the other lives."""

    def __init__(self, node):
        self.node, self.child, self.start_at = node, None, 0.0
        self.lives = 0
        self.is_expected_to_end = False
        self.pause = 0.0
        self.reason = None

    @property
    def is_alive(self):
        return self.child is not None


class Cluster:
    """A run of a configuration, from the first start to its end, whatever happens meanwhile."""

    def __init__(self, binaries, folder, configuration, setting, network, say, patience=30, watch_interval=0.1):
        self.binaries, self.folder, self.setting, self.network, self.say = binaries, folder, setting, network, say
        self.configuration, self.patience, self.watch_interval = configuration, patience, watch_interval
        self.token = secrets.token_hex(8)
        self.run_folder = os.path.join(folder, "run")
        os.makedirs(os.path.join(folder, "logs"), exist_ok=True)
        self.slots = {node: Slot(node) for node in setting.nodes}
        self.partitions = [slot for node, slot in self.slots.items() if node.startswith("partition")]
        self.workers = [slot for node, slot in self.slots.items() if node.startswith("worker")]
        self.server = self.slots["server"]
        self.listening = set()
        self.watch, self.monitor, self.reader = Watch(), None, None
        self.is_complete = False
        self.retries = 0
        self.restarts = {}
        self.keys = Keys(self.program("rondo"), folder, setting.nodes, setting.is_encrypted)

    def program(self, name):
        return os.path.join(self.binaries, name)

    # MARK: Starts

    def start(self, slot, *command, output=None):
        slot.lives += 1
        slot.start_at, slot.is_expected_to_end = None, False
        log = os.path.join(self.folder, "logs", f"{slot.node}-{slot.lives}.log")
        slot.child = Child(slot.node, [*self.network.inside(slot.node), self.program(command[0]), *command[1:]], log,
                           self.token, output)

    def endpoint_file(self, slot):
        return os.path.join(self.folder, f"{slot.node}.endpoint")

    def forget_endpoint(self, slot):
        self.listening.discard(slot.node)
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.endpoint_file(slot))

    def note_listening(self):
        for slot in [self.server, *self.partitions]:
            if slot.is_alive and slot.node not in self.listening and os.path.exists(self.endpoint_file(slot)):
                with open(self.endpoint_file(slot), encoding="utf-8") as file:
                    self.network.listens(slot.node, file.read().strip())
                self.listening.add(slot.node)

    def start_partition(self, slot):
        self.forget_endpoint(slot)
        self.start(slot, "rondo-server", "--partition", "--bind", self.network.bind(slot.node), "--endpoint-file",
                   self.endpoint_file(slot), *self.keys.of_servers())

    def start_server(self):
        self.forget_endpoint(self.server)
        places = [self.network.endpoint(slot.node, "server") for slot in self.partitions]
        self.start(
            self.server, "rondo-server", self.configuration, "--bind", self.network.bind("server"), "--output",
            self.run_folder, "--workers", str(self.setting.workers), "--endpoint-file",
            self.endpoint_file(self.server), *(["--resume"] if self.server.lives else []), *self.keys.of_servers(),
            *(word for place in places for word in ["--partition-server", place]))

    def start_worker(self, slot):
        shares = self.setting.shares_memory[int(slot.node.split("-")[1]) - 1]
        self.start(slot, "rondo-worker", "--connect", self.network.endpoint("server", slot.node), "--name", slot.node,
                   "--patience", str(self.patience), *self.keys.of_client(slot.node),
                   *([] if shares else ["--no-shared-memory"]))

    def start_monitor(self):
        log = os.path.join(self.folder, "logs", "monitor.log")
        self.monitor = Child(
            "monitor", [*self.network.inside("server"), self.program("rondo"), "monitor",
                        self.network.endpoint("server", "server"), "--json", "--every", str(self.watch_interval),
                        *self.keys.of_client("monitor")], log, self.token, subprocess.PIPE)
        self.reader = threading.Thread(target=self.watch.follow, args=(self.monitor.program.stdout,), daemon=True)
        self.reader.start()

    # MARK: The loop

    def look_after(self):
        """Notes who has died, starts who is due. Call it every few milliseconds until `is_complete`."""
        now = time.monotonic()
        self.note_listening()
        for slot in self.slots.values():
            if slot.is_alive and (code := slot.child.poll()) is not None:
                self.note_end(slot, code, now)
        if self.is_complete:
            return
        for slot in self.partitions:
            if slot.start_at is not None and now >= slot.start_at:
                self.start_partition(slot)
        if self.server.start_at is not None and now >= self.server.start_at and all(
                slot.node in self.listening for slot in self.partitions):
            self.start_server()
        if self.server.lives == 1 and "server" not in self.listening:
            if self.server.child and now - self.server.child.began > START_SECONDS_MAX:
                raise Failure("the server does not listen")
            return
        if self.server.lives == 0:
            return
        for slot in self.workers:
            if slot.start_at is not None and now >= slot.start_at:
                if slot.reason:
                    self.note_consequence(slot.reason)
                    slot.reason = None
                self.start_worker(slot)
        if self.monitor is None or self.monitor.poll() is not None:
            if self.server.node in self.listening:
                self.start_monitor()

    def note_end(self, slot, code, now):
        role = slot.node.split("-")[0]
        child, slot.child = slot.child, None
        if not slot.is_expected_to_end:
            self.say(f"{slot.node} ended with {code}")
        if code in CRASHES or code < 0 and -code not in (signal.SIGKILL, signal.SIGTERM):
            self.fail(f"{slot.node} ended with {code}", child)
        slot.start_at = now + slot.pause
        slot.pause = 0.0
        if role == "server":
            self.note_server_end(child, code, slot.is_expected_to_end, now)
        elif not slot.is_expected_to_end:
            # A worker that was told that the server stops goes; one that waited for too long gives up.
            if code not in (DONE, UNREACHABLE):
                self.fail(f"{slot.node} ended with {code}", child)
            if role == "worker":
                # It may know before the server has ended that the run is complete.
                slot.start_at = now + 0.5
                slot.reason = "worker told to go" if code == DONE else "worker gave up"

    def note_server_end(self, child, code, is_expected, now):
        if code == DONE:
            self.is_complete = True
            return
        if code == PARTITION_LOST or is_expected and code == INTERRUPTED:
            # The partition servers that it began with are started anew, as blank as they were.
            for slot in self.partitions:
                if slot.is_alive:
                    slot.child.kill()
                    slot.child = None
                    slot.start_at = now
                self.forget_endpoint(slot)
            if code == PARTITION_LOST:
                self.note_consequence("partition lost")
        elif not is_expected:
            self.retries += 1
            if code != UNREACHABLE or not self.partitions or self.retries > RETRIES_MAX:
                self.fail(f"the server ended with {code}", child)
            self.note_consequence("partition not reached")
            self.server.start_at = now + 0.5

    def note_consequence(self, what):
        self.restarts[what] = self.restarts.get(what, 0) + 1

    def fail(self, text, child):
        raise Failure("\n  ".join([text, *child.last_lines()]))

    def count_redone(self):
        """Steps that were applied and had to be applied again: each life begins where the newest checkpoint is."""
        redone, last = 0, 0
        for _, look in self.watch.looks:
            redone += max(0, last - look["step"])
            last = look["step"]
        return redone

    # MARK: Faults

    def signal(self, node, number):
        if self.slots[node].is_alive:
            self.slots[node].child.signal(number)
            return True
        return False

    def end_process(self, node, number, seconds):
        """Kills or terminates a process that is to be started anew after a while."""
        slot = self.slots[node]
        if not slot.is_alive or slot.is_expected_to_end:
            return False
        slot.is_expected_to_end, slot.pause = True, seconds
        slot.child.signal(number)
        return True

    # MARK: The end

    def is_hanging(self):
        return time.monotonic() - self.watch.last_news > HANG_SECONDS_MAX

    def finish(self):
        """After the server's end: workers and partition servers go by themselves, or at once when they are asked to."""
        deadline = time.monotonic() + 5
        rest = [slot for slot in self.slots.values() if slot.is_alive]
        while any(slot.child.poll() is None for slot in rest) and time.monotonic() < deadline:
            time.sleep(0.01)
        for slot in rest:
            slot.child.signal(signal.SIGTERM)
        for slot in rest:
            if not slot.child.ended_within(10):
                self.fail(f"{slot.node} does not end at SIGTERM", slot.child)
            slot.child = None

    def digest(self):
        path = os.path.join(self.run_folder, "checkpoints", "latest", "model.safetensors")
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def close(self):
        """Ends whatever still lives."""
        children = [slot.child for slot in self.slots.values() if slot.child] + [self.monitor or None]
        for child in children:
            if child:
                child.kill()
        if self.reader:
            self.reader.join(10)
            self.monitor.program.stdout.close()

    def leftovers(self):
        """Processes, sockets, namespaces and half-written files that are still there a moment after the end. (Shared
        memory has no name, and goes with the last process.)"""
        deadline = time.monotonic() + 5
        while True:
            found = [f"process {pid}" for pid in marked(self.token)]
            found += [f"socket at port {text}" for text in open_sockets(self.network.ports)]
            found += self.network.leftovers()
            found += [f"file {name}" for name in self.unfinished_files()]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def unfinished_files(self):
        for folder, folders, files in os.walk(self.run_folder):
            for name in folders + files:
                if name.startswith(".") or re.search(r"\.(partial|tmp)$", name):
                    yield os.path.relpath(os.path.join(folder, name), self.run_folder)

    def tails(self):
        """The ends of the newest logs."""
        folder = os.path.join(self.folder, "logs")
        lines = []
        for slot in self.slots.values():
            path = os.path.join(folder, f"{slot.node}-{slot.lives}.log")
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    lines += [f"{slot.node}-{slot.lives}: {line.rstrip()}" for line in file.readlines()[-8:]]
        return lines
