// The kernel sets of this build; CKernels.c chooses among them.
#ifndef RONDO_SETS_H
#define RONDO_SETS_H

#include "CKernels.h"

/// Rounds of independent fused multiply-adds in registers; returns the floating-point operations done.
typedef double (*PeakProbe)(size_t iterations, float *sink);

extern const RondoKernelsFloat rondo_float_portable;
extern const RondoKernelsDouble rondo_double_portable;
double rondo_probe_portable(size_t iterations, float *sink);
#if defined(__x86_64__)
extern const RondoKernelsFloat rondo_float_avx512, rondo_float_avx2;
double rondo_probe_avx512(size_t iterations, float *sink);
double rondo_probe_avx2(size_t iterations, float *sink);
#elif defined(__aarch64__)
extern const RondoKernelsFloat rondo_float_neon;
double rondo_probe_neon(size_t iterations, float *sink);
#endif

#endif
