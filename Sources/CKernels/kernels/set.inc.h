// One kernel set: all kernels, and the table KERNEL_TABLE that lists them.

#include "vectors.inc.h"

#include "elementary.inc.h"

#include "layout.inc.h"

#include "single.inc.h"
#if !SCALAR_IS_DOUBLE
#include "bfloat16.inc.h"
#endif

#include "elman.inc.h"
#include "gru.inc.h"
#include "lstm.inc.h"

#include "adam.inc.h"
#include "dropout.inc.h"
#include "rows.inc.h"
#include "softmax.inc.h"

#if SCALAR_IS_DOUBLE
#define BFLOAT16_KERNELS(product, probe)
#else
#define BFLOAT16_KERNELS(product, probe)                                                                               \
    .packedLeftCountBFloat16 = packedLeftCountOfPairs, .packedRightCountBFloat16 = packedRightCountOfPairs,            \
    .packLeftBFloat16 = packLeftOfPairs, .packLeftTransposedBFloat16 = packLeftTransposedOfPairs,                      \
    .packRightBFloat16 = packRightOfPairs, .packRightTransposedBFloat16 = packRightTransposedOfPairs,                  \
    .productBFloat16 = product, .peakProbeBFloat16 = probe, .toBFloat16 = toBFloat16, .fromBFloat16 = fromBFloat16,
#endif

/// The table of a set by the name `setName` whose product on pairs is `bfloat16Product` (and its probe).
#define KERNELS(setName, bfloat16Product, bfloat16Probe)                                                               \
    {                                                                                                                  \
        .name = setName,                                                                                               \
        .packedLeftCount = packedLeftCountSingle,                                                                      \
        .packedRightCount = packedRightCountSingle,                                                                    \
        .packLeft = packLeftSingle,                                                                                    \
        .packLeftTransposed = packLeftTransposedSingle,                                                                \
        .packRight = packRightSingle,                                                                                  \
        .packRightTransposed = packRightTransposedSingle,                                                              \
        .product = productSingle, .peakProbe = peakProbeSingle,                                                        \
        BFLOAT16_KERNELS(bfloat16Product, bfloat16Probe)                                                               \
        .elmanForward = elmanForward,                                                                                  \
        .elmanBackward = elmanBackward,                                                                                \
        .lstmForward = lstmForward,                                                                                    \
        .lstmBackward = lstmBackward,                                                                                  \
        .gruForward = gruForward,                                                                                      \
        .gruBackward = gruBackward,                                                                                    \
        .softmaxCrossEntropy = softmaxCrossEntropy,                                                                    \
        .logSoftmax = logSoftmax,                                                                                      \
        .add = add,                                                                                                    \
        .multiply = multiply,                                                                                          \
        .sum = sum,                                                                                                    \
        .sumOfSquares = sumOfSquares,                                                                                  \
        .columnSums = columnSums,                                                                                      \
        .gatherRows = gatherRows,                                                                                      \
        .scatterAddRows = scatterAddRows,                                                                              \
        .adam = adam,                                                                                                  \
        .dropoutMask = dropoutMask,                                                                                    \
        .exponential = exponential,                                                                                    \
        .logarithm = logarithm,                                                                                        \
        .tangentHyperbolic = tangentHyperbolic,                                                                        \
        .sigmoid = sigmoid,                                                                                            \
    }

const KERNEL_TABLE_TYPE KERNEL_TABLE = KERNELS(SET_NAME, productOfPairs, peakProbeOfPairs);
