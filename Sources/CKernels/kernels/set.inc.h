// One kernel set: all kernels, and the table KERNEL_TABLE that lists them.

#include "vectors.inc.h"

#include "elementary.inc.h"

#include "packing.inc.h"

#include "product.inc.h"

#include "elman.inc.h"
#include "gru.inc.h"
#include "lstm.inc.h"

#include "adam.inc.h"
#include "dropout.inc.h"
#include "rows.inc.h"
#include "softmax.inc.h"

const KERNEL_TABLE_TYPE KERNEL_TABLE = {
    .name = SET_NAME,
    .packedLeftCount = packedLeftCount,
    .packedRightCount = packedRightCount,
    .packLeft = packLeft,
    .packLeftTransposed = packLeftTransposed,
    .packRight = packRight,
    .packRightTransposed = packRightTransposed,
    .product = product,
    .elmanForward = elmanForward,
    .elmanBackward = elmanBackward,
    .lstmForward = lstmForward,
    .lstmBackward = lstmBackward,
    .gruForward = gruForward,
    .gruBackward = gruBackward,
    .softmaxCrossEntropy = softmaxCrossEntropy,
    .logSoftmax = logSoftmax,
    .add = add,
    .multiply = multiply,
    .sum = sum,
    .sumOfSquares = sumOfSquares,
    .columnSums = columnSums,
    .gatherRows = gatherRows,
    .scatterAddRows = scatterAddRows,
    .adam = adam,
    .dropoutMask = dropoutMask,
    .exponential = exponential,
    .logarithm = logarithm,
    .tangentHyperbolic = tangentHyperbolic,
    .sigmoid = sigmoid,
};
