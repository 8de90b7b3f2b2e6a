// The packed operands of the product C[M,N] = A[M,K] B[K,N].
//
// Left:  strips of at most ROWS rows, as equal in height as can be (10 rows are 5 + 5), so that no tile is too low to
//        hide the latency of a fused multiply-add. The strip of h rows from row m on begins at m K; its element (k, r)
//        is at k h + r. No padding.
// Right: panels of at most VECTORS registers, as equal in width as can be. The panel of w columns (whole registers)
//        from column n on begins at n K; its element (k, c) is at k w + c. Columns beyond N are zeros.

typedef SCALAR Register __attribute__((ext_vector_type(LANES)));
typedef SCALAR RegisterInMemory __attribute__((ext_vector_type(LANES), aligned(sizeof(SCALAR))));

#define PANEL (VECTORS * LANES)

/// `total` cut into the fewest parts of at most `limit`, the first `longer` of them `length` + 1, the others `length`.
typedef struct {
    size_t count, length, longer;
} Parts;

INLINE Parts balanced(size_t total, size_t limit) {
    const size_t count = (total + limit - 1) / limit;
    if (count == 0) return (Parts){0, 0, 0};
    return (Parts){count, total / count, total % count};
}

INLINE size_t lengthOf(Parts parts, size_t index) { return parts.length + (index < parts.longer); }

INLINE size_t registersOf(size_t N) { return (N + LANES - 1) / LANES; }

static size_t packedLeftCount(size_t M, size_t K) { return M * K; }

static size_t packedRightCount(size_t K, size_t N) { return K * registersOf(N) * LANES; }

// Stretches of K that are packed at a time, for all strips or panels. Rows of a matrix often lie a power of two apart
// and then share one set of 8 lines in the first-level cache: 8 for copies, which come back to a line for the next
// strip (32 took half as long again). Transposing uses up its lines at once, and gains by long runs (8 took a quarter
// longer).
#define DEPTH_OF_COPY 8
#define DEPTH_OF_TRANSPOSE 32

typedef SCALAR Quad __attribute__((ext_vector_type(4)));
typedef SCALAR QuadInMemory __attribute__((ext_vector_type(4), aligned(sizeof(SCALAR))));

INLINE Quad quadAt(const SCALAR *p) { return *(const QuadInMemory *)p; }

/// out[k * step + i] = from[i][k] for i in 0..<4, k in 0..<depth.
INLINE void transposeFour(const SCALAR *const from[4], size_t depth, SCALAR *out, size_t step) {
    size_t k = 0;
    for (; k + 4 <= depth; k += 4) {
        const Quad a = quadAt(from[0] + k), b = quadAt(from[1] + k), c = quadAt(from[2] + k), d = quadAt(from[3] + k);
        const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ba = __builtin_shufflevector(a, b, 2, 6, 3, 7);
        const Quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), dc = __builtin_shufflevector(c, d, 2, 6, 3, 7);
        *(QuadInMemory *)(out + k * step) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
        *(QuadInMemory *)(out + (k + 1) * step) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
        *(QuadInMemory *)(out + (k + 2) * step) = __builtin_shufflevector(ba, dc, 0, 1, 4, 5);
        *(QuadInMemory *)(out + (k + 3) * step) = __builtin_shufflevector(ba, dc, 2, 3, 6, 7);
    }
    for (; k < depth; k++)
        for (size_t i = 0; i < 4; i++) out[k * step + i] = from[i][k];
}

/// out[k * step + i] = from[i][k] for i in 0..<count, k in 0..<depth: by fours, the last of which may overlap the one
/// before.
INLINE void transpose(const SCALAR *const *from, size_t count, size_t depth, SCALAR *out, size_t step) {
    if (count < 4) {
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < depth; k++) out[k * step + i] = from[i][k];
        return;
    }
    for (size_t i = 0; i < count; i += 4) {
        const size_t first = least(i, count - 4);
        transposeFour(from + first, depth, out + first, step);
    }
}

/// Left from source [M,K]: A[m,k] = source[(rows ? rows[m] : m) * stride + k].
static void packLeft(const SCALAR *source, size_t stride, const int32_t *rows, size_t M, size_t K, SCALAR *packed) {
    const Parts strips = balanced(M, ROWS);
    for (size_t strip = 0, m = 0; strip < strips.count; strip++) {
        const size_t height = lengthOf(strips, strip);
        const SCALAR *from[ROWS];
        for (size_t r = 0; r < height; r++) from[r] = source + (rows ? (size_t)rows[m + r] : m + r) * stride;
        transpose(from, height, K, packed + m * K, height);
        m += height;
    }
}

/// out[k * height + r] = source[(rows ? rows[k] : k) * stride + r] for k in first ..< end.
INLINE void copyStrip(const size_t height, const SCALAR *source, size_t stride, const int32_t *rows, size_t first,
                      size_t end, SCALAR *out) {
    for (size_t k = first; k < end; k++) {
        const SCALAR *from = source + (rows ? (size_t)rows[k] : k) * stride;
        SCALAR *to = out + k * height;
        if (height < 4) {
            for (size_t r = 0; r < height; r++) to[r] = from[r];
        } else { // two fours, which may overlap
            *(QuadInMemory *)to = quadAt(from);
            *(QuadInMemory *)(to + height - 4) = quadAt(from + height - 4);
        }
    }
}

/// Left from source [K,M]: A[m,k] = source[(rows ? rows[k] : k) * stride + m].
static void packLeftTransposed(const SCALAR *source, size_t stride, const int32_t *rows, size_t M, size_t K,
                               SCALAR *packed) {
    const Parts strips = balanced(M, ROWS);
    for (size_t first = 0; first < K; first += DEPTH_OF_COPY) {
        const size_t end = least(first + DEPTH_OF_COPY, K);
        for (size_t strip = 0, m = 0; strip < strips.count; strip++) {
            const size_t height = lengthOf(strips, strip);
            if (height == ROWS)
                copyStrip(ROWS, source + m, stride, rows, first, end, packed + m * K);
            else
                copyStrip(height, source + m, stride, rows, first, end, packed + m * K);
            m += height;
        }
    }
}

/// Right from source [K,N]: B[k,n] = source[(rows ? rows[k] : k) * stride + n].
static void packRight(const SCALAR *source, size_t stride, const int32_t *rows, size_t K, size_t N, SCALAR *packed) {
    const Parts panels = balanced(registersOf(N), VECTORS);
    for (size_t first = 0; first < K; first += DEPTH_OF_COPY) {
        const size_t end = least(first + DEPTH_OF_COPY, K);
        for (size_t panel = 0, n = 0; panel < panels.count; panel++) {
            const size_t width = lengthOf(panels, panel) * LANES, filled = least(N - n, width);
            for (size_t k = first; k < end; k++) {
                const SCALAR *from = source + (rows ? (size_t)rows[k] : k) * stride + n;
                SCALAR *out = packed + n * K + k * width;
                size_t c = 0;
                for (; c + LANES <= filled; c += LANES)
                    *(RegisterInMemory *)(out + c) = *(const RegisterInMemory *)(from + c);
                for (; c < filled; c++) out[c] = from[c];
                for (; c < width; c++) out[c] = 0;
            }
            n += width;
        }
    }
}

/// Right from source [N,K]: B[k,n] = source[n * stride + k].
static void packRightTransposed(const SCALAR *source, size_t stride, size_t K, size_t N, SCALAR *packed) {
    const Parts panels = balanced(registersOf(N), VECTORS);
    for (size_t panel = 0, n = 0; panel < panels.count; panel++) {
        const size_t width = lengthOf(panels, panel) * LANES, filled = least(N - n, width);
        for (size_t first = 0; first < K; first += DEPTH_OF_TRANSPOSE) {
            const size_t depth = least(DEPTH_OF_TRANSPOSE, K - first);
            const SCALAR *from[PANEL];
            for (size_t c = 0; c < filled; c++) from[c] = source + (n + c) * stride + first;
            SCALAR *out = packed + n * K + first * width;
            transpose(from, filled, depth, out, width);
            for (size_t k = 0; k < depth; k++)
                for (size_t c = filled; c < width; c++) out[k * width + c] = 0;
        }
        n += width;
    }
}
