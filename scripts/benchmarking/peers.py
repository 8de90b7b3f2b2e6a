"""PyTorch and MXNet, each in a virtual environment of its own, on the same work."""

import json
import os
import shutil
import subprocess
import sys

from .rondo import Failure, output_of

SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
# Lists of packages with exact versions and the hashes of their files: nothing else is installed.
PYTORCH = os.path.join(SCRIPTS, "requirements-pytorch.txt")
# The last release of MXNet needs a NumPy that the newest Pythons do not have.
MXNET = os.path.join(SCRIPTS, "requirements-mxnet.txt")
MXNET_PYTHONS = ["3.11", "3.10"]


def runs(python, version=None):
    """Whether this is a Python that works, of that version."""
    check = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", check], text=True, capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and version in (None, done.stdout.strip())


def find_python(versions):
    """A Python of one of these versions: the one that runs us, or one on the path."""
    for version in versions:
        for candidate in [sys.executable, shutil.which(f"python{version}")]:
            if candidate and runs(candidate, version):
                return candidate
    raise Failure(f"MXNet 1.9.1 needs Python {versions[-1]} to {versions[0]}, and none is here; "
                  "give another one's environment with --mxnet PYTHON")


def environment(folder, requirements, module, base):
    """The Python of a virtual environment with the packages of such a list, made if it is not there yet."""
    python = os.path.join(folder, "bin", "python")
    check = [python, "-c", f"import {module}"]
    if os.path.exists(python) and subprocess.run(check, capture_output=True).returncode == 0:
        return python
    print(f"bench: installing {module} into {folder} (a few minutes)", file=sys.stderr, flush=True)
    subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
    # Old packages build with an old setuptools, or not at all: wheels only.
    command = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--require-hashes",
               "--requirement", requirements]
    if subprocess.run(command).returncode != 0 or subprocess.run(check, capture_output=True).returncode != 0:
        raise Failure(f"{module} could not be installed into {folder}")
    return python


class Peers:
    """The peers' Pythons: those that were given, or those of .venv-bench. One that cannot be had is left out."""

    def __init__(self, root, pytorch=None, mxnet=None, precision=None):
        self.precision = precision
        folder = os.path.join(root, ".venv-bench")
        self.problems = []
        self.pytorch = self._prepare(
            pytorch, lambda: environment(os.path.join(folder, "pytorch"), PYTORCH, "torch", sys.executable))
        self.mxnet = self._prepare(
            mxnet, lambda: environment(os.path.join(folder, "mxnet"), MXNET, "mxnet", find_python(MXNET_PYTHONS)))

    def _prepare(self, given, make):
        try:
            if given and not runs(given):
                raise Failure(f"{given}: no Python that works")
            return given or make()
        except (Failure, OSError, subprocess.CalledProcessError) as problem:
            self.problems.append(str(problem))
            print(f"bench: {problem}", file=sys.stderr)
            return None

    def train(self, contestant, model, steps, seconds):
        """Training steps of a peer; the median step counts."""
        peer, _, arguments = contestant.partition(" ")
        python = {"pytorch": self.pytorch, "mxnet": self.mxnet}[peer]
        special = []
        if peer == "pytorch":
            special = ["--seconds-max", str(2 * seconds)] + (["--precision", self.precision] if self.precision else [])
        return self._run(python, [
            os.path.join(SCRIPTS, f"{peer}_training.py"), *arguments.split(), *special, "--steps", str(steps),
            "--batch", str(model.batch), "--sequence", str(model.sequence), *self._shape(model)],
            timeout=60 + 20 * seconds)

    def sampling(self, model, count, seconds, rate):
        """Generation by PyTorch, as many tokens as `rate` allows in the time."""
        tokens = max(50, int(rate * seconds / count))
        return self._run(self.pytorch, [
            os.path.join(SCRIPTS, "pytorch_sampling.py"), *self._shape(model), "--count", str(count),
            "--tokens", str(tokens)], timeout=60 + 20 * seconds)

    @staticmethod
    def _shape(model):
        return ["--layers", str(model.layers), "--hidden", str(model.hidden), "--embedding", str(model.embedding),
                "--vocabulary", str(model.vocabulary)]

    @staticmethod
    def _run(python, arguments, timeout):
        if not python:
            raise Failure("not installed")
        lines = [line for line in output_of([python, *arguments], timeout).splitlines() if line.startswith("{")]
        if not lines:
            raise Failure(f"{os.path.basename(arguments[0])} printed no result")
        return json.loads(lines[-1])
