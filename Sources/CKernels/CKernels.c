// CKernels owns the arithmetic and nothing else: functions on pointers, without allocation, state or I/O.
//
// kernels/*.inc.h hold each kernel once, in vector types. Each Set*.c includes them all for one instruction set, under
// a target attribute, and exports a table. This file chooses a table by name and by what the processor has.

#include "CKernels.h"

#include <string.h>

#include "Sets.h"

static const RondoKernelsFloat *const sets[] = {
    // widest first
#if defined(__x86_64__)
    &rondo_float_avx512bf16,
    &rondo_float_avx512,
    &rondo_float_avx2,
#elif defined(__aarch64__)
    &rondo_float_neon,
#endif
    &rondo_float_portable,
};

#define SETS (sizeof(sets) / sizeof(sets[0]))

static int processorHas(const char *name) {
#if defined(__x86_64__)
    const int fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strcmp(name, "avx2") == 0) return fma;
    const int wide = fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (strcmp(name, "avx512") == 0) return wide;
    if (strcmp(name, "avx512bf16") == 0) return wide && __builtin_cpu_supports("avx512bf16");
#endif
    return 1;
}

/// The index of the named set, or SETS where this processor or build lacks it.
static size_t indexOf(const char *name) {
    size_t i = 0;
    while (i < SETS && (strcmp(sets[i]->name, name) != 0 || !processorHas(name))) i++;
    return i;
}

const RondoKernelsFloat *rondo_kernels_float(const char *name) {
    const size_t i = indexOf(name);
    return i < SETS ? sets[i] : NULL;
}

const char *rondo_best_instruction_set(void) {
    size_t i = 0;
    while (!processorHas(sets[i]->name)) i++;
    return sets[i]->name;
}

const RondoKernelsDouble *rondo_kernels_double(void) { return &rondo_double_portable; }

double rondo_peak_probe(const char *name, size_t iterations, float *sink) {
    const size_t i = indexOf(name);
    return i < SETS ? sets[i]->peakProbe(iterations, sink) : 0;
}
