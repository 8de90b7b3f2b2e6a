"""One run with faults, or quiet, in the process that owns its network."""

import contextlib
import dataclasses
import heapq
import os
import shutil
import signal
import time

from faults import namespaces, plan, processes, proxies
from faults.cluster import Cluster
from faults.processes import Failure

CALIBRATION_STEPS = 400
# Faults take time, so the quiet run takes less than they go on.
QUIET_SHARE = 0.75
# Beyond the time of the faults and that of the quiet run.
ENDING_SECONDS_MAX = 240


def configuration(text, steps):
    """A small model whose step takes some milliseconds; evaluations and checkpoints are hit by faults too."""
    return f"""task: language-model
data: {{train: "{text}", validation: 0.02, tokenizer: characters}}
model: {{cell: lstm, layers: 2, hidden: 64, embedding: 32, dropout: 0.1}}
training: {{epochs: 1000000, steps: {steps}, batch: 24, sequence: 32, validate: {max(1, steps // 20)}}}
checkpoints: {{every: {max(1, steps // 15)}, keep: 2}}
"""


@dataclasses.dataclass
class Orders:
    """What a run is told by the script that started its process."""

    binaries: str
    folder: str
    network: str
    text: str
    steps: int
    seconds: float
    seed: int
    workers: int
    partitions: int
    verbose: bool
    # Of the run without faults; 0 for that run itself.
    quiet_seconds: float = 0.0


class Run:
    """Makes the network and the cluster, does what the plan says, and tells how it went."""

    def __init__(self, orders, faults):
        self.orders, self.faults = orders, faults
        self.setting = plan.Setting(orders.seed, orders.workers, orders.partitions)
        self.began = time.monotonic()
        self.counts = {}
        self.network = self.cluster = None

    def say(self, text):
        line = f"{time.monotonic() - self.began:7.2f} s  {text}"
        with open(os.path.join(self.orders.folder, "events.log"), "a", encoding="utf-8") as file:
            file.write(line + "\n")
        if self.orders.verbose:
            print(f"seed {self.orders.seed}: {line}", flush=True)

    def run(self):
        """The result as a dictionary; what must not happen is named in it too."""
        orders = self.orders
        shutil.rmtree(orders.folder, ignore_errors=True)
        os.makedirs(orders.folder)
        result = {"seed": orders.seed, "setting": str(self.setting), "failure": None, "leftovers": []}
        try:
            self.train(result)
        except Failure as problem:
            result["failure"] = str(problem)
        finally:
            if self.cluster:
                if result["failure"]:
                    result["failure"] += "\n  " + "\n  ".join(self.cluster.tails())
                    self.say("FAILURE " + result["failure"])
                self.cluster.close()
            if self.network:
                self.network.close()
        if self.cluster:
            result["leftovers"] = self.cluster.leftovers()
            result.update(faults=self.counts, redone=self.cluster.count_redone(), restarts=self.cluster.restarts,
                          rate=self.cluster.watch.speed())
        return result

    def train(self, result):
        orders = self.orders
        path = os.path.join(orders.folder, "run.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration(orders.text, orders.steps))
        nodes = self.setting.nodes
        if orders.network == "loopback":
            self.network = proxies.Proxies(nodes, orders.seed)
            self.cluster = self.make(path)
        else:
            # The namespaces' first processes carry the cluster's token as well.
            self.network = namespaces.Namespaces(nodes, orders.seed, orders.folder, f"of-{os.getpid()}")
            self.cluster = self.make(path)
        self.say(str(self.setting))
        self.began = time.monotonic()
        self.loop()
        result["seconds"] = time.monotonic() - self.began
        self.say(f"the run is complete, {orders.steps} steps")
        self.heal()
        self.cluster.finish()
        result["digest"] = self.cluster.digest()

    def make(self, path):
        return Cluster(self.orders.binaries, self.orders.folder, path, self.setting, self.network, self.say)

    def loop(self):
        """Until the run is complete: faults when the first step is done, then what they bring with them."""
        cluster, waiting, order, starts_at, last = self.cluster, [], 0, None, 0.0
        limit = self.began + self.orders.seconds + 4 * self.orders.quiet_seconds + ENDING_SECONDS_MAX
        while not cluster.is_complete:
            cluster.look_after()
            now = time.monotonic()
            if starts_at is None and cluster.watch.step > 0:
                starts_at = now
                for fault in self.faults:
                    order += 1
                    heapq.heappush(waiting, (now + fault.at, order, lambda fault=fault: self.begin(fault)))
            while waiting and waiting[0][0] <= now:
                end = heapq.heappop(waiting)[2]()
                last = time.monotonic()
                if end:
                    order += 1
                    heapq.heappush(waiting, (now + end[0], order, end[1]))
            if not waiting and cluster.is_hanging() and now - last > 60:
                raise Failure(f"nothing has happened for a minute, at step {cluster.watch.step}")
            if now > limit:
                raise Failure(f"not complete after {now - self.began:.0f} s, at step {cluster.watch.step}")
            time.sleep(0.005)

    def begin(self, fault):
        """Does a fault; returns after how long what ends it, if anything has to."""
        cluster, end = self.cluster, None
        if fault.trouble and fault.trouble.kind == "cut" and self.network.kind == "namespaces":
            # A wire does not end connections: nothing passes.
            fault = dataclasses.replace(fault, trouble=dataclasses.replace(fault.trouble, kind="down"))
        if fault.what == "link":
            self.network.suffer(fault.target, fault.trouble)
            end = (fault.seconds, lambda: self.network.suffer(fault.target, None))
        elif fault.what == "stop":
            child = cluster.slots[fault.target].child
            if not cluster.signal(fault.target, signal.SIGSTOP):
                return None
            end = (fault.seconds, lambda: child.signal(signal.SIGCONT))
        else:
            number = signal.SIGKILL if fault.what == "kill" else signal.SIGTERM
            if not cluster.end_process(fault.target, number, fault.seconds):
                return None
        self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
        self.say(f"step {cluster.watch.step}: {fault}")
        return end

    def heal(self):
        """The run may be complete before all faults are over."""
        for slot in self.cluster.slots.values():
            if slot.is_alive:
                slot.child.signal(signal.SIGCONT)
        for node in self.setting.nodes:
            with contextlib.suppress(Failure):
                self.network.suffer(node, None)


def one(orders):
    """A run, with faults if there is time for them."""
    processes.die_with_parent()
    faults = plan.faults(orders.seed, plan.Setting(orders.seed, orders.workers, orders.partitions).nodes,
                         orders.seconds) if orders.seconds > 0 else []
    return Run(orders, faults).run()
