// Whole vectors and rows of matrices: sums, gathers, scatters.

/// y[i] += x[i]
static void add(size_t count, SCALAR *y, const SCALAR *x) {
    IN_BLOCKS(count, store(y + j, n, load(y + j, n) + load(x + j, n)));
}

/// y[i] *= x[i]
static void multiply(size_t count, SCALAR *y, const SCALAR *x) {
    IN_BLOCKS(count, store(y + j, n, load(y + j, n) * load(x + j, n)));
}

/// Sum of x[0..<count] in double: element i to partial i mod 16, partials pairwise.
static double sum(size_t count, const SCALAR *x) {
    DoubleBlock sums = 0;
    IN_BLOCKS(count, sums += __builtin_convertvector(load(x + j, n), DoubleBlock));
    return PAIRWISE_SUM(sums);
}

/// Sum of x[i]^2 in double by fused multiply-add: element i to partial i mod 16, partials pairwise.
static double sumOfSquares(size_t count, const SCALAR *x) {
    DoubleBlock sums = 0;
    IN_BLOCKS(count, ({
                  const DoubleBlock v = __builtin_convertvector(load(x + j, n), DoubleBlock);
                  sums = FMA(v, v, sums);
              }));
    return PAIRWISE_SUM(sums);
}

/// Sums over k ascending, from 0, of blocks of n <= 4 * 16 columns; then one addition if `store` is RondoStoreAdd.
INLINE void columnSumsOfBlocks(const size_t blocks, size_t n, const SCALAR *source, size_t stride, const int32_t *rows,
                               size_t K, SCALAR *out, RondoStore how) {
    Block sums[4] = {0, 0, 0, 0};
    for (size_t k = 0; k < K; k++) {
        const SCALAR *x = source + (rows ? (size_t)rows[k] : k) * stride;
#pragma clang loop unroll(full)
        for (size_t b = 0; b < blocks; b++) sums[b] += load(x + b * BLOCK, n);
    }
#pragma clang loop unroll(full)
    for (size_t b = 0; b < blocks; b++) {
        SCALAR *to = out + b * BLOCK;
        store(to, n, how == RondoStoreAdd ? load(to, n) + sums[b] : sums[b]);
    }
}

/// out[N] (replaced, or +=) = sum over k of source[(rows ? rows[k] : k) * stride + n].
static void columnSums(const SCALAR *source, size_t stride, const int32_t *rows, size_t K, size_t N, SCALAR *out,
                       RondoStore how) {
    size_t first = 0;
    for (; first + 4 * BLOCK <= N; first += 4 * BLOCK)
        columnSumsOfBlocks(4, BLOCK, source + first, stride, rows, K, out + first, how);
    IN_BLOCKS(N - first, columnSumsOfBlocks(1, n, source + first + j, stride, rows, K, out + first + j, how));
}

/// destination[k] = source[rows[k]] for K rows of N.
static void gatherRows(const SCALAR *source, size_t stride, const int32_t *rows, size_t K, size_t N,
                       SCALAR *destination, size_t strideDestination) {
    for (size_t k = 0; k < K; k++)
        __builtin_memcpy(destination + k * strideDestination, source + (size_t)rows[k] * stride, N * sizeof(SCALAR));
}

/// destination[slots[k]] += source[rows ? rows[k] : k], k ascending, for K rows of N.
static void scatterAddRows(const SCALAR *source, size_t stride, const int32_t *rows, const int32_t *slots, size_t K,
                           size_t N, SCALAR *destination, size_t strideDestination) {
    for (size_t k = 0; k < K; k++)
        add(N, destination + (size_t)slots[k] * strideDestination,
            source + (rows ? (size_t)rows[k] : k) * stride);
}
