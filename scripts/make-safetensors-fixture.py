#!/usr/bin/env python3
"""Writes the safetensors fixture that CheckpointsTests reads and must be able to write byte for byte.

Needs the packages torch and safetensors. Run it from anywhere: it writes beside the tests, and says where.
With --check FILE..., it instead loads files that Rondo wrote and prints each tensor's name, type, shape and sum.
"""

import argparse
import pathlib

import torch
from safetensors import safe_open
from safetensors.torch import save_file

FIXTURE = pathlib.Path(__file__).parent.parent / "Tests/CheckpointsTests/Fixtures/pytorch.safetensors"


def tensors():
    """Small tensors of each type that Rondo writes, with values that a test can compute again."""
    return {
        "rnn.weight_ih_l0": torch.arange(12, dtype=torch.float32).reshape(4, 3) * 0.25 - 1,
        "rnn.bias_ih_l0": torch.arange(4, dtype=torch.float32) - 0.5,
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 5),
        "doubles": torch.arange(3, dtype=torch.float64) / 3,
        "counts": torch.tensor([-1, 2**40], dtype=torch.int64),
        "bytes": torch.tensor([0, 127, 255], dtype=torch.uint8),
        'quoted "ü"\n\x01': torch.ones(1),
    }


def check(path):
    with safe_open(path, framework="pt") as file:
        print(path, file.metadata())
        for name in file.keys():
            tensor = file.get_tensor(name)
            print(f"  {name!r} {tensor.dtype} {list(tensor.shape)} sum {tensor.double().sum().item():.9g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="+", metavar="FILE", help="load these files and print what they hold")
    arguments = parser.parse_args()
    if arguments.check:
        for path in arguments.check:
            check(path)
        return
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors(), FIXTURE, metadata={"format": "pt"})
    print(f"wrote {FIXTURE} ({FIXTURE.stat().st_size} bytes)")


if __name__ == "__main__":
    main()
