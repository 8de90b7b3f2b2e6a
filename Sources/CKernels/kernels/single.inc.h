// Products on operands of the set's own scalar: a word is one element.

#define NAMED(name) name##Single
#define WORD SCALAR
#define ELEMENTS_OF_WORD 1

typedef SCALAR QuadSingle __attribute__((ext_vector_type(4)));
typedef SCALAR QuadInMemorySingle __attribute__((ext_vector_type(4), aligned(sizeof(SCALAR))));
typedef SCALAR OctSingle __attribute__((ext_vector_type(8)));
typedef SCALAR OctInMemorySingle __attribute__((ext_vector_type(8), aligned(sizeof(SCALAR))));
typedef RegisterInMemory WordsInMemorySingle;

// Words along k lie one after another; words across k lie in one row (bfloat16 has two rows: hence `next`).
INLINE QuadSingle quadAlongSingle(const SCALAR *p) { return *(const QuadInMemorySingle *)p; }
INLINE SCALAR wordAcrossSingle(const SCALAR *p, const SCALAR *next) { return *p; }
INLINE QuadSingle quadAcrossSingle(const SCALAR *p, const SCALAR *next) { return *(const QuadInMemorySingle *)p; }
INLINE OctSingle octAcrossSingle(const SCALAR *p, const SCALAR *next) { return *(const OctInMemorySingle *)p; }
INLINE Register wordsAcrossSingle(const SCALAR *p, const SCALAR *next) { return *(const RegisterInMemory *)p; }

#include "packing.inc.h"

#define FACTOR Register
#define ROUNDS_OF_WORD 1
#define LEFT_FACTOR(word, round) ((Register)(word))
#define RIGHT_FACTOR(p, round) (*(const RegisterInMemory *)(p))
#define MULTIPLY_ADD(a, b, sum) FMA(a, b, sum)

#include "product.inc.h"

#include "probe.inc.h"

#include "endofkind.inc.h"
