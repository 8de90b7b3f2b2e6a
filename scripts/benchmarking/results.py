"""What was measured, round by round, and the figures that are made of it."""

import collections
import statistics

# What is measured in a round, in this order: the key, what people read, and how many cores compute.
RONDO = [
    ("rondo 2", "Rondo, server + 2 workers", 2),
    ("rondo 0", "Rondo, one process", 1),
    ("rondo 1", "Rondo, server + 1 worker", 1),
]
# The rest of a key are arguments of the peer's script.
WITH_PEERS = [
    ("rondo 2", "Rondo, server + 2 workers", 2),
    ("pytorch --processes 2", "PyTorch DDP, 2 processes", 2),
    ("mxnet --workers 2", "MXNet dist_sync, 2 workers", 2),
    ("rondo 0", "Rondo, one process", 1),
    ("pytorch --threads 1", "PyTorch, 1 thread", 1),
    ("rondo 1", "Rondo, server + 1 worker", 1),
    ("pytorch --threads 2", "PyTorch, 2 threads", 2),
]
# The order in which people read them: what computes on two cores, then what computes on one.
READING_ORDER = [
    "rondo 2", "pytorch --processes 2", "pytorch --threads 2", "mxnet --workers 2", "rondo 1", "rondo 0",
    "pytorch --threads 1",
]
PEERS = {"pytorch": "PyTorch", "mxnet": "MXNet"}
TITLES = {key: title for key, title, _ in WITH_PEERS}
CORES = {key: cores for key, _, cores in WITH_PEERS}
RATIOS = [
    ("rondo 2", "pytorch --processes 2"), ("rondo 2", "pytorch --threads 2"), ("rondo 2", "mxnet --workers 2"),
    ("rondo 0", "pytorch --threads 1"),
]
SAMPLING_RATIOS = [("rondo sample 1", "pytorch sample 1"), ("rondo sample 32", "pytorch sample 32")]

# The activities that `rondo status --json` and StepBenchmark name, as people read them.
WORKER_ACTIVITIES = [
    ("input product", ["inputProduct"]),
    ("recurrent product", ["recurrentProduct"]),
    ("gates", ["gates"]),
    ("output layer and loss", ["output", "loss"]),
    ("weight gradients", ["weightGradients"]),
    ("packing", ["packingWeights", "packingRows"]),
    ("other computing", ["embedding", "dropout", "other", "evaluate"]),
    ("clip and Adam", ["adam"]),
    ("push", ["push"]),
    ("weights in place", ["weights"]),
    ("wait", ["wait"]),
]
SERVER_ACTIVITIES = [
    ("receive", ["receive"]), ("server sum", ["sum"]), ("norm", ["norm"]), ("Adam", ["adam"]), ("send", ["send"]),
    ("other", ["other", "checkpoint"]), ("idle", ["idle"]),
]


class Results:
    """Measurements by model and contestant."""

    def __init__(self):
        self.samples = collections.defaultdict(list)
        self.problems = []
        self.versions = []
        self.peak = None
        self.peaks_at_once = None

    def add(self, model, key, round_number, result):
        self.samples[model.name, key].append(dict(result, round=round_number))
        if result.get("version"):
            version = f"{PEERS[key.split()[0]]} {result['version']}"
            self.versions = sorted({*self.versions, version}, reverse=True)
        if result.get("note"):
            self.note(f"{model.name}, {TITLES.get(key, key)}: {result['note']}")

    def note(self, problem):
        if problem not in self.problems:
            self.problems.append(problem)

    def tokens_per_second(self, model, key):
        """The median over the rounds; None if it was never measured."""
        values = [sample["tokensPerSecond"] for sample in self.samples[model.name, key]]
        return statistics.median(values) if values else None

    def rate(self, model, key):
        """Operations a second."""
        speed = self.tokens_per_second(model, key)
        return None if speed is None else speed * model.operations_per_token

    def share_of_peak(self, model, key):
        rate = self.rate(model, key)
        return None if rate is None or not self.peak else rate / (CORES[key] * self.peak)

    def ratio(self, model, key, other):
        """The median of the ratios within one round, and how many rounds it comes from; None without any."""
        ours = {sample["round"]: sample["tokensPerSecond"] for sample in self.samples[model.name, key]}
        theirs = {sample["round"]: sample["tokensPerSecond"] for sample in self.samples[model.name, other]}
        ratios = [ours[number] / theirs[number] for number in ours if number in theirs]
        return (statistics.median(ratios), len(ratios)) if ratios else None

    def activities(self, model, key, side):
        """Milliseconds a step and share by activity, of the `side` "worker" or "server"; {} without measurements."""
        samples = [sample for sample in self.samples[model.name, key] if side in sample]
        if not samples:
            return {}
        milliseconds = 1000 * statistics.median(sample["stepSeconds"] for sample in samples)
        names = {name for sample in samples for name in sample[side]}
        shares = {name: statistics.fmean(sample[side].get(name, 0) for sample in samples) for name in names}
        table = WORKER_ACTIVITIES if side == "worker" else SERVER_ACTIVITIES
        rows = {title: sum(shares.pop(name, 0) for name in group) for title, group in table}
        processor = shares.pop("cpu", None)
        # An activity that is new to this script is shown by its own name.
        rows.update(sorted(shares.items()))
        if side == "server":
            rows["all but idle"] = sum(share for title, share in rows.items() if title != "idle")
        if processor is not None:
            rows["processor time"] = processor
        return {title: (share * milliseconds, share) for title, share in rows.items()}
