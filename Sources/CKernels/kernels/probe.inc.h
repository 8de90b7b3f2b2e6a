// The machine's peak: ROWS x VECTORS accumulators in registers, as many as a tile of the product has, and nothing else.

double PROBE(size_t iterations, float *sink) {
    Register sums[ROWS * VECTORS], a = (Register)(0.999f + sink[0] * 1e-9f), b = (Register)1e-3f;
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS * VECTORS; i++) sums[i] = (Register)(float)i;
    for (size_t iteration = 0; iteration < iterations; iteration++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < ROWS * VECTORS; i++) sums[i] = FMA(sums[i], a, b);
    }
    Register total = 0;
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS * VECTORS; i++) total += sums[i];
    sink[0] = total[0];
    return 2.0 * LANES * ROWS * VECTORS * (double)iterations;
}
