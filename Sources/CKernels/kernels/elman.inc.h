// Elman cell (Elman 1990), one time step. gates, hidden, dHidden, dGates [rows,H]. Elementwise: no sums.

static void elmanForward(size_t rows, size_t H, RondoActivation activation, const SCALAR *gates, size_t strideGates,
                         SCALAR *hidden, size_t strideHidden) {
    for (size_t row = 0; row < rows; row++) {
        const SCALAR *x = gates + row * strideGates;
        SCALAR *h = hidden + row * strideHidden;
        if (activation == RondoActivationTanh)
            IN_BLOCKS(H, store(h + j, n, tangentHyperbolicOf(load(x + j, n))));
        else // written so that NaN stays NaN
            IN_BLOCKS(H, ({
                          const Block v = load(x + j, n);
                          store(h + j, n, v < 0 ? (Block)0 : v);
                      }));
    }
}

static void elmanBackward(size_t rows, size_t H, RondoActivation activation, const SCALAR *hidden, size_t strideHidden,
                          const SCALAR *dHidden, size_t strideDHidden, SCALAR *dGates, size_t strideGates) {
    for (size_t row = 0; row < rows; row++) {
        const SCALAR *h = hidden + row * strideHidden, *dh = dHidden + row * strideDHidden;
        SCALAR *d = dGates + row * strideGates;
        if (activation == RondoActivationTanh)
            IN_BLOCKS(H, ({
                          const Block v = load(h + j, n);
                          store(d + j, n, load(dh + j, n) * FMA(-v, v, (Block)1));
                      }));
        else
            IN_BLOCKS(H, store(d + j, n, load(h + j, n) <= 0 ? (Block)0 : load(dh + j, n)));
    }
}
