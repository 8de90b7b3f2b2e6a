// Dropout masks from Philox 4x32-10 (Salmon et al. 2011): out[n] = kept ? 1 / (1 - p) : 0. Element i takes word i mod 4
// of counter {i / 4, c1, c2, c3}; it is kept if (word >> 8) * 2^-24 >= p. Sixteen counters at a time give 64 elements.

typedef uint32_t WordBlock __attribute__((ext_vector_type(16)));
typedef uint64_t WideBlock __attribute__((ext_vector_type(8)));

/// The high and low words of the 64-bit products a b: even and odd lanes apart, as the instruction has it
/// (little-endian).
INLINE void multiplyWide(uint32_t a, WordBlock b, WordBlock *high, WordBlock *low) {
    const WideBlock pairs = __builtin_bit_cast(WideBlock, b), lowHalf = 0xFFFFFFFFu;
    const WideBlock even = (pairs & lowHalf) * a, odd = (pairs >> 32) * a;
    *high = __builtin_bit_cast(WordBlock, (even >> 32) | (odd & ~lowHalf));
    *low = b * a;
}

#define ZIP_LOW(a, b)                                                                                                  \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(a, b)                                                                                                 \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/// 1 / (1 - p) where a uniform number in [0, 1) made of the word's upper 24 bits is at least p, else 0.
INLINE Block maskOf(WordBlock words, SCALAR p, SCALAR kept) {
    const Block uniform = __builtin_convertvector(words >> 8, Block) * (SCALAR)0x1p-24;
    return uniform >= p ? (Block)kept : (Block)0;
}

static void dropoutMask(size_t count, uint32_t key0, uint32_t key1, uint32_t c1, uint32_t c2, uint32_t c3, SCALAR p,
                        SCALAR *out) {
    const SCALAR kept = 1 / (1 - p);
    const WordBlock ascending = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (size_t first = 0; first < count; first += 4 * BLOCK) {
        WordBlock x0 = ascending + (uint32_t)(first / 4), x1 = c1, x2 = c2, x3 = c3;
        for (uint32_t round = 0; round < 10; round++) {
            WordBlock high0, low0, high2, low2;
            multiplyWide(0xD2511F53u, x0, &high0, &low0);
            multiplyWide(0xCD9E8D57u, x2, &high2, &low2);
            x0 = high2 ^ x1 ^ (key0 + round * 0x9E3779B9u);
            x1 = low2;
            x2 = high0 ^ x3 ^ (key1 + round * 0xBB67AE85u);
            x3 = low0;
        }
        const Block m0 = maskOf(x0, p, kept), m1 = maskOf(x1, p, kept);
        const Block m2 = maskOf(x2, p, kept), m3 = maskOf(x3, p, kept);
        // Counter by counter: 0 1 2 3 of the first, 0 1 2 3 of the second ...
        const Block evenLow = ZIP_LOW(m0, m2), evenHigh = ZIP_HIGH(m0, m2);
        const Block oddLow = ZIP_LOW(m1, m3), oddHigh = ZIP_HIGH(m1, m3);
        const Block masks[4] = {ZIP_LOW(evenLow, oddLow), ZIP_HIGH(evenLow, oddLow), ZIP_LOW(evenHigh, oddHigh),
                                ZIP_HIGH(evenHigh, oddHigh)};
        const size_t rest = count - first;
#pragma clang loop unroll(full)
        for (size_t b = 0; b < 4; b++)
            if (rest > b * BLOCK) store(out + first + b * BLOCK, least(rest - b * BLOCK, BLOCK), masks[b]);
    }
}
