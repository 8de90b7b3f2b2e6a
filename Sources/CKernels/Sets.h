// The kernel sets of this build; CKernels.c chooses among them.
#ifndef RONDO_SETS_H
#define RONDO_SETS_H

#include "CKernels.h"

extern const RondoKernelsFloat rondo_float_portable;
extern const RondoKernelsDouble rondo_double_portable;
#if defined(__x86_64__)
extern const RondoKernelsFloat rondo_float_avx512bf16, rondo_float_avx512, rondo_float_avx2;
#elif defined(__aarch64__)
extern const RondoKernelsFloat rondo_float_neon;
#endif

#endif
