// bfloat16: the upper half of a single-precision number. Rounding to it, the exact way back, and products on pairs.
//
// Rounding is to nearest, ties to even, in integer arithmetic: the same bits on every set, subnormal numbers included.
// Beyond the largest finite number it gives infinity; a NaN stays one (made quiet).

/// The bits of `x` (a float or a vector; `Bits` is its unsigned integer) rounded: the upper half counts, the lower half
/// is rubbish.
#define ROUNDED(Bits, x)                                                                                               \
    ({                                                                                                                 \
        const Bits bits = __builtin_bit_cast(Bits, x);                                                                 \
        (x) == (x) ? bits + (0x7fffu + (bits >> 16u & 1u)) : bits | 0x400000u;                                         \
    })

// Numbers for the wire may lie at any address.
typedef uint16_t HalvesInMemory __attribute__((ext_vector_type(BLOCK), aligned(1)));
typedef uint16_t HalfInMemory __attribute__((aligned(1)));

/// y[i] = x[i] rounded.
static void toBFloat16(size_t count, const float *x, void *y) {
    HalfInMemory *to = y;
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        const Block v = load(x + i, BLOCK);
        *(HalvesInMemory *)(to + i) = __builtin_convertvector(ROUNDED(UnsignedBlock, v) >> 16u, HalvesInMemory);
    }
    for (; i < count; i++) to[i] = (uint16_t)(ROUNDED(uint32_t, x[i]) >> 16);
}

/// y[i] = x[i], exactly.
static void fromBFloat16(size_t count, const void *x, float *y) {
    const HalfInMemory *from = x;
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        const HalvesInMemory v = *(const HalvesInMemory *)(from + i);
        store(y + i, BLOCK, FROM_BITS(__builtin_convertvector(v, UnsignedBlock) << 16u));
    }
    for (; i < count; i++) y[i] = __builtin_bit_cast(float, (uint32_t)from[i] << 16);
}

#define NAMED(name) name##OfPairs
#define WORD uint32_t
#define ELEMENTS_OF_WORD 2

typedef float Four __attribute__((ext_vector_type(4)));
typedef float FourInMemory __attribute__((ext_vector_type(4), aligned(sizeof(float))));
typedef float Eight __attribute__((ext_vector_type(8)));
typedef float EightInMemory __attribute__((ext_vector_type(8), aligned(sizeof(float))));
typedef uint16_t EightHalves __attribute__((ext_vector_type(8)));
typedef uint32_t QuadOfPairs __attribute__((ext_vector_type(4)));
typedef uint32_t QuadInMemoryOfPairs __attribute__((ext_vector_type(4), aligned(sizeof(uint32_t))));
typedef uint32_t OctOfPairs __attribute__((ext_vector_type(8)));
typedef uint32_t OctInMemoryOfPairs __attribute__((ext_vector_type(8), aligned(sizeof(uint32_t))));
typedef uint32_t WordsOfPairs __attribute__((ext_vector_type(LANES)));
typedef uint32_t WordsInMemoryOfPairs __attribute__((ext_vector_type(LANES), aligned(sizeof(uint32_t))));

/// The four pairs of the eight elements at p.
INLINE QuadOfPairs quadAlongOfPairs(const float *p) {
    const Eight elements = *(const EightInMemory *)p;
    return __builtin_bit_cast(QuadOfPairs, __builtin_convertvector(ROUNDED(OctOfPairs, elements) >> 16u, EightHalves));
}

/// Words across k: the lower halves from p, the upper ones from `next`; zeros there if that is NULL.
#define ACROSS(name, Words, Elements, ElementsInMemory)                                                                \
    INLINE Words name(const float *p, const float *next) {                                                             \
        const Elements lower = *(const ElementsInMemory *)p;                                                           \
        const Words words = ROUNDED(Words, lower) >> 16u;                                                              \
        if (!next) return words;                                                                                       \
        const Elements upper = *(const ElementsInMemory *)next;                                                        \
        return words | (ROUNDED(Words, upper) & 0xffff0000u);                                                          \
    }
ACROSS(wordAcrossOfPairs, uint32_t, float, float)
ACROSS(quadAcrossOfPairs, QuadOfPairs, Four, FourInMemory)
ACROSS(octAcrossOfPairs, OctOfPairs, Eight, EightInMemory)
ACROSS(wordsAcrossOfPairs, WordsOfPairs, Register, RegisterInMemory)

#include "packing.inc.h"

// Without an instruction for it, a pair takes two fused multiply-adds, in the instruction's order: first the upper
// half, then the lower. The product of two bfloat16 numbers is exact in single precision: each is a rounded addition.
#define FACTOR Register
#define ROUNDS_OF_WORD 2
#define HALF_OF(words, round) ((round) == 0 ? (words) & 0xffff0000u : (words) << 16u)
#define LEFT_FACTOR(word, round) ((Register)__builtin_bit_cast(float, HALF_OF(word, round)))
#define RIGHT_FACTOR(p, round) __builtin_bit_cast(Register, HALF_OF(*(const WordsInMemoryOfPairs *)(p), round))
#define MULTIPLY_ADD(a, b, sum) FMA(a, b, sum)

#include "product.inc.h"

#include "probe.inc.h"

#include "endofkind.inc.h"
