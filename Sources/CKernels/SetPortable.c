// The kernel set "portable": what the compiler's baseline has: the yardstick of the others. Where that has no fused
// multiply-add (x86-64), each one is a call of fmaf, exact but slow.

#include <stddef.h>
#include <stdint.h>

#include "Sets.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi" // wide vectors are passed to inlined functions only

#define SET_NAME "portable"
#define SCALAR float
#define UNSIGNED uint32_t
#define SIGNED int32_t
#define SCALAR_IS_DOUBLE 0
#define LANES 4
#define ROWS 4
#define VECTORS 2
#define PANELS_OF_ONE_ROW 1
#define PANELS_OF_TWO_ROWS 1
#define KERNEL_TABLE_TYPE RondoKernelsFloat
#define KERNEL_TABLE rondo_float_portable
#include "kernels/set.inc.h"
