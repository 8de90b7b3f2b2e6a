// The kernel set "portable" in double precision: for gradient checks. Elementary functions are those of libm.

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "Sets.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi" // wide vectors are passed to inlined functions only

#define SET_NAME "portable"
#define SCALAR double
#define UNSIGNED uint64_t
#define SIGNED int64_t
#define SCALAR_IS_DOUBLE 1
#define LANES 2
#define ROWS 4
#define VECTORS 2
#define PANELS_OF_ONE_ROW 1
#define PANELS_OF_TWO_ROWS 1
#define KERNEL_TABLE_TYPE RondoKernelsDouble
#define KERNEL_TABLE rondo_double_portable
#include "kernels/set.inc.h"
