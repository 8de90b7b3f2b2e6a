// The machine's peak in one kind of product: ROWS x VECTORS accumulators in registers, as many as a tile has, and
// nothing else.

/// Rounds of independent multiply-adds; returns the floating-point operations done. `sink` gives a number and takes
/// one, so that nothing is left out.
static double NAMED(peakProbe)(size_t iterations, SCALAR *sink) {
    Register sums[ROWS * VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS * VECTORS; i++) sums[i] = (Register)(SCALAR)i;
    WORD words[LANES];
    for (size_t i = 0; i < LANES; i++) __builtin_memcpy(words + i, sink, sizeof(WORD));
    for (size_t iteration = 0; iteration < iterations; iteration++)
#pragma clang loop unroll(full)
        for (int round = 0; round < ROUNDS_OF_WORD; round++)
#pragma clang loop unroll(full)
            for (int i = 0; i < ROWS * VECTORS; i++)
                sums[i] = MULTIPLY_ADD(LEFT_FACTOR(words[0], round), RIGHT_FACTOR(words, round), sums[i]);
    Register total = 0;
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS * VECTORS; i++) total += sums[i];
    *sink = total[0] == 0;
    return 2.0 * ELEMENTS_OF_WORD * LANES * ROWS * VECTORS * (double)iterations;
}
