"""How fast PyTorch generates text with LSTM layers, one thread on the CPU: one line of JSON."""

import argparse
import json
import time

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__)
for name in ["layers", "hidden", "embedding", "vocabulary", "count", "tokens"]:
    parser.add_argument(f"--{name}", type=int, required=True)
options = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(1)

embedding = nn.Embedding(options.vocabulary, options.embedding)
recurrent = nn.LSTM(options.embedding, options.hidden, options.layers)
output = nn.Linear(options.hidden, options.vocabulary)


def generate(length):
    """Draws as many tokens for each of `count` samples, at temperature 0.8."""
    tokens, state = torch.zeros(1, options.count, dtype=torch.long), None
    for _ in range(length):
        features, state = recurrent(embedding(tokens), state)
        probabilities = torch.softmax(output(features[-1]) / 0.8, -1)
        tokens = torch.multinomial(probabilities, 1).view(1, options.count)


with torch.inference_mode():
    generate(20)
    began = time.perf_counter()
    generate(options.tokens)
    seconds = time.perf_counter() - began
print(json.dumps({"version": torch.__version__, "tokensPerSecond": options.tokens * options.count / seconds}))
