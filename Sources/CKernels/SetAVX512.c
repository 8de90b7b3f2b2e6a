// The kernel sets "avx512" and "avx512bf16": 32 registers of 16 floats. 8 x 3 registers of C, 3 of B and one of A: 97 %
// of peak on Zen 4. The second set differs in the product on bfloat16 operands, which has an instruction there.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "Sets.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi" // wide vectors are passed to inlined functions only
#define FEATURES "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"
#pragma clang attribute push(__attribute__((target(FEATURES))), apply_to = function)

#define SET_NAME "avx512"
#define SCALAR float
#define UNSIGNED uint32_t
#define SIGNED int32_t
#define SCALAR_IS_DOUBLE 0
#define LANES 16
#define ROWS 8
#define VECTORS 3
#define PANELS_OF_ONE_ROW 4
#define PANELS_OF_TWO_ROWS 2
#define FIRST_LANES(n) (__mmask16)((1u << (n)) - 1)
#define LOAD_FIRST(p, n) (Block) _mm512_maskz_loadu_ps(FIRST_LANES(n), p)
#define STORE_FIRST(p, n, x) _mm512_mask_storeu_ps(p, FIRST_LANES(n), (__m512)(x))
#define KERNEL_TABLE_TYPE RondoKernelsFloat
#define KERNEL_TABLE rondo_float_avx512
#include "kernels/set.inc.h"

#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target(FEATURES ",avx512bf16"))), apply_to = function)

#include "kernels/bfloat16instruction.inc.h"

#pragma clang attribute pop

const RondoKernelsFloat rondo_float_avx512bf16 = KERNELS("avx512bf16", productByInstruction, peakProbeByInstruction);

#endif
