"""A run under `rondo train`, watched from outside, and what a watch says of stalls and restarts."""

import os
import signal
import subprocess
import threading
import time

from faults.processes import Child, Failure
from faults.watch import Watch

QUICKSTART = """task: language-model
data: {{train: "{text}", validation: 0.02, tokenizer: characters}}
model: {{cell: lstm, layers: 2, hidden: 128, embedding: 64}}
training: {{epochs: 1000000, batch: 32, sequence: 64, adam: {{rate: 0.004}}, clip: 5.0, validate: {checkpoint}}}
checkpoints: {{every: {checkpoint}, keep: 2}}
"""


def await_until(condition, what, seconds=120):
    """Waits for something that must happen."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"{what} did not happen within {seconds} s")
        time.sleep(0.005)
    return found


def applied(watch, since):
    """(time, step) of the steps that looks from then on tell of: exact times, by the server's own clock."""
    found = []
    for now, look in list(watch.looks):
        if now >= since and look.get("lastStepUptimeSeconds"):
            moment = now - (look["uptimeSeconds"] - look["lastStepUptimeSeconds"])
            if not found or look["step"] != found[-1][1]:
                found.append((moment, look["step"]))
    return found


def longest_stall(watch, since, seconds):
    """The longest time without a step after a fault, in a window of so many seconds."""
    steps = [moment for moment, _ in applied(watch, since) if moment > since]
    moments = [since, *steps]
    gaps = [(after - before, before) for before, after in zip(moments, moments[1:]) if before - since < seconds]
    return max(gaps)[0] if gaps else float("inf")


def rate(watch, seconds=2.0):
    """Steps a second, lately."""
    steps = applied(watch, time.monotonic() - seconds)
    if len(steps) < 2 or steps[-1][0] <= steps[0][0]:
        return 0.0
    return (steps[-1][1] - steps[0][1]) / (steps[-1][0] - steps[0][0])


class Trained:
    """`rondo train` as a process of ours, with a monitor beside it."""

    def __init__(self, binaries, folder, configuration, workers, token):
        self.binaries, self.folder = binaries, folder
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "run.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration)
        self.output = os.path.join(folder, "run")
        self.train = Child("rondo train", [os.path.join(binaries, "rondo"), "train", path, "--workers", str(workers),
                                           "--output", self.output], os.path.join(folder, "train.log"), token)
        endpoint_file = os.path.join(self.output, "endpoint")
        await_until(lambda: os.path.exists(endpoint_file), "the start of a server")
        with open(endpoint_file, encoding="utf-8") as file:
            endpoint = file.read().strip()
        self.watch = Watch()
        self.monitor = Child("monitor", [os.path.join(binaries, "rondo"), "monitor", endpoint, "--json", "--every",
                                         "0.02"], os.path.join(folder, "monitor.log"), token, subprocess.PIPE)
        self.reader = threading.Thread(target=self.watch.follow, args=(self.monitor.program.stdout,), daemon=True)
        self.reader.start()

    @property
    def look(self):
        return self.watch.looks[-1][1] if self.watch.looks else None

    def await_workers(self, count):
        """Until so many workers compute."""
        def all_work():
            look = self.look
            return look and look["phase"] == "training" and sum(
                worker["steps"] > 0 for worker in look["workers"]) >= count and rate(self.watch, 1.0) > 0
        await_until(all_work, f"a step by {count} workers")

    def server(self):
        """The server's process: a child of `rondo train`."""
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rsplit(b")", 1)[1].split()[1])
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if parent == self.train.pid and words[0].endswith(b"rondo-server") and b"--partition" not in words:
                return int(name)
        raise Failure("rondo train has no server")

    def close(self):
        self.train.signal(signal.SIGINT)
        if not self.train.ended_within(30):
            self.train.kill()
        self.monitor.kill()
        self.reader.join(10)
        self.monitor.program.stdout.close()
