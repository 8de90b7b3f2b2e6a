"""The PyTorch module whose state_dict a Rondo checkpoint is, and readers for the files beside it."""

import json
import os

import torch
from safetensors.torch import load_file
from torch import nn


class LanguageModel(nn.Module):
    """Embedding, recurrent layers, linear output: the names are those in model.safetensors."""

    def __init__(self, cell, vocabulary, embedding, hidden, layers, dropout=0.0, activation="tanh"):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        if cell == "elman":
            self.recurrent = nn.RNN(embedding, hidden, layers, nonlinearity=activation, dropout=dropout)
        else:
            kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
            self.recurrent = kind(embedding, hidden, layers, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, tokens, state=None):
        """tokens [time, batch] -> logits [time, batch, vocabulary], state"""
        features, state = self.recurrent(self.embedding(tokens), state)
        return self.output(self.dropout(features)), state


def load_checkpoint(folder):
    """The module with the weights of a checkpoint's folder, its symbols, and its configuration."""
    with open(os.path.join(folder, "run.json"), encoding="utf-8") as file:
        run = json.load(file)
    with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as file:
        tokenizer = json.load(file)
    model = run["configuration"]["model"]
    module = LanguageModel(
        model["cell"], run["vocabulary"], model["embedding"], model["hidden"], model["layers"], model["dropout"],
        model.get("activation", "tanh"))
    module.load_state_dict(load_file(os.path.join(folder, "model.safetensors")))
    return module.eval(), tokenizer, run["configuration"]
