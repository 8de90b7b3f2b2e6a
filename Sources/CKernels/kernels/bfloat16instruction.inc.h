// The product on pairs by the processor's instruction (vdpbf16ps), for sets of 16 lanes: the same order as the
// emulation in bfloat16.inc.h, on the same packed operands. Subnormal operands and results count as zero.

#define NAMED(name) name##ByInstruction
#define WORD uint32_t
#define ELEMENTS_OF_WORD 2

typedef __bf16 Halves __attribute__((vector_size(64)));

#define FACTOR WordsOfPairs
#define ROUNDS_OF_WORD 1
#define LEFT_FACTOR(word, round) ((WordsOfPairs)(word))
#define RIGHT_FACTOR(p, round) (*(const WordsInMemoryOfPairs *)(p))
#define MULTIPLY_ADD(a, b, sum)                                                                                        \
    __builtin_ia32_dpbf16ps_512(sum, __builtin_bit_cast(Halves, a), __builtin_bit_cast(Halves, b))

#include "product.inc.h"

#include "probe.inc.h"

#include "endofkind.inc.h"
