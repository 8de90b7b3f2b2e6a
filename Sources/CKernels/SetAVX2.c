// The kernel set "avx2": 16 registers of 8 floats. 6 x 2 registers of C, 2 of B and one of A: 95 % of peak on
// Zen 4 (4 x 3 would also fill 16 registers, but spilled: 43 %).
#if defined(__x86_64__)

#include <stddef.h>
#include <stdint.h>

#include "Sets.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi" // wide vectors are passed to inlined functions only
#define TARGET target("avx2,fma")
#pragma clang attribute push(__attribute__((TARGET)), apply_to = function)

#define SET_NAME "avx2"
#define SCALAR float
#define UNSIGNED uint32_t
#define SIGNED int32_t
#define SCALAR_IS_DOUBLE 0
#define LANES 8
#define ROWS 6
#define VECTORS 2
#define PANELS_OF_ONE_ROW 4
#define PANELS_OF_TWO_ROWS 2
#define KERNEL_TABLE_TYPE RondoKernelsFloat
#define KERNEL_TABLE rondo_float_avx2
#include "kernels/set.inc.h"

#pragma clang attribute pop

#endif
