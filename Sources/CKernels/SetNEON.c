// The kernel set "neon": 32 registers of 4 floats, part of every arm64 processor. 8 x 3 registers of C, 3 of B and
// 2 of A.
#if defined(__aarch64__)

#include <stddef.h>
#include <stdint.h>

#include "Sets.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi" // wide vectors are passed to inlined functions only

#define SET_NAME "neon"
#define SCALAR float
#define UNSIGNED uint32_t
#define SIGNED int32_t
#define SCALAR_IS_DOUBLE 0
#define LANES 4
#define ROWS 8
#define VECTORS 3
#define PANELS_OF_ONE_ROW 4
#define PANELS_OF_TWO_ROWS 2
#define KERNEL_TABLE_TYPE RondoKernelsFloat
#define KERNEL_TABLE rondo_float_neon
#include "kernels/set.inc.h"

#endif
