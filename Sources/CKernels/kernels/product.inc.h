// C[M,N] = A[M,K] B[K,N] from packed operands (layout.inc.h), for one kind of product.
//
// Order of accumulation: every element of C has one accumulator, from 0, through fused multiply-adds with k ascending
// (in pairs: the second element's before the first one's); then the store adds the old element or the bias. Neither the
// tile nor M, N or the blocking of K changes a bit.
//
// The kind defines how a word is multiplied, in ROUNDS_OF_WORD rounds: FACTOR is a register of factors,
// LEFT_FACTOR(word, round) and RIGHT_FACTOR(p, round) make one of a word and of the words at p, MULTIPLY_ADD(a, b, sum)
// uses two.
//
// A tile of ROWS x VECTORS registers of C stays in registers while it runs along K. Tiles go strip by strip down a
// panel of B, panel by panel: the panel and a block of strips of A stay in the second-level cache. (Measured on Zen 4
// with 2048 x 512 x 4096 and AVX2: 53 % of peak without blocks, 93 % with them.)

/// The longest stretch of words that a tile runs along at a time: a panel then takes 192 KiB with AVX-512.
#define DEPTH_MAX 1024
/// What a block of strips may take of the second-level cache.
#define LEFT_BLOCK_BYTES (256 * 1024)
/// Registers side by side in the widest tile.
#define ACROSS_MAX (VECTORS * PANELS_OF_ONE_ROW)

/// What all tiles of one block of K share.
typedef struct {
    size_t depth;       // of the block of K, in words
    size_t strideC;     // scalars from one row of C to the next
    size_t panelStride; // words from one panel of B to the next, for tiles that span several
    RondoStore store;
    int resumes; // the accumulators begin with what C holds: not the first block of K
} NAMED(TileContext);

#define TILE_PARAMETERS                                                                                                \
    const NAMED(TileContext) *restrict context, const WORD *restrict left, const WORD *restrict right,                 \
        SCALAR *restrict C, const SCALAR *restrict bias
#define TILE_ARGUMENTS context, left, right, C, bias
#define FOR_REGISTERS                                                                                                  \
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++)                                               \
        _Pragma("clang loop unroll(full)") for (size_t v = 0; v < across; v++)
#define IN_C (*(RegisterInMemory *)(C + r * context->strideC + v * LANES))

/// One tile: left [depth,rows], `panels` panels of right [depth,vectors * LANES], C [rows,panels * vectors * LANES].
INLINE void NAMED(tile)(const size_t rows, const size_t vectors, const size_t panels, TILE_PARAMETERS) {
    const size_t across = panels * vectors;
    Register sums[ROWS][ACROSS_MAX];
    FOR_REGISTERS sums[r][v] = 0;
    if (context->resumes)
        FOR_REGISTERS sums[r][v] = IN_C;
    else // C has time to come while the tile runs: 1 % of a step whose C is far away.
        FOR_REGISTERS __builtin_prefetch(&IN_C, 1);
#pragma clang loop unroll(disable)
    for (size_t d = context->depth; d > 0; d--) {
#pragma clang loop unroll(full)
        for (int round = 0; round < ROUNDS_OF_WORD; round++) {
            FACTOR b[ACROSS_MAX];
#pragma clang loop unroll(full)
            for (size_t v = 0; v < across; v++)
                b[v] = RIGHT_FACTOR(right + v / vectors * context->panelStride + v % vectors * LANES, round);
            FOR_REGISTERS sums[r][v] = MULTIPLY_ADD(LEFT_FACTOR(left[r], round), b[v], sums[r][v]);
        }
        left += rows;
        right += vectors * LANES;
    }
    if (context->store == RondoStoreAdd) FOR_REGISTERS sums[r][v] = IN_C + sums[r][v];
    if (context->store == RondoStoreBias)
        FOR_REGISTERS sums[r][v] += *(const RegisterInMemory *)(bias + v * LANES);
    FOR_REGISTERS IN_C = sums[r][v];
}

// A function for each height and width.
typedef void (*NAMED(Tile))(TILE_PARAMETERS);

#define TILE_FUNCTION(rows, vectors)                                                                                   \
    static void NAMED(tile##rows##x##vectors)(TILE_PARAMETERS) { NAMED(tile)(rows, vectors, 1, TILE_ARGUMENTS); }
#define TILE_NAME(rows, vectors) NAMED(tile##rows##x##vectors),
#if VECTORS == 3
#define TILES_OF(rows, f) f(rows, 1) f(rows, 2) f(rows, 3)
#else
#define TILES_OF(rows, f) f(rows, 1) f(rows, 2)
#endif
#define TILES_UP_TO_4(f) TILES_OF(1, f) TILES_OF(2, f) TILES_OF(3, f) TILES_OF(4, f)
#if ROWS == 8
#define TILES(f) TILES_UP_TO_4(f) TILES_OF(5, f) TILES_OF(6, f) TILES_OF(7, f) TILES_OF(8, f)
#elif ROWS == 6
#define TILES(f) TILES_UP_TO_4(f) TILES_OF(5, f) TILES_OF(6, f)
#else
#define TILES(f) TILES_UP_TO_4(f)
#endif

TILES(TILE_FUNCTION)
static const NAMED(Tile) NAMED(tiles)[ROWS * VECTORS] = {TILES(TILE_NAME)};

// One or two rows (generation) have too few accumulators in one panel to hide the latency of a fused multiply-add:
// their tiles span several panels of full width.
static void NAMED(tileOfOneRow)(TILE_PARAMETERS) { NAMED(tile)(1, VECTORS, PANELS_OF_ONE_ROW, TILE_ARGUMENTS); }
static void NAMED(tileOfTwoRows)(TILE_PARAMETERS) { NAMED(tile)(2, VECTORS, PANELS_OF_TWO_ROWS, TILE_ARGUMENTS); }

/// A tile whose last columns lie beyond C: computed in a buffer of its own.
static void NAMED(edgeTile)(NAMED(Tile) tile, size_t rows, size_t columns, TILE_PARAMETERS) {
    SCALAR buffer[ROWS * PANEL];
    NAMED(TileContext) within = *context;
    within.strideC = PANEL;
    within.store = RondoStoreReplace;
    if (context->resumes)
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++) buffer[r * PANEL + c] = C[r * context->strideC + c];
    tile(&within, left, right, buffer, 0);
    for (size_t r = 0; r < rows; r++) {
        SCALAR *restrict to = C + r * context->strideC;
        const SCALAR *restrict sum = buffer + r * PANEL;
        if (context->store == RondoStoreAdd)
            for (size_t c = 0; c < columns; c++) to[c] = to[c] + sum[c];
        else if (context->store == RondoStoreBias)
            for (size_t c = 0; c < columns; c++) to[c] = sum[c] + bias[c];
        else
            for (size_t c = 0; c < columns; c++) to[c] = sum[c];
    }
}

/// The operands of a product and how they are cut into tiles.
typedef struct {
    const WORD *left, *right;
    const SCALAR *bias;
    SCALAR *C;
    size_t N, depth; // K in words
    Parts strips, panels;
    NAMED(Tile) wideTile; // for products of one or two rows: a tile over several panels, or NULL
    size_t panelsOfWide;  // how many
} NAMED(Product);

/// All tiles of the strips `first` ..< `end`, which begin at row `firstRow`, for the stretch of K from word `d` on.
INLINE void NAMED(productOfStrips)(const NAMED(Product) *p, const NAMED(TileContext) *context, size_t d, size_t first,
                                   size_t end, size_t firstRow) {
    for (size_t panel = 0, n = 0; panel < p->panels.count;) {
        const size_t vectors = lengthOf(p->panels, panel), panelWidth = vectors * LANES;
        const size_t afterWide = panel + p->panelsOfWide;
        const int wide = p->wideTile && lengthOf(p->panels, afterWide - 1) == VECTORS
            && n + p->panelsOfWide * PANEL <= p->N && afterWide <= p->panels.count;
        const size_t width = wide ? p->panelsOfWide * PANEL : panelWidth, columns = least(width, p->N - n);
        const WORD *right = p->right + n * p->depth + d * panelWidth;
        const SCALAR *bias = p->bias ? p->bias + n : p->bias;
        for (size_t strip = first, m = firstRow; strip < end; strip++) {
            const size_t rows = lengthOf(p->strips, strip);
            const NAMED(Tile) tile = wide ? p->wideTile : NAMED(tiles)[(rows - 1) * VECTORS + vectors - 1];
            const WORD *left = p->left + m * p->depth + d * rows;
            SCALAR *C = p->C + m * context->strideC + n;
            if (columns == width)
                tile(context, left, right, C, bias);
            else
                NAMED(edgeTile)(tile, rows, columns, context, left, right, C, bias);
            m += rows;
        }
        panel = wide ? afterWide : panel + 1;
        n += width;
    }
}

static void NAMED(product)(const WORD *packedLeft, const WORD *packedRight, size_t M, size_t N, size_t K, SCALAR *C,
                           size_t strideC, RondoStore store, const SCALAR *bias) {
    NAMED(Product) p = {.left = packedLeft, .right = packedRight, .bias = bias, .C = C, .N = N};
    p.depth = WORDS_OF(K);
    p.strips = balanced(M, ROWS);
    p.panels = balanced(registersOf(N), VECTORS);
    p.panelsOfWide = M == 1 ? PANELS_OF_ONE_ROW : PANELS_OF_TWO_ROWS;
    p.wideTile = p.panelsOfWide == 1 ? 0 : M == 1 ? NAMED(tileOfOneRow) : M == 2 ? NAMED(tileOfTwoRows) : 0;
    // An addition comes after the whole chain, so K may be cut only where the accumulators can rest in C.
    const int isWhole = store == RondoStoreAdd || K == 0;
    const Parts stretches = isWhole ? (Parts){1, p.depth, 0} : balanced(p.depth, DEPTH_MAX);
    for (size_t stretch = 0, d = 0; stretch < stretches.count; d += lengthOf(stretches, stretch++)) {
        const NAMED(TileContext) context = {.depth = lengthOf(stretches, stretch),
                                            .strideC = strideC,
                                            .panelStride = PANEL * p.depth,
                                            .store = stretch + 1 < stretches.count ? RondoStoreReplace : store,
                                            .resumes = stretch > 0};
        const size_t stripBytes = (context.depth + 1) * ROWS * sizeof(WORD);
        const Parts blocks = balanced(p.strips.count, 1 + LEFT_BLOCK_BYTES / stripBytes);
        for (size_t block = 0, first = 0, m = 0; block < blocks.count; block++) {
            const size_t end = first + lengthOf(blocks, block);
            NAMED(productOfStrips)(&p, &context, d, first, end, m);
            for (; first < end; first++) m += lengthOf(p.strips, first);
        }
    }
}
