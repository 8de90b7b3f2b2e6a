// Packing the operands of one kind of product; layout.inc.h has the layout.
//
// The kind defines NAMED, WORD, ELEMENTS_OF_WORD and how words come from elements:
//   quadAlong(p)                          the 4 words that the elements from p on make,
//   wordAcross, quadAcross, octAcross, wordsAcross
//                                         1, 4, 8 or LANES words whose first elements lie at p and second ones (in
//                                         pairs) at `next`; none there if that is NULL.

// Stretches of K that are packed at a time, in words, for all strips or panels. Rows of a matrix often lie a power of
// two apart and then share one set of 8 lines in the first-level cache: 8 rows for copies, which come back to a line
// for the next strip (16 rows of pairs took twice as long). Transposing uses up its lines at once, and gains by long
// runs (8 took a quarter longer).
#define DEPTH_OF_COPY (8 / ELEMENTS_OF_WORD)
#define DEPTH_OF_TRANSPOSE 32

/// The words that K elements take.
#define WORDS_OF(K) (((K) + ELEMENTS_OF_WORD - 1) / ELEMENTS_OF_WORD)

static size_t NAMED(packedLeftCount)(size_t M, size_t K) { return M * WORDS_OF(K); }

static size_t NAMED(packedRightCount)(size_t K, size_t N) { return WORDS_OF(K) * registersOf(N) * LANES; }

/// The word from element k of a row of K on.
INLINE WORD NAMED(wordAlong)(const SCALAR *row, size_t k, size_t K) {
    return NAMED(wordAcross)(row + k, ELEMENTS_OF_WORD > 1 && k + 1 < K ? row + k + 1 : 0);
}

/// Word d of `from[i]` goes to out[d * step + i], for i in 0..<4; K elements each.
INLINE void NAMED(transposeFour)(const SCALAR *const from[4], size_t K, WORD *out, size_t step) {
    typedef NAMED(Quad) Quad;
    typedef NAMED(QuadInMemory) QuadInMemory;
    size_t k = 0;
    for (; k + 4 * ELEMENTS_OF_WORD <= K; k += 4 * ELEMENTS_OF_WORD, out += 4 * step) {
        const Quad a = NAMED(quadAlong)(from[0] + k), b = NAMED(quadAlong)(from[1] + k);
        const Quad c = NAMED(quadAlong)(from[2] + k), d = NAMED(quadAlong)(from[3] + k);
        const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ba = __builtin_shufflevector(a, b, 2, 6, 3, 7);
        const Quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), dc = __builtin_shufflevector(c, d, 2, 6, 3, 7);
        *(QuadInMemory *)out = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
        *(QuadInMemory *)(out + step) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
        *(QuadInMemory *)(out + 2 * step) = __builtin_shufflevector(ba, dc, 0, 1, 4, 5);
        *(QuadInMemory *)(out + 3 * step) = __builtin_shufflevector(ba, dc, 2, 3, 6, 7);
    }
    for (; k < K; k += ELEMENTS_OF_WORD, out += step)
        for (size_t i = 0; i < 4; i++) out[i] = NAMED(wordAlong)(from[i], k, K);
}

/// Word d of `from[i]` goes to out[d * step + i], for i in 0..<count: by fours, the last of which may overlap the one
/// before.
INLINE void NAMED(transpose)(const SCALAR *const *from, size_t count, size_t K, WORD *out, size_t step) {
    if (count < 4) {
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0, d = 0; k < K; k += ELEMENTS_OF_WORD, d++)
                out[d * step + i] = NAMED(wordAlong)(from[i], k, K);
        return;
    }
    for (size_t i = 0; i < count; i += 4) {
        const size_t first = least(i, count - 4);
        NAMED(transposeFour)(from + first, K, out + first, step);
    }
}

/// Left from source [M,K]: A[m,k] = source[(rows ? rows[m] : m) * stride + k].
static void NAMED(packLeft)(const SCALAR *source, size_t stride, const int32_t *rows, size_t M, size_t K,
                            WORD *packed) {
    const Parts strips = balanced(M, ROWS);
    for (size_t strip = 0, m = 0; strip < strips.count; strip++) {
        const size_t height = lengthOf(strips, strip);
        const SCALAR *from[ROWS];
        for (size_t r = 0; r < height; r++) from[r] = source + (rows ? (size_t)rows[m + r] : m + r) * stride;
        NAMED(transpose)(from, height, K, packed + m * WORDS_OF(K), height);
        m += height;
    }
}

/// The rows of a source [K,·] that make word d: row k, and in pairs row k + 1 (NULL beyond the last).
typedef struct {
    const SCALAR *first, *next;
} NAMED(SourceRows);

INLINE NAMED(SourceRows) NAMED(sourceRows)(const SCALAR *source, size_t stride, const int32_t *rows, size_t d,
                                           size_t K) {
    const size_t k = d * ELEMENTS_OF_WORD;
    const int hasNext = ELEMENTS_OF_WORD > 1 && k + 1 < K;
    return (NAMED(SourceRows)){source + (rows ? (size_t)rows[k] : k) * stride,
                               hasNext ? source + (rows ? (size_t)rows[k + 1] : k + 1) * stride : 0};
}

/// `height` columns of source [K,·] from column m on: words `first` ..< `end` of a strip.
INLINE void NAMED(copyStrip)(const size_t height, const SCALAR *source, size_t stride, const int32_t *rows, size_t K,
                             size_t m, size_t first, size_t end, WORD *strip) {
    for (size_t d = first; d < end; d++) {
        const NAMED(SourceRows) from = NAMED(sourceRows)(source, stride, rows, d, K);
        WORD *to = strip + d * height;
        const SCALAR *p = from.first + m, *next = from.next ? from.next + m : 0;
        if (height < 4) {
            for (size_t r = 0; r < height; r++) to[r] = NAMED(wordAcross)(p + r, next ? next + r : 0);
        } else if (height == 8) {
            *(NAMED(OctInMemory) *)to = NAMED(octAcross)(p, next);
        } else { // two fours, which may overlap
            const size_t second = height - 4;
            *(NAMED(QuadInMemory) *)to = NAMED(quadAcross)(p, next);
            *(NAMED(QuadInMemory) *)(to + second) = NAMED(quadAcross)(p + second, next ? next + second : 0);
        }
    }
}

/// Left from source [K,M]: A[m,k] = source[(rows ? rows[k] : k) * stride + m].
static void NAMED(packLeftTransposed)(const SCALAR *source, size_t stride, const int32_t *rows, size_t M, size_t K,
                                      WORD *packed) {
    const Parts strips = balanced(M, ROWS);
    const size_t depth = WORDS_OF(K);
    for (size_t first = 0; first < depth; first += DEPTH_OF_COPY) {
        const size_t end = least(first + DEPTH_OF_COPY, depth);
        for (size_t strip = 0, m = 0; strip < strips.count; strip++) {
            const size_t height = lengthOf(strips, strip);
            if (height == ROWS)
                NAMED(copyStrip)(ROWS, source, stride, rows, K, m, first, end, packed + m * depth);
            else
                NAMED(copyStrip)(height, source, stride, rows, K, m, first, end, packed + m * depth);
            m += height;
        }
    }
}

/// Right from source [K,N]: B[k,n] = source[(rows ? rows[k] : k) * stride + n].
static void NAMED(packRight)(const SCALAR *source, size_t stride, const int32_t *rows, size_t K, size_t N,
                             WORD *packed) {
    const Parts panels = balanced(registersOf(N), VECTORS);
    const size_t depth = WORDS_OF(K);
    for (size_t first = 0; first < depth; first += DEPTH_OF_COPY) {
        const size_t end = least(first + DEPTH_OF_COPY, depth);
        for (size_t panel = 0, n = 0; panel < panels.count; panel++) {
            const size_t width = lengthOf(panels, panel) * LANES, filled = least(N - n, width);
            for (size_t d = first; d < end; d++) {
                const NAMED(SourceRows) from = NAMED(sourceRows)(source, stride, rows, d, K);
                const SCALAR *p = from.first + n, *next = from.next ? from.next + n : 0;
                WORD *out = packed + n * depth + d * width;
                size_t c = 0;
                for (; c + LANES <= filled; c += LANES)
                    *(NAMED(WordsInMemory) *)(out + c) = NAMED(wordsAcross)(p + c, next ? next + c : 0);
                for (; c < filled; c++) out[c] = NAMED(wordAcross)(p + c, next ? next + c : 0);
                for (; c < width; c++) out[c] = 0;
            }
            n += width;
        }
    }
}

/// Right from source [N,K]: B[k,n] = source[n * stride + k].
static void NAMED(packRightTransposed)(const SCALAR *source, size_t stride, size_t K, size_t N, WORD *packed) {
    const Parts panels = balanced(registersOf(N), VECTORS);
    const size_t depth = WORDS_OF(K);
    for (size_t panel = 0, n = 0; panel < panels.count; panel++) {
        const size_t width = lengthOf(panels, panel) * LANES, filled = least(N - n, width);
        for (size_t first = 0; first < depth; first += DEPTH_OF_TRANSPOSE) {
            const size_t k = first * ELEMENTS_OF_WORD, words = least(DEPTH_OF_TRANSPOSE, depth - first);
            const SCALAR *from[PANEL];
            for (size_t c = 0; c < filled; c++) from[c] = source + (n + c) * stride + k;
            WORD *out = packed + n * depth + first * width;
            NAMED(transpose)(from, filled, least(DEPTH_OF_TRANSPOSE * ELEMENTS_OF_WORD, K - k), out, width);
            for (size_t d = 0; d < words; d++)
                for (size_t c = filled; c < width; c++) out[d * width + c] = 0;
        }
        n += width;
    }
}
