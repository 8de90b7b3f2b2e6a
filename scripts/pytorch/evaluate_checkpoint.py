"""The loss of a text under a Rondo checkpoint, computed by PyTorch: nats a character.

usage: evaluate_checkpoint.py CHECKPOINT TEXT [--last FRACTION]

Character models over a stream. The predictions are cut into lanes as `rondo evaluate` does: as many for each shard, at
least 16, lengths that differ by at most one, each lane from a state of zeros.
"""

import argparse

import torch
from language_model import load_checkpoint

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("checkpoint")
parser.add_argument("text")
parser.add_argument("--last", type=float, default=1.0, help="only this fraction at the end of the text")
arguments = parser.parse_args()

module, tokenizer, configuration = load_checkpoint(arguments.checkpoint)
index = {symbol: position for position, symbol in enumerate(tokenizer["symbols"])}
with open(arguments.text, encoding="utf-8") as file:
    text = file.read()
start = int(len(text) * (1 - arguments.last)) if arguments.last < 1 else 0
tokens = torch.tensor([index[symbol] for symbol in text[start:]])

shards = configuration["training"]["shards"]
lanes = shards * -(-16 // shards)
count = len(tokens) - 1
length, longer = divmod(count, lanes)
starts = torch.tensor([lane * length + min(lane, longer) for lane in range(lanes)])
total, state = 0.0, None
with torch.no_grad():
    for first in range(0, length, 256):
        places = starts + torch.arange(first, min(first + 256, length))[:, None]  # [time, lane]
        logits, state = module(tokens[places], state)
        total += torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), tokens[places + 1].flatten(), reduction="sum").item()
    if longer:  # one more prediction in the first lanes
        places = starts[None, :longer] + length
        parts = state if isinstance(state, tuple) else (state,)
        parts = tuple(part[:, :longer].contiguous() for part in parts)
        logits, _ = module(tokens[places], parts if isinstance(state, tuple) else parts[0])
        total += torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), tokens[places + 1].flatten(), reduction="sum").item()
print(f"{total / count:.6f} nats a character over {count} characters")
