// GRU cell (Cho 2014) with the reset gate after the recurrent product (cuDNN, PyTorch), one time step.
// inputGates, recurrentGates [rows,3H] in blocks r, z, n; hiddenPrevious, hidden, dHidden, dHiddenPrevious [rows,H].
// Elementwise: no sums. The products are in the order written.

INLINE void gruForwardBlock(size_t n, size_t H, SCALAR *input, const SCALAR *recurrent, const SCALAR *hiddenPrevious,
                            SCALAR *hidden) {
    const Block reset = sigmoidOf(load(input, n) + load(recurrent, n));
    store(input, n, reset);
    const Block update = sigmoidOf(load(input + H, n) + load(recurrent + H, n));
    store(input + H, n, update);
    const Block candidate = tangentHyperbolicOf(FMA(reset, load(recurrent + 2 * H, n), load(input + 2 * H, n)));
    store(input + 2 * H, n, candidate);
    store(hidden, n, FMA(update, load(hiddenPrevious, n) - candidate, candidate));
}

static void gruForward(size_t rows, size_t H, SCALAR *inputGates, size_t strideInput, const SCALAR *recurrentGates,
                       size_t strideRecurrent, const SCALAR *hiddenPrevious, size_t strideHiddenPrevious,
                       SCALAR *hidden, size_t strideHidden) {
    for (size_t row = 0; row < rows; row++)
        IN_BLOCKS(H, gruForwardBlock(n, H, inputGates + row * strideInput + j,
                                     recurrentGates + row * strideRecurrent + j,
                                     hiddenPrevious + row * strideHiddenPrevious + j, hidden + row * strideHidden + j));
}

INLINE void gruBackwardBlock(size_t n, size_t H, SCALAR *input, SCALAR *recurrent, const SCALAR *hiddenPrevious,
                             const SCALAR *dHidden, SCALAR *dHiddenPrevious) {
    const Block reset = load(input, n), update = load(input + H, n), candidate = load(input + 2 * H, n);
    const Block recurrentCandidate = load(recurrent + 2 * H, n), dh = load(dHidden, n);
    const Block dCandidate = dh * (1 - update) * FMA(-candidate, candidate, (Block)1);
    const Block dUpdate = dh * (load(hiddenPrevious, n) - candidate) * FMA(-update, update, update);
    const Block dReset = dCandidate * recurrentCandidate * FMA(-reset, reset, reset);
    store(input, n, dReset);
    store(input + H, n, dUpdate);
    store(input + 2 * H, n, dCandidate);
    store(recurrent, n, dReset);
    store(recurrent + H, n, dUpdate);
    store(recurrent + 2 * H, n, dCandidate * reset);
    store(dHiddenPrevious, n, dh * update);
}

static void gruBackward(size_t rows, size_t H, SCALAR *inputGates, size_t strideInput, SCALAR *recurrentGates,
                        size_t strideRecurrent, const SCALAR *hiddenPrevious, size_t strideHiddenPrevious,
                        const SCALAR *dHidden, size_t strideDHidden, SCALAR *dHiddenPrevious,
                        size_t strideDHiddenPrevious) {
    for (size_t row = 0; row < rows; row++)
        IN_BLOCKS(H, gruBackwardBlock(n, H, inputGates + row * strideInput + j,
                                      recurrentGates + row * strideRecurrent + j,
                                      hiddenPrevious + row * strideHiddenPrevious + j,
                                      dHidden + row * strideDHidden + j,
                                      dHiddenPrevious + row * strideDHiddenPrevious + j));
}
