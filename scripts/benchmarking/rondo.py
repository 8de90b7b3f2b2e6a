"""Rondo's own measurements: one process, a server with workers, generation."""

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

PRODUCTS = ["rondo", "rondo-server", "rondo-worker", "StepBenchmark"]
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 60


def end_cleanly_when_told():
    """A script that is terminated or hung up ends what it started, as at Ctrl-C."""
    for number in [signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, lambda received, _: sys.exit(128 + received))


class Failure(Exception):
    """A measurement that could not be made."""


def build(root):
    """Installs what is missing and builds the release; returns the folder of the programs."""
    try:
        subprocess.run([os.path.join(root, "scripts", "setup")], check=True, cwd=root)
        shown = subprocess.run(
            [os.path.join(root, "scripts", "build-release"), *PRODUCTS], check=True, cwd=root, text=True,
            stdout=subprocess.PIPE)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise Failure(f"the release could not be built: {problem}") from None
    return shown.stdout.strip()


def output_of(command, timeout=600):
    """What a program prints; what it complains of becomes a failure. It leaves no children behind."""
    name = os.path.basename(command[0])
    try:
        program = subprocess.Popen(
            command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    except OSError as problem:
        raise Failure(f"{name}: {problem}") from None
    try:
        output, errors = program.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failure(f"{name} did not end within {timeout} s") from None
    finally:
        if program.poll() is None:
            kill_group(program)
    if program.returncode != 0:
        raise Failure(f"{name} ended with {program.returncode}: {last_lines(errors)}")
    return output


def kill_group(program):
    """Ends a program that was started in a session of its own, and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def last_lines(text, count=3):
    return " | ".join(line.strip() for line in text.strip().splitlines()[-count:])


class Rondo:
    """The built programs, and a folder for runs that are thrown away."""

    def __init__(self, binaries, folder, precision=None):
        self.binaries, self.folder, self.precision = os.path.abspath(binaries), folder, precision
        missing = [product for product in PRODUCTS if not os.path.exists(self.program(product))]
        if missing:
            raise Failure(f"{self.binaries}: {', '.join(missing)} not there")

    def program(self, name):
        return os.path.join(self.binaries, name)

    def peaks(self, processes):
        """Multiply-add operations a second of so many processes at once, one core each."""
        command = self._step_benchmark("--peak")
        running = [subprocess.Popen(command, text=True, stdout=subprocess.PIPE) for _ in range(processes)]
        return [float(process.communicate()[0]) for process in running]

    def _step_benchmark(self, *arguments):
        return [self.program("StepBenchmark"), *arguments, *(["--precision", self.precision] if self.precision else [])]

    def step(self, model, seconds):
        """Training steps in one process on one core, with clipping and Adam."""
        output = output_of(self._step_benchmark("--json", "--seconds", str(seconds), model.benchmark_name))
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        # The same model with dropout is another one, whose name goes on.
        name = model.benchmark_name + (f" {self.precision}" if self.precision else "")
        found = [line for line in lines if line["model"] == name]
        if not found:
            raise Failure(f"StepBenchmark does not know {name}")
        result = found[0]
        total = sum(result["seconds"].values())
        step = result["stepSeconds"] + result["updateSeconds"]
        shares = {name: value / total * result["stepSeconds"] / step for name, value in result["seconds"].items()}
        shares["adam"] = result["updateSeconds"] / step
        return {
            "tokensPerSecond": model.tokens_per_step / step, "stepSeconds": step, "peak": result["peak"],
            "operationsPerToken": result["operationsPerToken"], "worker": shares,
        }

    @contextlib.contextmanager
    def cluster(self, model, corpus, workers, name):
        """`rondo train` until the block is left. Gives a function that looks at the run, once all workers work."""
        output = os.path.join(self.folder, name)
        shutil.rmtree(output, ignore_errors=True)
        configuration = output + ".yaml"
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(model.configuration(os.path.abspath(corpus), self.precision))
        log_path = output + ".log"
        with open(log_path, "w", encoding="utf-8") as log:
            train = subprocess.Popen(
                [self.program("rondo"), "train", configuration, "--workers", str(workers), "--output", output],
                stdout=log, stderr=log, start_new_session=True)
        try:
            yield self._started(train, output, workers, log_path)
        finally:
            stop(train)
            shutil.rmtree(output, ignore_errors=True)

    @contextlib.contextmanager
    def open_cluster(self, model, corpus, name):
        """A server without keys, which everybody can reach, and one worker, until the block is left. Gives a function
        that looks at the run, and the server's endpoint."""
        output = os.path.join(self.folder, name)
        shutil.rmtree(output, ignore_errors=True)
        configuration, log_path, endpoint_file = output + ".yaml", output + ".log", os.path.join(output, "endpoint")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(model.configuration(os.path.abspath(corpus), self.precision))
        programs = []
        try:
            with open(log_path, "w", encoding="utf-8") as log:
                def start(*words):
                    programs.append(subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True))
                    return programs[-1]

                server = start(self.program("rondo-server"), configuration, "--bind", "tcp://127.0.0.1:*", "--output",
                               output, "--endpoint-file", endpoint_file)
                deadline = time.monotonic() + START_SECONDS_MAX
                while not os.path.exists(endpoint_file):
                    if server.poll() is not None or time.monotonic() > deadline:
                        raise Failure(f"rondo-server does not listen, see {log_path}")
                    time.sleep(0.05)
                with open(endpoint_file, encoding="utf-8") as file:
                    endpoint = file.read().strip()
                start(self.program("rondo-worker"), "--connect", endpoint, "--data", os.path.join(output, "data"))
            yield self._started(server, output, 1, log_path), endpoint
        finally:
            for program in programs:
                if program.poll() is None:
                    stop(program)
            shutil.rmtree(output, ignore_errors=True)

    def _started(self, train, output, workers, log_path):
        endpoint_file = os.path.join(output, "endpoint")

        def look():
            with open(endpoint_file, encoding="utf-8") as file:
                endpoint = file.read().strip()
            return json.loads(output_of([self.program("rondo"), "status", endpoint, "--json"], timeout=30))

        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if train.poll() is not None:
                with open(log_path, encoding="utf-8") as log:
                    raise Failure(f"the run ended with {train.returncode}: {last_lines(log.read())}")
            with contextlib.suppress(Failure, OSError, ValueError):
                status = look()
                busy = [worker for worker in status["workers"] if worker["steps"] >= 2]
                if len(busy) == workers:
                    return look
            time.sleep(0.1)
        raise Failure(f"no step by {workers} workers within {START_SECONDS_MAX} s, see {log_path}")

    def train(self, model, corpus, workers, seconds):
        """A real run of a server and workers, looked at twice while it goes on."""
        with self.cluster(model, corpus, workers, f"{model.name}-{workers}") as look:
            time.sleep(min(2, seconds / 4))
            first = look()
            time.sleep(seconds)
            last = look()
            for _ in range(20):
                if last["step"] > first["step"] + 1:
                    break
                time.sleep(seconds / 2)
                last = look()
        return measured(model, first, last, workers)

    def sampling(self, model, corpus, count, seconds):
        """Generation of `count` samples at once: tokens a second, without the time to start and load."""
        checkpoint = os.path.join(self.folder, f"{model.name}-sampling")
        if not os.path.exists(os.path.join(checkpoint, "checkpoints", "latest")):
            shutil.rmtree(checkpoint, ignore_errors=True)
            configuration = checkpoint + ".yaml"
            with open(configuration, "w", encoding="utf-8") as file:
                file.write(model.configuration(os.path.abspath(corpus), self.precision))
            output_of([self.program("rondo"), "train", configuration, "--workers", "1", "--output", checkpoint,
                       "--set", "training.steps=2"])

        def took(length):
            began = time.perf_counter()
            output_of([self.program("rondo"), "sample", "--checkpoint", checkpoint, "--length", str(length),
                       "--count", str(count), "--temperature", "0.8", "--seed", "1"])
            return time.perf_counter() - began

        start = min(took(1) for _ in range(3))
        trial = 100
        rate = trial / max(0.001, took(trial) - start)
        while (length := int(rate * seconds)) > 4 * trial:
            trial *= 4
            rate = trial / max(0.001, took(trial) - start)
        return {"tokensPerSecond": count * length / max(0.001, took(length + 1) - start)}


def stop(train):
    """Ctrl-C, once; then, if need be, harder. Ends nothing but what was started."""
    train.send_signal(signal.SIGINT)
    try:
        train.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        kill_group(train)


def measured(model, first, last, workers):
    """The speed and the times between two looks at a run."""
    steps = last["step"] - first["step"]
    seconds = (last.get("lastStepUptimeSeconds") or 0) - (first.get("lastStepUptimeSeconds") or 0)
    if steps < 1 or seconds <= 0:
        raise Failure("not a single step between two looks: give more --seconds")
    before = {(worker["name"], worker["process"]): worker["seconds"] for worker in first["workers"]}
    workers_spent = [
        spent(before[worker["name"], worker["process"]], worker["seconds"])
        for worker in last["workers"] if (worker["name"], worker["process"]) in before
    ]
    notes = []
    if len(workers_spent) != workers or last["counters"]["workers-lost"] > first["counters"]["workers-lost"]:
        notes.append("a worker was lost meanwhile")
    if last["parameters"] != model.parameters:
        notes.append(f"the run has {last['parameters']:,} parameters, not {model.parameters:,}")
    if not workers_spent:
        raise Failure("all workers were lost meanwhile")
    names = workers_spent[0]
    return {
        "tokensPerSecond": steps * model.tokens_per_step / seconds, "stepSeconds": seconds / steps, "steps": steps,
        "worker": {name: statistics.fmean(shares[name] for shares in workers_spent) for name in names},
        "server": spent(first["seconds"], last["seconds"]), "note": "; ".join(notes) or None,
    }


def spent(first, last):
    """Each activity's share of the wall time between two looks; "cpu" as a share of it too."""
    differences = {name: last[name] - first.get(name, 0) for name in last}
    wall = sum(value for name, value in differences.items() if name != "cpu")
    if wall <= 0:
        raise Failure("not a single step of a worker between two looks: give more --seconds")
    return {name: value / wall for name, value in differences.items()}
