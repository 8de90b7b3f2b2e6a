"""What will go wrong when: all of it from one seed."""

import dataclasses
import random


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What is wrong with a link: "down" (nothing passes), "cut" (connections end), "one way" (nothing passes "up",
    from the node, or "down", to it), or "slow" (seconds of delay, and a share that is lost)."""

    kind: str
    direction: str = "up"
    delay: float = 0.0
    loss: float = 0.0

    def __str__(self):
        if self.kind == "slow":
            return f"{1000 * self.delay:.0f} ms of delay, {100 * self.loss:.0f} % lost"
        if self.kind == "one way":
            return f"nothing {'from' if self.direction == 'up' else 'to'} it passes"
        return self.kind


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: with a process ("kill", "stop", "terminate") or with a link ("link")."""

    at: float
    what: str
    target: str
    seconds: float
    trouble: Trouble | None = None

    @property
    def kind(self):
        """What it is counted as."""
        role = self.target.split("-")[0]
        if self.trouble is None:
            return f"{self.what} {role}"
        names = {"down": "link down", "cut": "link cut", "one way": "one way lost", "slow": "delay and loss"}
        return f"{names[self.trouble.kind]}, {role}"

    def __str__(self):
        how = f": {self.trouble}" if self.trouble else ""
        return f"{self.what} {self.target}{how}, for {self.seconds:.1f} s"


# How often each happens, and for how long (at least and at most). A killed or terminated process stays away so long.
PROCESS_FAULTS = [
    ("kill", "worker", 4, 0.0, 2.0), ("kill", "server", 2, 0.0, 1.0), ("kill", "partition", 1.5, 0.0, 0.5),
    ("stop", "worker", 3, 0.3, 12.0), ("stop", "server", 1.5, 0.3, 12.0), ("stop", "partition", 1, 0.3, 12.0),
    ("terminate", "worker", 2, 0.0, 3.0), ("terminate", "server", 1, 0.0, 1.0),
]
LINK_FAULTS = [
    ("down", "worker", 3, 0.5, 10.0), ("down", "server", 1.5, 0.5, 10.0), ("down", "partition", 0.7, 0.5, 10.0),
    ("cut", "worker", 1.5, 0.2, 3.0), ("cut", "server", 0.7, 0.2, 3.0),
    ("one way", "worker", 2, 0.5, 10.0), ("one way", "server", 1, 0.5, 10.0), ("one way", "partition", 0.5, 0.5, 10.0),
    ("slow", "worker", 2, 2.0, 10.0), ("slow", "server", 1, 2.0, 10.0), ("slow", "partition", 0.7, 2.0, 10.0),
]
PAUSE_SECONDS = 2.2


class Setting:
    """What a seed decides besides the faults: nothing of it may change a bit."""

    def __init__(self, seed, workers, partitions):
        chance = random.Random(f"setting {seed}")
        self.seed, self.workers = seed, workers
        drawn = chance.choice([1, 1, 2, 3])
        self.partitions = partitions or drawn
        self.is_encrypted = seed % 2 == 0
        self.shares_memory = [chance.random() < 0.5 for _ in range(workers)]

    @property
    def nodes(self):
        """The server first, with the partition servers that share the parameters with it."""
        return (["server"] + [f"partition-{number}" for number in range(1, self.partitions)]
                + [f"worker-{number}" for number in range(1, self.workers + 1)])

    def __str__(self):
        sharing = sum(self.shares_memory)
        return (f"{self.workers} workers ({sharing} may share memory), {self.partitions} server process"
                f"{'es' if self.partitions > 1 else ''}, {'encrypted' if self.is_encrypted else 'not encrypted'}")


def faults(seed, nodes, seconds):
    """The faults of a run, by time; those of one process or of one link never overlap."""
    chance = random.Random(f"faults {seed}")
    roles = {node.split("-")[0] for node in nodes}
    choices = [(True, *entry) for entry in PROCESS_FAULTS] + [(False, *entry) for entry in LINK_FAULTS]
    choices = [entry for entry in choices if entry[2] in roles]
    weights = [entry[3] for entry in choices]
    found, busy_until, now = [], {}, 0.0
    while True:
        now += min(3 * PAUSE_SECONDS, chance.expovariate(1 / PAUSE_SECONDS))
        if now >= seconds:
            return found
        is_process, what, role, _, least, most = chance.choices(choices, weights)[0]
        target = chance.choice([node for node in nodes if node.split("-")[0] == role])
        # Short ones are as likely as long ones: around the limits both sides count.
        lasts = min(least + (most - least) * chance.random() ** 2, max(0.2, seconds - now))
        trouble = None if is_process else Trouble(
            what, chance.choice(["up", "down"]), chance.uniform(0.005, 0.2), chance.uniform(0.01, 0.2))
        if busy_until.get((target, is_process), 0) > now:
            continue
        busy_until[target, is_process] = now + lasts + 0.3
        found.append(Fault(now, what if is_process else "link", target, lasts, trouble))
