"""A server whose workers sleep instead of computing: how the exchange grows with workers, parameters and partitions."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

from benchmarking.rondo import Failure, output_of

SHARDS = 8
FLOAT_BYTES = 4
START_SECONDS_MAX = 120


def sized_configuration(corpus, megabytes):
    """A run whose parameters take about so many MB: one layer, hardly any tokens."""
    hidden = max(8, round((megabytes * 1e6 / FLOAT_BYTES / 4) ** 0.5) - 8)
    return f"""task: language-model
data: {{train: "{corpus}", validation: 0, tokenizer: characters}}
model: {{cell: lstm, layers: 1, hidden: {hidden}, embedding: 8}}
training: {{epochs: 1000000, batch: {SHARDS}, sequence: 4, shards: {SHARDS}}}
checkpoints: {{every: 1000000000}}
"""


class Cluster:
    """One primary, its partition servers and some simulated workers, as processes that end with the block."""

    def __init__(self, rondo, name, configuration, workers, partitions, step_seconds, shares_memory):
        self.shares_memory = shares_memory
        self.rondo, self.name, self.configuration = rondo, name, configuration
        self.workers, self.partitions, self.step_seconds = workers, partitions, step_seconds
        self.processes = []
        self.log_path = os.path.join(rondo.folder, name + ".log")

    def __enter__(self):
        folder = os.path.join(self.rondo.folder, self.name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        path = os.path.join(folder, "run.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.configuration)
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.log_path)
        try:
            others = []
            for number in range(1, self.partitions):
                endpoint_file = os.path.join(folder, f"partition-{number}")
                self._start("rondo-server", "--partition", "--bind", "tcp://127.0.0.1:*",
                            "--endpoint-file", endpoint_file)
                others += ["--partition-server", self._endpoint(endpoint_file)]
            endpoint_file = os.path.join(folder, "endpoint")
            self._start("rondo-server", path, "--bind", "tcp://127.0.0.1:*", "--output", os.path.join(folder, "run"),
                        "--endpoint-file", endpoint_file, "--workers", str(self.workers), *others)
            self.endpoint = self._endpoint(endpoint_file)
            for number in range(1, self.workers + 1):
                self._start("rondo-worker", "--connect", self.endpoint, "--name", f"worker-{number}",
                            "--simulate", str(self.step_seconds),
                            *([] if self.shares_memory else ["--no-shared-memory"]))
            self._await_steps()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Killed, not stopped: what was never trained needs no checkpoint.
        for process in reversed(self.processes):
            process.send_signal(signal.SIGKILL)
            process.wait()
        shutil.rmtree(os.path.join(self.rondo.folder, self.name), ignore_errors=True)

    def _start(self, program, *arguments):
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.processes.append(subprocess.Popen(
                [self.rondo.program(program), *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    def _endpoint(self, path):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    return file.read().strip()
            if any(process.poll() is not None for process in self.processes):
                break
            time.sleep(0.02)
        raise Failure(f"{self.name}: a server did not start, see {self.log_path}")

    def look(self):
        return json.loads(output_of([self.rondo.program("rondo"), "status", self.endpoint, "--json"], timeout=60))

    def _await_steps(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            with contextlib.suppress(Failure):
                status = self.look()
                if len([worker for worker in status["workers"] if worker["steps"] >= 2]) == self.workers:
                    return
            time.sleep(0.2)
        raise Failure(f"{self.name}: no step by {self.workers} workers, see {self.log_path}")

    def measure(self, seconds):
        """Seconds a step, and of these where the primary's and the partitions' time goes."""
        first = self.look()
        time.sleep(seconds)
        last = self.look()
        for _ in range(30):
            if last["step"] >= first["step"] + 3:
                break
            time.sleep(seconds / 2)
            last = self.look()
        steps = last["step"] - first["step"]
        wall = last["lastStepUptimeSeconds"] - first["lastStepUptimeSeconds"]
        if steps < 1 or wall <= 0:
            raise Failure(f"{self.name}: not a single step between two looks")
        spent = {name: value - first["seconds"].get(name, 0) for name, value in last["seconds"].items()}
        looked = sum(seconds for name, seconds in spent.items() if name != "cpu")
        server = {name: seconds / looked * wall / steps for name, seconds in spent.items()}
        return {"parameters": last["parameters"], "stepSeconds": wall / steps, "steps": steps, "server": server,
                "workers": self.workers, "partitions": self.partitions}
