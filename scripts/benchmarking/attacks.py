"""Peers that mean harm: what they send over a port, gently enough that they do not take the server's processor."""

import contextlib
import os
import select
import socket
import struct
import threading
import time

GREETING = b"\xff" + bytes(7) + b"\x01\x7f\x03\x00NULL" + bytes(48)
PROTOCOL_VERSION = 1
STATUS_REQUEST, SNAPSHOT_REQUEST, SNAPSHOT_CHUNK_REQUEST, HELLO, PUSH = 30, 31, 32, 10, 12


def varint(number):
    """A number as Protocol Buffers write it."""
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def header(kind, body=b"", run="", incarnation=0):
    """A header frame of Rondo's protocol."""
    return (field(1, PROTOCOL_VERSION) + field(2, run.encode()) + field(3, incarnation) + field(kind, body))


def frame(body, more=False):
    """A frame of ZMTP."""
    flag = 1 if more else 0
    if len(body) < 256:
        return bytes([flag, len(body)]) + body
    return bytes([flag | 2]) + struct.pack(">Q", len(body)) + body


class Peer:
    """A TCP connection, and as much of ZMTP 3.0 as it takes to be let in."""

    def __init__(self, endpoint, greets=True):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=5)
        if greets:
            self.greet()

    def greet(self):
        self.socket.sendall(GREETING)
        self.receive(64)
        ready = b"\x05READY" + b"".join(
            bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
            for name, value in [(b"Socket-Type", b"DEALER"), (b"Identity", b"")])
        self.socket.sendall(bytes([4, len(ready)]) + ready)
        self.receive(self.receive(2)[1])

    def receive(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise OSError("closed")
            data += piece
        return data

    def receive_frame(self):
        flags = self.receive(1)[0]
        size = struct.unpack(">Q", self.receive(8))[0] if flags & 2 else self.receive(1)[0]
        return self.receive(size)

    def send(self, *frames):
        self.socket.sendall(b"".join(frame(body, more=body is not frames[-1]) for body in frames))

    def send_if_taken(self, data):
        """Sends if the other end still takes something."""
        if select.select([], [self.socket], [], 0)[1]:
            self.socket.send(data, socket.MSG_DONTWAIT)

    def drain(self):
        if select.select([self.socket], [], [], 0)[0] and not self.socket.recv(1 << 20):
            raise OSError("closed")

    def close(self):
        self.socket.close()


def push(step):
    return field(1, step) + field(2, field(2, 1))


def run_of(peer):
    """Says hello, and learns the run's identifier from the welcome."""
    peer.send(header(HELLO, field(1, b"stranger")))
    welcome = peer.receive_frame()
    assert welcome[2] == 0x12, "no run in the welcome"
    return welcome[4:4 + welcome[3]].decode()


def noise(endpoint, stop):
    """random bytes"""
    while not stop.wait(0.05):
        peer = Peer(endpoint, greets=False)
        peer.socket.sendall(os.urandom(4096))
        peer.close()


def late_noise(endpoint, stop):
    """a greeting, then random bytes"""
    while not stop.wait(0.05):
        peer = Peer(endpoint, greets=False)
        peer.socket.sendall(GREETING + os.urandom(4096))
        peer.close()


def malformed(endpoint, stop):
    """valid frames of random bytes"""
    peer = Peer(endpoint)
    while not stop.wait(0.02):
        peer.send(os.urandom(100), os.urandom(1000))
        peer.drain()


def enormous(endpoint, stop):
    """frames that claim 2^62 bytes"""
    while not stop.wait(0.05):
        peer = Peer(endpoint)
        peer.socket.sendall(b"\x02" + struct.pack(">Q", 1 << 62) + b"abc")
        peer.close()


def many_frames(endpoint, stop):
    """messages of 5,000 frames"""
    peer = Peer(endpoint)
    message = b"".join(frame(b"ab", more=True) for _ in range(4999)) + frame(b"ab")
    while not stop.wait(0.2):
        peer.socket.sendall(message)


def strangers(endpoint, stop):
    """wrong run, wrong life, unknown worker"""
    named, unnamed = Peer(endpoint), Peer(endpoint)
    run = run_of(named)
    while not stop.wait(0.02):
        named.send(header(PUSH, push(3), run="another", incarnation=1))
        named.send(header(PUSH, push(3), run=run, incarnation=77))
        unnamed.send(header(PUSH, push(3), run=run, incarnation=1))
        named.drain()
        unnamed.drain()


def replays(endpoint, stop):
    """replayed gradients of old steps"""
    peer = Peer(endpoint)
    run = run_of(peer)
    step = 0
    while not stop.wait(0.01):
        try:
            for _ in range(2):
                peer.send(header(PUSH, push(step % 3), run=run, incarnation=1))
            peer.drain()
        except OSError:
            peer = Peer(endpoint)
        step += 1


def silent(endpoint, stop):
    """100 connections that never speak"""
    peers = [Peer(endpoint, greets=False) for _ in range(100)]
    while not stop.wait(0.5):
        for index, peer in enumerate(peers):
            if select.select([peer.socket], [], [], 0)[0]:
                try:
                    peer.drain()
                except OSError:
                    peer.close()
                    peers[index] = Peer(endpoint, greets=False)


def crowd(endpoint, stop):
    """1,000 clients at once"""
    peers = [Peer(endpoint) for _ in range(1000)]
    turn = 0
    while not stop.wait(0.02):
        peer = peers[turn % len(peers)]
        peer.send(header(STATUS_REQUEST))
        peer.drain()
        turn += 1


def greedy(endpoint, stop, bytes_a_second=0):
    """asks for all of a snapshot, over and over, and never reads"""
    peer, asked_version = None, 0
    read_at = 0.0
    while not stop.wait(0.01):
        try:
            if peer is None:
                peer = Peer(endpoint)
                peer.send(header(SNAPSHOT_REQUEST))
                snapshot = peer.receive_frame()
                # The version stands first in the snapshot, which stands last in the header.
                asked_version = version_of(snapshot)
            request = frame(header(SNAPSHOT_CHUNK_REQUEST, field(1, asked_version) + field(2, 0)))
            for _ in range(10):
                peer.send_if_taken(request)
            if bytes_a_second and time.monotonic() - read_at > 1:
                read_at = time.monotonic()
                peer.receive(bytes_a_second)
        except OSError:
            peer = None


def slow(endpoint, stop):
    """the same, and reads one byte a second"""
    greedy(endpoint, stop, bytes_a_second=1)


def version_of(message):
    place = message.index(varint(41 << 3 | 2), 4)
    place += 2
    while message[place] & 0x80:
        place += 1
    place += 2
    number = shift = 0
    while True:
        number |= (message[place] & 0x7F) << shift
        if not message[place] & 0x80:
            return number
        shift, place = shift + 7, place + 1


def endless(endpoint, stop):
    """a message that never ends, 50 MB/s"""
    piece = frame(bytes(1 << 20), more=True)
    peer = None
    while not stop.wait(0.02):
        try:
            peer = peer or Peer(endpoint)
            peer.socket.sendall(piece)
        except OSError:
            peer = None


ALL = [noise, late_noise, malformed, enormous, many_frames, strangers, replays, silent, crowd, greedy, slow, endless]


@contextlib.contextmanager
def going_on(attack, endpoint):
    """An attack for as long as the block lasts. Yields the problems that it has met."""
    stop, problems = threading.Event(), []

    def work():
        try:
            attack(endpoint, stop)
        except Exception as problem:  # shown in the table
            problems.append(f"{type(problem).__name__}: {problem}")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield problems
    finally:
        stop.set()
        thread.join(20)
