"""Links for a machine on which no network namespaces can be made: one TCP proxy for each, which can do harm."""

import asyncio
import random
import threading
import time

CHUNK_BYTES = 1 << 16
CHUNKS_WAITING_MAX = 64


class Proxy:
    """Listens on loopback and passes on what comes, as well or badly as it is told to."""

    def __init__(self, name, seed):
        self.name, self.target, self.port = name, None, None
        self.random = random.Random(f"{seed} {name}")
        self.trouble = None
        self.writers = set()
        self.tasks = set()
        self.server = None

    async def listen(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        if self.target is None or self.is_cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ours = {writer, back}
        self.writers |= ours
        try:
            pumps = [self.pump(reader, back, "up"), self.pump(there, writer, "down")]
            tasks = [asyncio.ensure_future(pump) for pump in pumps]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self.writers -= ours
            for one in ours:
                one.transport.abort()
            self.tasks.discard(asyncio.current_task())

    @property
    def is_cut(self):
        return self.trouble is not None and self.trouble.kind == "cut"

    def blocks(self, direction):
        return self.trouble is not None and (
            self.trouble.kind == "down" or self.trouble.kind == "one way" and self.trouble.direction == direction)

    async def pump(self, reader, writer, direction):
        """One direction of a connection, until it ends; what is delayed waits in order."""
        queue = asyncio.Queue(CHUNKS_WAITING_MAX)

        async def deliver():
            while True:
                due, data = await queue.get()
                while (left := due - time.monotonic()) > 0 or self.blocks(direction):
                    await asyncio.sleep(min(0.02, max(left, 0.005)))
                if not data:
                    return
                writer.write(data)
                await writer.drain()

        delivery = asyncio.ensure_future(deliver())
        try:
            due = 0.0
            while not delivery.done():
                data = await reader.read(CHUNK_BYTES)
                due = max(due, time.monotonic() + self.delay())
                await queue.put((due, data))
                if not data:
                    break
            await delivery
        except OSError:
            pass
        finally:
            delivery.cancel()

    def delay(self):
        """How long the next bytes are held up: what is lost comes again, as TCP repeats it, a while later."""
        if self.trouble is None or self.trouble.kind != "slow":
            return 0.0
        repeats = 0.2 if self.random.random() < self.trouble.loss else 0.0
        return max(0.0, self.random.gauss(self.trouble.delay, self.trouble.delay / 4)) + repeats

    def suffer(self, trouble):
        self.trouble = trouble
        if self.is_cut:
            for writer in list(self.writers):
                writer.transport.abort()

    async def close(self):
        self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Proxies:
    """All links of a cluster on loopback: a proxy between each worker and the server, and before each partition server.

    The link called "server" is all links of the workers."""

    kind = "loopback"

    def __init__(self, nodes, seed):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.proxies = {node: Proxy(node, seed) for node in nodes if node != "server"}
        self.ports = set()
        for proxy in self.proxies.values():
            self.call(proxy.listen())
            self.ports.add(proxy.port)
        self.server_port = None
        self.troubles = {}

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def inside(self, _):
        """What stands before a command that runs at a node."""
        return []

    def bind(self, node):
        """Where a server at a node listens; it is told once which port it got."""
        return f"tcp://127.0.0.1:{self.server_port or '*'}" if node == "server" else "tcp://127.0.0.1:*"

    def listens(self, node, endpoint):
        """A server says where it listens."""
        port = int(endpoint.rsplit(":", 1)[1])
        self.ports.add(port)
        if node == "server":
            self.server_port = port
            for name, proxy in self.proxies.items():
                if name.startswith("worker"):
                    proxy.target = port
        else:
            self.proxies[node].target = port

    def endpoint(self, node, seen_from):
        """Where a server is reached by another node."""
        if node == "server":
            if seen_from == "server":
                return f"tcp://127.0.0.1:{self.server_port}"
            return f"tcp://127.0.0.1:{self.proxies[seen_from].port}"
        return f"tcp://127.0.0.1:{self.proxies[node].port}"

    def suffer(self, link, trouble):
        """Begins a trouble of a link, or ends all of it (`None`)."""
        self.troubles[link] = trouble
        for name, proxy in self.proxies.items():
            if name == link or (link == "server" and name.startswith("worker")):
                present = self.troubles.get(name) or (self.troubles.get("server") if "worker" in name else None)
                self.loop.call_soon_threadsafe(proxy.suffer, present)

    def close(self):
        if self.loop.is_running():
            for proxy in self.proxies.values():
                self.call(proxy.close())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)
            self.loop.close()

    def leftovers(self):
        return []
