// Softmax over rows: logits [rows,N].
// Order of accumulation: element n of a row goes to partial sum n mod 16; partials combine pairwise.

/// The largest element of a row (any order gives the same; a NaN may be passed over, and shows up in the sum).
INLINE SCALAR largest(size_t N, const SCALAR *x) {
    const SCALAR least = (SCALAR)-__builtin_inf();
    Block most = (Block)least;
    IN_BLOCKS(N, ({
                  const Block v = first(load(x + j, n), n, least);
                  most = GREATER(v, most);
              }));
    return PAIRWISE_MAXIMUM(most);
}

/// Sum of exp(x - shift); the exponentials go to `out` unless it is NULL.
INLINE SCALAR sumOfExponentials(size_t N, const SCALAR *x, SCALAR shift, SCALAR *out) {
    Block sums = 0;
    IN_BLOCKS(N, ({
                  const Block e = exponentialOf(load(x + j, n) - shift);
                  if (out) store(out + j, n, e);
                  sums += first(e, n, 0);
              }));
    return PAIRWISE_SUM(sums);
}

static void softmaxCrossEntropy(size_t rows, size_t N, SCALAR *logits, size_t stride, const int32_t *targets,
                                SCALAR *losses, int gradient) {
    for (size_t row = 0; row < rows; row++) {
        SCALAR *x = logits + row * stride;
        const int32_t target = targets[row];
        if (target < 0) {
            losses[row] = 0;
            if (gradient) IN_BLOCKS(N, store(x + j, n, (Block)0));
            continue;
        }
        const SCALAR most = largest(N, x), shifted = x[target] - most;
        const SCALAR sum = sumOfExponentials(N, x, most, gradient ? x : 0);
        losses[row] = logarithmOf((Block)sum)[0] - shifted;
        if (!gradient) continue;
        const SCALAR inverse = 1 / sum;
        IN_BLOCKS(N, store(x + j, n, load(x + j, n) * inverse));
        x[target] -= 1;
    }
}

static void logSoftmax(size_t rows, size_t N, SCALAR *logits, size_t stride) {
    for (size_t row = 0; row < rows; row++) {
        SCALAR *x = logits + row * stride;
        const SCALAR most = largest(N, x);
        const SCALAR logarithmOfSum = logarithmOf((Block)sumOfExponentials(N, x, most, 0))[0];
        IN_BLOCKS(N, store(x + j, n, (load(x + j, n) - most) - logarithmOfSum));
    }
}
