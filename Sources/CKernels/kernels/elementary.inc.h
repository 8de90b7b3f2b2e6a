// Elementary functions on blocks of 16: polynomials in fused multiply-adds for single precision, libm for double.
// Each result depends on its own element only; NaN stays NaN. The errors given are the largest over all floats.

#if SCALAR_IS_DOUBLE

#define EACH_ELEMENT(name, f)                                                                                          \
    INLINE Block name(Block x) {                                                                                       \
        for (int i = 0; i < BLOCK; i++) x[i] = f;                                                                      \
        return x;                                                                                                      \
    }
EACH_ELEMENT(exponentialOf, exp(x[i]))
EACH_ELEMENT(logarithmOf, log(x[i]))
EACH_ELEMENT(tangentHyperbolicOf, tanh(x[i]))
EACH_ELEMENT(sigmoidOf, 1 / (1 + exp(-x[i])))
#undef EACH_ELEMENT

#else

/// exp(x) = 2^n (1 + q): x = n log 2 + r with |r| <= (log 2) / 2, and q = exp(r) - 1 as r + r^2 p(r), p the minimax
/// polynomial of degree 4 (2^-28 of exp(r)).
typedef struct {
    UnsignedBlock n; // biased by 0x4B400000
    Block q;
} ReducedExponential;

INLINE ReducedExponential reducedExponential(Block x) {
    // Adding 1.5 * 2^23 rounds to an integer, which is then found in the low bits.
    const float shift = 12582912.0f;
    const Block shifted = FMA(x, (Block)1.44269504088896341f, (Block)shift);
    const Block n = shifted - shift;
    Block r = FMA(n, (Block)-0.693145751953125f, x);
    r = FMA(n, (Block)-1.42860682030941723212e-6f, r);
    Block p = FMA((Block)0.0013821055f, r, (Block)0.008368675f);
    p = FMA(p, r, (Block)0.041668262f);
    p = FMA(p, r, (Block)0.16666521f);
    p = FMA(p, r, (Block)0.49999994f);
    return (ReducedExponential){BITS(shifted), FMA(p * r, r, r)};
}

/// 2^n for the biased n of `reducedExponential`, -127 <= n <= 127 (0 for -127).
INLINE Block powerOfTwo(UnsignedBlock n) { return FROM_BITS((n << 23) + 0x3F800000u); }

/// exp(x), 1.02 ulp. Overflows to infinity, underflows gradually to zero.
INLINE Block exponentialOf(Block x) {
    x = x < -104.0f ? (Block)-104.0f : x;
    x = x > 89.0f ? (Block)89.0f : x;
    const ReducedExponential e = reducedExponential(x);
    // 2^n may lie outside the normal numbers: multiply by two halves of it, the last product rounding once.
    const SignedBlock n = __builtin_bit_cast(SignedBlock, e.n - 0x4B400000u);
    const SignedBlock half = n >> 1;
    const Block first = powerOfTwo(__builtin_bit_cast(UnsignedBlock, half));
    const Block second = powerOfTwo(__builtin_bit_cast(UnsignedBlock, n - half));
    return FMA(first, e.q, first) * second;
}

/// 1 / (1 + exp(-x)), 1.95 ulp. The sum is rounded once, as (1 + 2^n) + 2^n q; 1 + 2^n is exact up to n = 23, and at
/// n = 24, where half an ulp would be lost, q takes up the 1. Zero below -88.
INLINE Block sigmoidOf(Block x) {
    Block bounded = x < -88.0f ? (Block)-88.0f : x;
    bounded = bounded > 88.0f ? (Block)88.0f : bounded;
    const ReducedExponential e = reducedExponential(-bounded);
    const Block power = powerOfTwo(e.n);
    const Block q = power == 0x1p24f ? e.q + 0x1p-24f : e.q;
    const Block y = 1.0f / FMA(power, q, 1.0f + power);
    return x < -88.0f ? (Block)0.0f : y;
}

/// tanh(x), 1.34 ulp: below 0.55 an odd minimax polynomial, above it 1 - 2 / (exp(2 |x|) + 1) with the sign of x.
INLINE Block tangentHyperbolicOf(Block x) {
    const Block magnitude = FROM_BITS(BITS(x) & 0x7FFFFFFFu);
    const Block bounded = magnitude > 10.0f ? (Block)10.0f : magnitude;
    const ReducedExponential e = reducedExponential(bounded + bounded);
    const Block power = powerOfTwo(e.n);
    const Block large = 1.0f - 2.0f / FMA(power, e.q, 1.0f + power);
    const Block square = magnitude * magnitude;
    Block p = FMA((Block)-0.0062428494f, square, (Block)0.021050714f);
    p = FMA(p, square, (Block)-0.053847548f);
    p = FMA(p, square, (Block)0.13332544f);
    p = FMA(p, square, (Block)-0.33333316f);
    const Block small = FMA(p * square, magnitude, magnitude);
    const Block y = magnitude < 0.55f ? small : large;
    return FROM_BITS(BITS(y) | (BITS(x) & 0x80000000u));
}

/// log(x), 0.83 ulp: x = 2^e m with sqrt(1/2) <= m < sqrt(2), then the polynomial of Cephes' logf in m - 1.
INLINE Block logarithmOf(Block x) {
    const SignedBlock subnormal = x < 0x1p-126f;
    const UnsignedBlock bits = BITS(subnormal ? x * 0x1p23f : x) - 0x3F3504F3u;
    const SignedBlock integer = (__builtin_bit_cast(SignedBlock, bits) >> 23) - (subnormal & 23);
    const Block e = __builtin_convertvector(integer, Block);
    const Block m = FROM_BITS((bits & 0x007FFFFFu) + 0x3F3504F3u);
    const Block f = m - 1.0f;
    const Block square = f * f;
    Block p = FMA((Block)7.0376836292e-2f, f, (Block)-1.1514610310e-1f);
    p = FMA(p, f, (Block)1.1676998740e-1f);
    p = FMA(p, f, (Block)-1.2420140846e-1f);
    p = FMA(p, f, (Block)1.4249322787e-1f);
    p = FMA(p, f, (Block)-1.6668057665e-1f);
    p = FMA(p, f, (Block)2.0000714765e-1f);
    p = FMA(p, f, (Block)-2.4999993993e-1f);
    p = FMA(p, f, (Block)3.3333331174e-1f);
    Block tail = FMA(e, (Block)-2.12194440e-4f, p * f * square);
    tail = FMA((Block)-0.5f, square, tail);
    Block y = FMA(e, (Block)0.693359375f, f + tail);
    y = x == __builtin_inff() ? x : y;
    y = x == 0.0f ? (Block)-__builtin_inff() : y;
    return x >= 0.0f ? y : (Block)__builtin_nanf("");
}

#endif

#define WHOLE_VECTOR(name, f)                                                                                          \
    static void name(size_t count, const SCALAR *x, SCALAR *y) {                                                       \
        IN_BLOCKS(count, store(y + j, n, f(load(x + j, n))));                                                          \
    }
WHOLE_VECTOR(exponential, exponentialOf)
WHOLE_VECTOR(logarithm, logarithmOf)
WHOLE_VECTOR(tangentHyperbolic, tangentHyperbolicOf)
WHOLE_VECTOR(sigmoid, sigmoidOf)
#undef WHOLE_VECTOR
