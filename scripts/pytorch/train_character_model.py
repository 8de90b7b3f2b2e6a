"""A character model trained by PyTorch alone, in the way of its users: truncated back-propagation with carried state.

usage: train_character_model.py TEXT LAYERS HIDDEN EMBEDDING BATCH SEQUENCE EPOCHS RATE THREADS [SEED [INITIAL]]

INITIAL is a model.safetensors to start from; one step of Rondo at a rate of 1e-30 writes its initial weights.

Prints one line an epoch: seconds of training, tokens a second, validation nats a character (last 10 %, 16 lanes).
"""

import sys
import time

import torch
from language_model import LanguageModel
from safetensors.torch import load_file

path = sys.argv[1]
layers, hidden, embedding, batch, sequence, epochs = map(int, sys.argv[2:8])
rate, threads = float(sys.argv[8]), int(sys.argv[9])
torch.set_num_threads(threads)
torch.manual_seed(int(sys.argv[10]) if len(sys.argv) > 10 else 1)

with open(path, encoding="utf-8") as file:
    text = file.read()
symbols = sorted(set(text))
index = {symbol: position for position, symbol in enumerate(symbols)}
tokens = torch.tensor([index[symbol] for symbol in text])
split = int(len(tokens) * 0.9)


def cut(stream, lanes):
    """Inputs and targets [time, lanes]."""
    length = (len(stream) - 1) // lanes
    inputs = stream[:length * lanes].view(lanes, length).t()
    return inputs, stream[1:length * lanes + 1].view(lanes, length).t()


inputs, targets = cut(tokens[:split], batch)
validation_inputs, validation_targets = cut(tokens[split:], 16)
module = LanguageModel("lstm", len(symbols), embedding, hidden, layers)
if len(sys.argv) > 11:
    module.load_state_dict(load_file(sys.argv[11]))
optimizer = torch.optim.Adam(module.parameters(), rate)
loss_function = torch.nn.CrossEntropyLoss()


def validate():
    module.eval()
    total, state = 0.0, None
    with torch.no_grad():
        for start in range(0, len(validation_inputs), 256):
            logits, state = module(validation_inputs[start:start + 256], state)
            expected = validation_targets[start:start + 256].reshape(-1)
            total += loss_function(logits.view(-1, len(symbols)), expected).item() * len(expected)
    module.train()
    return total / validation_inputs.numel()


for epoch in range(epochs):
    began, state, steps = time.perf_counter(), None, 0
    for start in range(0, len(inputs) - sequence + 1, sequence):
        logits, state = module(inputs[start:start + sequence], state)
        state = tuple(part.detach() for part in state)
        loss = loss_function(logits.view(-1, len(symbols)), targets[start:start + sequence].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimizer.step()
        steps += 1
    seconds = time.perf_counter() - began
    print(
        f"epoch {epoch + 1} seconds {seconds:.2f} tokens/s {steps * batch * sequence / seconds:.0f} "
        f"validation {validate():.4f}", flush=True)
