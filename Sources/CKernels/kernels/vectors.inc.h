// Vector types and the loads and stores that every kernel shares.
//
// A kernel set is one C file that defines
//   SCALAR, UNSIGNED, SIGNED   the element and the integers of its width,
//   LANES                      elements in one register of the instruction set,
//   ROWS, VECTORS              the product's tile: ROWS rows by VECTORS registers,
//   PANELS_OF_ONE_ROW, PANELS_OF_TWO_ROWS   how many panels a tile of one or two rows spans,
// and then includes kernels/set.inc.h. Except for the product, kernels compute in blocks of 16 elements on every set
// (the compiler splits a block into registers): so the code, and the order of every sum, is the same everywhere.

#define BLOCK 16
#define INLINE static inline __attribute__((always_inline))

INLINE size_t least(size_t a, size_t b) { return a < b ? a : b; }

typedef SCALAR Block __attribute__((ext_vector_type(BLOCK)));
typedef SCALAR BlockInMemory __attribute__((ext_vector_type(BLOCK), aligned(sizeof(SCALAR))));
typedef UNSIGNED UnsignedBlock __attribute__((ext_vector_type(BLOCK)));
typedef SIGNED SignedBlock __attribute__((ext_vector_type(BLOCK)));
typedef double DoubleBlock __attribute__((ext_vector_type(BLOCK)));

#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define BITS(x) __builtin_bit_cast(UnsignedBlock, x)
#define FROM_BITS(x) __builtin_bit_cast(Block, x)

// A set may define LOAD_FIRST(p, n) and STORE_FIRST(p, n, x) for 0 < n < 16 where it has instructions for them.
#ifndef LOAD_FIRST
/// Copies n < 16 elements: 8, 4, 2 and 1 of them as n has bits.
INLINE void copyFirst(SCALAR *to, const SCALAR *from, size_t n) {
#pragma clang loop unroll(full)
    for (size_t part = 8, i = 0; part > 0; part /= 2)
        if (n & part) {
            __builtin_memcpy(to + i, from + i, part * sizeof(SCALAR));
            i += part;
        }
}

INLINE Block loadFirst(const SCALAR *p, size_t n) {
    SCALAR elements[BLOCK] = {0};
    copyFirst(elements, p, n);
    return *(const BlockInMemory *)elements;
}

INLINE void storeFirst(SCALAR *p, size_t n, Block x) {
    SCALAR elements[BLOCK];
    *(BlockInMemory *)elements = x;
    copyFirst(p, elements, n);
}
#define LOAD_FIRST(p, n) loadFirst(p, n)
#define STORE_FIRST(p, n, x) storeFirst(p, n, x)
#endif

/// The first n <= 16 elements at p, zeros above.
INLINE Block load(const SCALAR *p, size_t n) { return n == BLOCK ? *(const BlockInMemory *)p : LOAD_FIRST(p, n); }

/// Writes the first n <= 16 elements of x to p.
INLINE void store(SCALAR *p, size_t n, Block x) {
    if (n == BLOCK)
        *(BlockInMemory *)p = x;
    else
        STORE_FIRST(p, n, x);
}

/// The first n <= 16 elements of x, `filler` above.
INLINE Block first(Block x, size_t n, SCALAR filler) {
    const SignedBlock lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return n == BLOCK ? x : lanes < (SIGNED)n ? x : (Block)filler;
}

/// Runs `call` for j = 0, 16, 32 ... below `count`, with n the number of elements in the block at j. The compiler makes
/// two copies: whole blocks, and the last one.
#define IN_BLOCKS(count, call)                                                                                         \
    do {                                                                                                               \
        size_t j = 0;                                                                                                  \
        for (const size_t n = BLOCK; j + BLOCK <= (count); j += BLOCK) call;                                           \
        const size_t n = (count) - j;                                                                                  \
        if (n > 0) call;                                                                                               \
    } while (0)

/// x0 + ... + x15, pairwise: 8 + 8, 4 + 4, 2 + 2, 1 + 1.
#define PAIRWISE_SUM(partials)                                                                                         \
    ({                                                                                                                 \
        __auto_type eight = (partials).lo + (partials).hi;                                                             \
        __auto_type four = eight.lo + eight.hi;                                                                        \
        __auto_type two = four.lo + four.hi;                                                                           \
        two[0] + two[1];                                                                                               \
    })

/// The largest of 16 elements.
#define PAIRWISE_MAXIMUM(elements)                                                                                     \
    ({                                                                                                                 \
        __auto_type eight = GREATER((elements).hi, (elements).lo);                                                     \
        __auto_type four = GREATER(eight.hi, eight.lo);                                                                \
        __auto_type two = GREATER(four.hi, four.lo);                                                                   \
        two[1] > two[0] ? two[1] : two[0];                                                                             \
    })
#define GREATER(a, b) ((a) > (b) ? (a) : (b))
