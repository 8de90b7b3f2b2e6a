// The layout of the packed operands of a product C[M,N] = A[M,K] B[K,N], in words.
//
// A word holds one element of an operand (single precision: a SCALAR) or a pair of elements (bfloat16: 32 bits, of
// which the lower half belongs to an even k and the upper half to k + 1; the partner of an odd K's last element is
// zero). D is the number of words that K elements take.
//
// Left:  strips of at most ROWS rows, as equal in height as can be (10 rows are 5 + 5), so that no tile is too low to
//        hide the latency of a fused multiply-add. The strip of h rows from row m on begins at m D; its word (d, r) is
//        at d h + r. No padding.
// Right: panels of at most VECTORS registers, as equal in width as can be. The panel of w columns (whole registers)
//        from column n on begins at n D; its word (d, c) is at d w + c. Columns beyond N are zeros.

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
