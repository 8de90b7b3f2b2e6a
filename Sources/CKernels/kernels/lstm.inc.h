// LSTM cell (Hochreiter and Schmidhuber 1997; forget gate of Gers 2000), one time step.
// gates [rows,4H] in blocks i, f, g, o; cellPrevious, cell, tanhCell, hidden, dHidden, dCell [rows,H].
// Elementwise: no sums. The products are in the order written.

INLINE void lstmForwardBlock(size_t n, size_t H, SCALAR *gates, const SCALAR *cellPrevious, SCALAR *cell,
                             SCALAR *tanhCell, SCALAR *hidden) {
    const Block i = sigmoidOf(load(gates, n));
    store(gates, n, i);
    const Block f = sigmoidOf(load(gates + H, n));
    store(gates + H, n, f);
    const Block g = tangentHyperbolicOf(load(gates + 2 * H, n));
    store(gates + 2 * H, n, g);
    const Block o = sigmoidOf(load(gates + 3 * H, n));
    store(gates + 3 * H, n, o);
    const Block c = FMA(i, g, f * load(cellPrevious, n));
    store(cell, n, c);
    const Block t = tangentHyperbolicOf(c);
    store(tanhCell, n, t);
    store(hidden, n, o * t);
}

static void lstmForward(size_t rows, size_t H, SCALAR *gates, size_t strideGates, const SCALAR *cellPrevious,
                        size_t strideCellPrevious, SCALAR *cell, size_t strideCell, SCALAR *tanhCell,
                        size_t strideTanhCell, SCALAR *hidden, size_t strideHidden) {
    for (size_t row = 0; row < rows; row++)
        IN_BLOCKS(H, lstmForwardBlock(n, H, gates + row * strideGates + j, cellPrevious + row * strideCellPrevious + j,
                                      cell + row * strideCell + j, tanhCell + row * strideTanhCell + j,
                                      hidden + row * strideHidden + j));
}

INLINE void lstmBackwardBlock(size_t n, size_t H, SCALAR *gates, const SCALAR *cellPrevious, const SCALAR *tanhCell,
                              const SCALAR *dHidden, SCALAR *dCell) {
    const Block i = load(gates, n), f = load(gates + H, n), g = load(gates + 2 * H, n), o = load(gates + 3 * H, n);
    const Block t = load(tanhCell, n), dh = load(dHidden, n);
    const Block dc = FMA(dh * o, FMA(-t, t, (Block)1), load(dCell, n));
    store(gates, n, dc * g * FMA(-i, i, i));
    store(gates + H, n, dc * load(cellPrevious, n) * FMA(-f, f, f));
    store(gates + 2 * H, n, dc * i * FMA(-g, g, (Block)1));
    store(gates + 3 * H, n, dh * t * FMA(-o, o, o));
    store(dCell, n, dc * f);
}

static void lstmBackward(size_t rows, size_t H, SCALAR *gates, size_t strideGates, const SCALAR *cellPrevious,
                         size_t strideCellPrevious, const SCALAR *tanhCell, size_t strideTanhCell,
                         const SCALAR *dHidden, size_t strideDHidden, SCALAR *dCell, size_t strideDCell) {
    for (size_t row = 0; row < rows; row++)
        IN_BLOCKS(H, lstmBackwardBlock(n, H, gates + row * strideGates + j, cellPrevious + row * strideCellPrevious + j,
                                       tanhCell + row * strideTanhCell + j, dHidden + row * strideDHidden + j,
                                       dCell + row * strideDCell + j));
}
