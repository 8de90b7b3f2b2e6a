"""Links between network namespaces: a namespace and a veth pair for each node, and a bridge.

The script itself runs in a namespace of its own (see `available`), which holds the bridge; all namespaces are without a
name and are gone with the last process in them. Delay, loss and one-way links are made by a `Relay` between a node's
end and the bridge, because not every kernel has netem."""

import collections
import contextlib
import ctypes
import fcntl
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time

from faults.processes import LIBC, Child, Failure

CLONE_NEWNET = 0x40000000
MTU = 9000
FRAMES_WAITING_MAX = 4000
PORT = 5555
SIOCETHTOOL = 0x8946
# The checksums of packets, and their splitting: off, because the relay sees packets as they are on the wire.
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x17, 0x1F, 0x24
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4


def commands():
    """The ways into a namespace of one's own: as root, and as anybody where the kernel allows it."""
    return [["unshare", "-n"], ["unshare", "-r", "-n"]]


def available():
    """The way into a namespace in which all that is needed can be done, or `None` and why not."""
    needed = [name for name in ["unshare", "nsenter", "ip"] if not shutil.which(name)]
    if needed:
        return None, f"{', '.join(needed)} not installed"
    probe = ("ip link add bridge type bridge && ip link add n1 type veth peer name n2 && "
             "ip link set n1 master bridge && unshare -n true")
    problem = ""
    for way in commands():
        done = subprocess.run([*way, "sh", "-c", probe], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return way, None
        problem = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        problem = problem[0]
    return None, problem


class Relay(threading.Thread):
    """Passes frames between two interfaces of this namespace, and delays, drops and blocks them."""

    def __init__(self, node_end, bridge_end, trouble, seed):
        super().__init__(daemon=True)
        self.trouble, self.random = trouble, random.Random(seed)
        self.sockets = [self.open(node_end), self.open(bridge_end)]
        self.is_over = threading.Event()

    @staticmethod
    def open(interface):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        raw.bind((interface, ETH_P_ALL))
        raw.setblocking(False)
        return raw

    def run(self):
        waiting = [collections.deque(), collections.deque()]
        while not self.is_over.is_set():
            now = time.monotonic()
            due = min((queue[0][0] for queue in waiting if queue), default=now + 0.05)
            select.select(self.sockets, [], [], min(0.05, max(0.0, due - now)))
            for side in range(2):
                self.take(side, waiting[side])
                self.give(1 - side, waiting[side])

    def take(self, side, queue):
        """Side 0 is the node's: what comes from there goes up."""
        direction = ["up", "down"][side]
        for _ in range(200):
            try:
                frame, address = self.sockets[side].recvfrom(65536)
            except OSError:
                return
            if address[2] == PACKET_OUTGOING or len(queue) >= FRAMES_WAITING_MAX:
                continue
            if self.trouble.kind == "one way" and self.trouble.direction == direction:
                continue
            due = time.monotonic()
            if self.trouble.kind == "slow":
                if self.random.random() < self.trouble.loss:
                    continue
                due += max(0.0, self.random.gauss(self.trouble.delay, self.trouble.delay / 4))
                if queue:
                    due = max(due, queue[-1][0])
            queue.append((due, frame))

    def give(self, side, queue):
        now = time.monotonic()
        while queue and queue[0][0] <= now:
            with contextlib.suppress(OSError):
                self.sockets[side].send(queue[0][1])
            queue.popleft()

    def end(self):
        self.is_over.set()
        self.join(10)
        for raw in self.sockets:
            raw.close()


class Namespaces:
    """A namespace for each node; the server's has the address 10.77.0.1."""

    kind = "namespaces"

    def __init__(self, nodes, seed, folder, token):
        self.seed, self.holders, self.relays, self.downed = seed, {}, {}, set()
        self.addresses = {node: f"10.77.0.{number}" for number, node in enumerate(nodes, 1)}
        self.numbers = {node: number for number, node in enumerate(nodes, 1)}
        self.ports = {PORT}
        self.ip("link", "set", "lo", "up")
        self.ip("link", "add", "bridge", "type", "bridge")
        self.ip("link", "set", "bridge", "up")
        for node in nodes:
            self.make(node, folder, token)

    @staticmethod
    def ip(*words, inside=()):
        done = subprocess.run([*inside, "ip", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"ip {' '.join(words)}: {done.stderr.strip()}")

    def make(self, node, folder, token):
        holder = Child(f"namespace of {node}", ["unshare", "-n", "sleep", "infinity"],
                       os.path.join(folder, "namespaces.log"), token)
        self.holders[node] = holder
        own = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + 10
        while os.readlink(f"/proc/{holder.pid}/ns/net") == own:
            if time.monotonic() > deadline or holder.poll() is not None:
                raise Failure("no network namespace could be made")
            time.sleep(0.005)
        number, inside = self.numbers[node], self.inside(node)
        self.ip("link", "add", f"n{number}", "mtu", str(MTU), "type", "veth", "peer", "name", "wire", "mtu", str(MTU),
                "netns", str(holder.pid))
        self.ip("link", "add", f"r{number}", "mtu", str(MTU), "type", "veth", "peer", "name", f"b{number}", "mtu",
                str(MTU))
        self.ip("link", "set", f"n{number}", "master", "bridge")
        for end in [f"n{number}", f"r{number}", f"b{number}"]:
            self.ip("link", "set", end, "up")
        self.ip("address", "add", f"{self.addresses[node]}/24", "dev", "wire", inside=inside)
        self.ip("link", "set", "lo", "up", inside=inside)
        self.ip("link", "set", "wire", "up", inside=inside)
        self.send_plainly(holder.pid)

    @staticmethod
    def send_plainly(process):
        """Packets of this namespace leave with checksums and in their size on the wire."""
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        theirs = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
        try:
            if LIBC.setns(theirs, CLONE_NEWNET) != 0:
                raise Failure(f"cannot enter a namespace: {os.strerror(ctypes.get_errno())}")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
                for command in [ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO]:
                    value = ctypes.create_string_buffer(struct.pack("II", command, 0))
                    request = struct.pack("16sP", b"wire", ctypes.addressof(value))
                    with contextlib.suppress(OSError):
                        fcntl.ioctl(plain, SIOCETHTOOL, request)
        finally:
            LIBC.setns(own, CLONE_NEWNET)
            os.close(own)
            os.close(theirs)

    def inside(self, node):
        """What stands before a command that runs at a node."""
        return ["nsenter", f"--net=/proc/{self.holders[node].pid}/ns/net"]

    def bind(self, node):
        return f"tcp://{self.addresses[node]}:{PORT}"

    def listens(self, node, endpoint):
        """A server says where it listens: where it was told to."""

    def endpoint(self, node, seen_from):
        """Where a server is reached by another node."""
        return f"tcp://{self.addresses[node]}:{PORT}"

    def suffer(self, link, trouble):
        """Begins a trouble of a link, or ends all of it (`None`)."""
        number = self.numbers[link]
        if link in self.downed:
            self.downed.discard(link)
            self.ip("link", "set", f"n{number}", "up")
        if relay := self.relays.pop(link, None):
            self.ip("link", "set", f"b{number}", "nomaster")
            relay.end()
            self.ip("link", "set", f"n{number}", "master", "bridge")
        if trouble is None:
            return
        if trouble.kind in ("down", "cut"):
            self.downed.add(link)
            self.ip("link", "set", f"n{number}", "down")
            return
        relay = Relay(f"n{number}", f"r{number}", trouble, f"{self.seed} {link}")
        self.ip("link", "set", f"n{number}", "nomaster")
        self.ip("link", "set", f"b{number}", "master", "bridge")
        self.relays[link] = relay
        relay.start()

    def close(self):
        for relay in self.relays.values():
            relay.end()
        self.relays = {}
        self.spaces = [os.readlink(f"/proc/{holder.pid}/ns/net") for holder in self.holders.values()
                       if holder.poll() is None]
        for holder in self.holders.values():
            holder.kill()

    def leftovers(self):
        """Namespaces of ours that a process still lives in."""
        found = []
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if name.isdigit() and os.readlink(f"/proc/{name}/ns/net") in self.spaces:
                    found.append(f"process {name} in a network namespace")
        return found
