#!/usr/bin/env python3
"""Writes the values that Tests/RecurrentTests compares Rondo with, computed by PyTorch.

usage: make-pytorch-fixtures.py [FOLDER]        (default: Tests/RecurrentTests/Fixtures beside this script's folder)

Needs the package torch; made with 2.15. Writes
  stacks.json        outputs and gradients of ragged, two-layer, bidirectional stacks in double precision
  trajectories.json  losses and gradient norms of 50 training steps of small language models in single precision
Arrays are base64 of little-endian numbers, float64 in the first file and float32 in the second.
"""
import base64
import json
import os
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

CELLS = {
    "elman-tanh": lambda *sizes, **options: nn.RNN(*sizes, **options),
    "elman-relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}


def packed(tensor):
    return base64.b64encode(tensor.detach().contiguous().numpy().tobytes()).decode()


def stack(name):
    """One ragged batch through a stack; the loss is the sum of output * scale."""
    torch.manual_seed(11)
    lengths, inputs, hidden, layers = [6, 4, 4, 1], 3, 4, 2
    network = CELLS[name](inputs, hidden, layers, bidirectional=True).double()
    x = torch.randn(max(lengths), len(lengths), inputs, dtype=torch.float64)
    data = pack_padded_sequence(x, lengths)
    rows = data.data.clone().requires_grad_()
    states = torch.randn(2 if name == "lstm" else 1, 2 * layers, len(lengths), hidden, dtype=torch.float64) * 0.5
    start = tuple(states) if name == "lstm" else states[0]
    outputs, final = network(PackedSequence(rows, data.batch_sizes), start)
    scale = torch.randn_like(outputs.data)
    (outputs.data * scale).sum().backward()
    final = torch.stack(final) if name == "lstm" else final[None]
    # Rondo keeps a shard's states as [layer and direction][hidden, cell][sequence][H].
    return {
        "cell": name, "lengths": lengths, "inputSize": inputs, "hiddenSize": hidden, "layers": layers,
        "weights": {k: packed(v) for k, v in network.named_parameters()},
        "gradients": {k: packed(v.grad) for k, v in network.named_parameters()},
        "inputs": packed(rows), "inputGradients": packed(rows.grad), "scale": packed(scale),
        "outputs": packed(outputs.data), "initialStates": packed(states.transpose(0, 1)),
        "finalStates": packed(final.transpose(0, 1)),
    }


class LanguageModel(nn.Module):
    """The module whose state_dict Rondo's model.safetensors is."""

    def __init__(self, name, vocabulary, embedding, hidden, layers):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.recurrent = CELLS[name](embedding, hidden, layers)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, tokens, states):
        outputs, states = self.recurrent(self.embedding(tokens), states)
        return self.output(outputs), states


def trajectory(name, tokens, vocabulary, lanes, length, steps):
    """Losses of truncated back-propagation with carried state, clipping, and Adam that is lazy for the embedding."""
    torch.manual_seed(12)
    rate, clip = 0.01, 0.35
    model = LanguageModel(name, vocabulary, 8, 12, 2)
    weights = {k: packed(v) for k, v in model.state_dict().items()}
    optimizer = torch.optim.Adam(model.parameters(), rate)
    table = model.embedding.weight
    losses, norms, states = [], [], None
    for step in range(steps):
        part = tokens[:, step * length: (step + 1) * length + 1].t()
        inputs, targets = part[:-1], part[1:]
        logits, states = model(inputs, states)
        states = tuple(s.detach() for s in states) if name == "lstm" else states.detach()
        loss = nn.functional.cross_entropy(logits.reshape(-1, vocabulary), targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), clip).item())
        losses.append(loss.item())
        # Rows that the step did not touch keep their weights and moments, as torch.optim.SparseAdam would have it.
        idle = torch.ones(vocabulary, dtype=torch.bool)
        idle[inputs.unique()] = False
        moments = optimizer.state[table]
        before = [t[idle].clone() for t in (table.data, *(moments[k] for k in ("exp_avg", "exp_avg_sq") if moments))]
        optimizer.step()
        kept = (table.data, optimizer.state[table]["exp_avg"], optimizer.state[table]["exp_avg_sq"])
        for place, values in zip(kept, before):
            place[idle] = values
    return {
        "cell": name, "weights": weights, "losses": losses, "norms": norms, "rate": rate, "clip": clip,
        "embeddingSize": 8, "hiddenSize": 12, "layers": 2,
        "finalOutputBias": packed(model.output.bias),
    }


def main():
    if any(a in ("-h", "--help") for a in sys.argv[1:]):
        print(__doc__)
        return
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "Tests", "RecurrentTests", "Fixtures")
    torch.set_num_threads(1)
    os.makedirs(folder, exist_ok=True)

    vocabulary, lanes, length, steps = 23, 4, 9, 50
    generator = torch.Generator().manual_seed(13)
    # A noisy walk over the vocabulary: there is something to learn, and most steps leave some tokens out.
    moves = torch.randint(-2, 3, (lanes, steps * length + 1), generator=generator)
    tokens = (moves.cumsum(1) + torch.arange(lanes)[:, None] * 5) % vocabulary
    files = {
        "stacks.json": [stack(name) for name in CELLS],
        "trajectories.json": {
            "vocabulary": vocabulary, "length": length, "steps": steps, "tokens": tokens.tolist(),
            "runs": [trajectory(name, tokens, vocabulary, lanes, length, steps) for name in CELLS],
        },
    }
    for name, value in files.items():
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            json.dump(value, file)
            file.write("\n")
        print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
