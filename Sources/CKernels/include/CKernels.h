// The arithmetic of Rondo: every kernel, as one table of functions for each instruction set.
//
// Contract (the same bits on every instruction set):
//  - an element of a product is accumulated by fused multiply-add in ascending inner index, in one accumulator;
//  - lanes of a vector never mix, except in the sums across a vector, which use 16 strided partial sums
//    (element i goes to partial i mod 16), combined pairwise: 8 + 8, 4 + 4, 2 + 2, 1 + 1;
//  - elementary functions are our own polynomials in fused multiply-adds;
//  - no contraction that is not written down, no flush to zero, no approximate reciprocal.
// Products on bfloat16 operands (the kernels named ...BFloat16) keep the contract within one set, and all sets but
// "avx512bf16" agree. The instruction of "avx512bf16" takes subnormal numbers for zero, as operands and as sums: it
// agrees with the others wherever none occurs.
// Nothing here allocates, keeps state, or does I/O. Matrices are row-major; a stride counts scalars from one row
// to the next. Pointers need only the alignment of their scalar; 64 bytes are faster.
#ifndef RONDO_CKERNELS_H
#define RONDO_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// What the final store of a product does with the accumulated element.
typedef enum {
    /// C = A B
    RondoStoreReplace = 0,
    /// C = C + A B: one addition after the accumulation, so that a sum of two products is exactly left + right.
    RondoStoreAdd = 1,
    /// C = A B + bias, the bias being one value a column.
    RondoStoreBias = 2,
} RondoStore;

typedef enum { RondoActivationTanh = 0, RondoActivationRelu = 1 } RondoActivation;

/// One step's constants of Adam (Kingma and Ba 2015, algorithm 1, with epsilon outside the root).
typedef struct {
    double gradientScale;      // multiplies each gradient: clip factor / token count
    double beta1, beta2, epsilon;
    double stepSize;           // rate / (1 - beta1^t)
    double rootBiasCorrection; // sqrt(1 - beta2^t)
} RondoAdamStep;

// Products on operands rounded to bfloat16, accumulated in single precision: C[M,N] = A[M,K] B[K,N] where each element
// has one accumulator; K goes in pairs, k = 1 before 0, 3 before 2 and so on, a rounded addition each (the products are
// exact). Operands are rounded to nearest even when packed. Each kernel is otherwise as its namesake; packed operands
// are counted in words of 32 bits, which hold a pair.
#define RONDO_BFLOAT16_KERNELS                                                                                         \
    size_t (*_Nonnull packedLeftCountBFloat16)(size_t M, size_t K);                                                    \
    size_t (*_Nonnull packedRightCountBFloat16)(size_t K, size_t N);                                                   \
    void (*_Nonnull packLeftBFloat16)(const float *_Nonnull source, size_t stride, const int32_t *_Nullable rows,      \
                                      size_t M, size_t K, uint32_t *_Nonnull packed);                                  \
    void (*_Nonnull packLeftTransposedBFloat16)(const float *_Nonnull source, size_t stride,                           \
                                                const int32_t *_Nullable rows, size_t M, size_t K,                     \
                                                uint32_t *_Nonnull packed);                                            \
    void (*_Nonnull packRightBFloat16)(const float *_Nonnull source, size_t stride, const int32_t *_Nullable rows,     \
                                       size_t K, size_t N, uint32_t *_Nonnull packed);                                 \
    void (*_Nonnull packRightTransposedBFloat16)(const float *_Nonnull source, size_t stride, size_t K, size_t N,      \
                                                 uint32_t *_Nonnull packed);                                           \
    void (*_Nonnull productBFloat16)(const uint32_t *_Nonnull packedLeft, const uint32_t *_Nonnull packedRight,        \
                                     size_t M, size_t N, size_t K, float *_Nonnull C, size_t strideC,                  \
                                     RondoStore store, const float *_Nullable bias);                                   \
    double (*_Nonnull peakProbeBFloat16)(size_t iterations, float *_Nonnull sink);                                     \
    /* For the wire, 2 bytes a number at any address. y[i] = x[i] rounded to nearest even, the same bits on every set  \
       (NaN stays NaN, beyond the largest number lies infinity); and y[i] = x[i], exactly. */                          \
    void (*_Nonnull toBFloat16)(size_t n, const float *_Nonnull x, void *_Nonnull y);                                  \
    void (*_Nonnull fromBFloat16)(size_t n, const void *_Nonnull x, float *_Nonnull y);

// The table is declared once for each scalar type: float for training, with the kernels MORE, and double for gradient
// checks.
#define RONDO_DECLARE_KERNELS(SCALAR, NAME, MORE)                                                                      \
    typedef struct NAME {                                                                                              \
        /* "avx512bf16", "avx512", "avx2", "neon", "portable" */                                                       \
        const char *_Nonnull name;                                                                                     \
                                                                                                                       \
        /* ---- matrix product: C[M,N] = A[M,K] B[K,N] ---- */                                                         \
        /* Both operands are packed first. packedLeftCount/packedRightCount give the scalars that a packed operand     \
           takes. The packed layouts belong to the instruction set: never pack with one table and multiply with        \
           another. Rows and columns outside the operand are never read by the product's stores. */                    \
        size_t (*_Nonnull packedLeftCount)(size_t M, size_t K);                                                        \
        size_t (*_Nonnull packedRightCount)(size_t K, size_t N);                                                       \
        /* A[m,k] = source[(rows ? rows[m] : m) * stride + k] */                                                       \
        void (*_Nonnull packLeft)(const SCALAR *_Nonnull source, size_t stride, const int32_t *_Nullable rows,         \
                                  size_t M, size_t K, SCALAR *_Nonnull packed);                                        \
        /* A[m,k] = source[(rows ? rows[k] : k) * stride + m]: the transpose, for weight gradients */                  \
        void (*_Nonnull packLeftTransposed)(const SCALAR *_Nonnull source, size_t stride,                              \
                                            const int32_t *_Nullable rows, size_t M, size_t K,                         \
                                            SCALAR *_Nonnull packed);                                                  \
        /* B[k,n] = source[(rows ? rows[k] : k) * stride + n] */                                                       \
        void (*_Nonnull packRight)(const SCALAR *_Nonnull source, size_t stride, const int32_t *_Nullable rows,        \
                                   size_t K, size_t N, SCALAR *_Nonnull packed);                                       \
        /* B[k,n] = source[n * stride + k]: the transpose, for y = x W^T with W [N,K] */                               \
        void (*_Nonnull packRightTransposed)(const SCALAR *_Nonnull source, size_t stride, size_t K, size_t N,         \
                                             SCALAR *_Nonnull packed);                                                 \
        void (*_Nonnull product)(const SCALAR *_Nonnull packedLeft, const SCALAR *_Nonnull packedRight, size_t M,      \
                                 size_t N, size_t K, SCALAR *_Nonnull C, size_t strideC, RondoStore store,             \
                                 const SCALAR *_Nullable bias);                                                        \
        /* Runs rounds of independent multiply-adds in registers; returns the number of floating-point operations. */  \
        double (*_Nonnull peakProbe)(size_t iterations, SCALAR *_Nonnull sink);                                        \
        MORE                                                                                                           \
                                                                                                                       \
        /* ---- recurrent cells; one call does all rows of one time step ---- */                                       \
        /* Elman (1990): h = activation(gates). gates [rows,H] holds input + recurrent pre-activation. */              \
        void (*_Nonnull elmanForward)(size_t rows, size_t H, RondoActivation activation, const SCALAR *_Nonnull gates, \
                                      size_t strideGates, SCALAR *_Nonnull hidden, size_t strideHidden);               \
        /* dGates = dHidden * activation'(h); may not overlap */                                                       \
        void (*_Nonnull elmanBackward)(size_t rows, size_t H, RondoActivation activation,                              \
                                       const SCALAR *_Nonnull hidden, size_t strideHidden,                             \
                                       const SCALAR *_Nonnull dHidden, size_t strideDHidden,                           \
                                       SCALAR *_Nonnull dGates, size_t strideGates);                                   \
        /* LSTM (Hochreiter and Schmidhuber 1997; Gers 2000), PyTorch gate order i, f, g, o in 4 blocks of H.          \
           gates [rows,4H]: pre-activations in, activations out. c = f cPrevious + i g (fma(i, g, f * cPrevious)),     \
           tanhCell = tanh(c), h = o tanhCell. cell and tanhCell and cellPrevious are [rows,H]. */                     \
        void (*_Nonnull lstmForward)(size_t rows, size_t H, SCALAR *_Nonnull gates, size_t strideGates,                \
                                     const SCALAR *_Nonnull cellPrevious, size_t strideCellPrevious,                   \
                                     SCALAR *_Nonnull cell, size_t strideCell, SCALAR *_Nonnull tanhCell,              \
                                     size_t strideTanhCell, SCALAR *_Nonnull hidden, size_t strideHidden);             \
        /* gates: activations in, gradients of the pre-activations out. dCell: gradient of c from the next step in,    \
           gradient of cellPrevious out. */                                                                            \
        void (*_Nonnull lstmBackward)(size_t rows, size_t H, SCALAR *_Nonnull gates, size_t strideGates,               \
                                      const SCALAR *_Nonnull cellPrevious, size_t strideCellPrevious,                  \
                                      const SCALAR *_Nonnull tanhCell, size_t strideTanhCell,                          \
                                      const SCALAR *_Nonnull dHidden, size_t strideDHidden, SCALAR *_Nonnull dCell,    \
                                      size_t strideDCell);                                                             \
        /* GRU (Cho 2014) with the reset gate after the recurrent product, as cuDNN and PyTorch; order r, z, n.        \
           inputGates [rows,3H] = W_i x + b_i: in; r, z, n out. recurrentGates [rows,3H] = W_h h + b_h: in; its third  \
           block (W_hn h + b_hn) is kept for the backward pass. h = (1 - z) n + z hPrevious = n + z (hPrevious - n),   \
           computed as fma(z, hPrevious - n, n). */                                                                    \
        void (*_Nonnull gruForward)(size_t rows, size_t H, SCALAR *_Nonnull inputGates, size_t strideInput,            \
                                    const SCALAR *_Nonnull recurrentGates, size_t strideRecurrent,                     \
                                    const SCALAR *_Nonnull hiddenPrevious, size_t strideHiddenPrevious,                \
                                    SCALAR *_Nonnull hidden, size_t strideHidden);                                     \
        /* inputGates: r, z, n in, gradients of W_i x + b_i out. recurrentGates: kept third block in, gradients of     \
           W_h h + b_h out (all three blocks). dHiddenPrevious: out, the direct part dHidden * z. */                   \
        void (*_Nonnull gruBackward)(size_t rows, size_t H, SCALAR *_Nonnull inputGates, size_t strideInput,           \
                                     SCALAR *_Nonnull recurrentGates, size_t strideRecurrent,                          \
                                     const SCALAR *_Nonnull hiddenPrevious, size_t strideHiddenPrevious,               \
                                     const SCALAR *_Nonnull dHidden, size_t strideDHidden,                             \
                                     SCALAR *_Nonnull dHiddenPrevious, size_t strideDHiddenPrevious);                  \
                                                                                                                       \
        /* ---- output layer ---- */                                                                                   \
        /* For each row: losses[row] = log(sum exp(x)) - x[target] (nats), and, if gradient, x := softmax(x) minus the \
           one-hot target (sums, not means). target < 0: loss 0, gradient 0 (ignored position). */                     \
        void (*_Nonnull softmaxCrossEntropy)(size_t rows, size_t N, SCALAR *_Nonnull logits, size_t stride,            \
                                             const int32_t *_Nonnull targets, SCALAR *_Nonnull losses, int gradient);  \
        /* x := x - log(sum exp(x)), row by row */                                                                     \
        void (*_Nonnull logSoftmax)(size_t rows, size_t N, SCALAR *_Nonnull logits, size_t stride);                    \
                                                                                                                       \
        /* ---- whole vectors ---- */                                                                                  \
        void (*_Nonnull add)(size_t n, SCALAR *_Nonnull y, const SCALAR *_Nonnull x);      /* y += x */                \
        void (*_Nonnull multiply)(size_t n, SCALAR *_Nonnull y, const SCALAR *_Nonnull x); /* y *= x */                \
        double (*_Nonnull sum)(size_t n, const SCALAR *_Nonnull x);          /* 16 strided partials in double */       \
        double (*_Nonnull sumOfSquares)(size_t n, const SCALAR *_Nonnull x); /* 16 strided partials in double, fma */  \
        /* out[n] (replace or +=) sum over k ascending of source[(rows ? rows[k] : k) * stride + n] */                 \
        void (*_Nonnull columnSums)(const SCALAR *_Nonnull source, size_t stride, const int32_t *_Nullable rows,       \
                                    size_t K, size_t N, SCALAR *_Nonnull out, RondoStore store);                       \
        /* destination[k] = source[rows[k]], K rows of N */                                                            \
        void (*_Nonnull gatherRows)(const SCALAR *_Nonnull source, size_t stride, const int32_t *_Nonnull rows,        \
                                    size_t K, size_t N, SCALAR *_Nonnull destination, size_t strideDestination);       \
        /* destination[slots[k]] += source[rows ? rows[k] : k], k ascending */                                         \
        void (*_Nonnull scatterAddRows)(const SCALAR *_Nonnull source, size_t stride, const int32_t *_Nullable rows,   \
                                        const int32_t *_Nonnull slots, size_t K, size_t N,                             \
                                        SCALAR *_Nonnull destination, size_t strideDestination);                       \
        void (*_Nonnull adam)(size_t n, SCALAR *_Nonnull weights, SCALAR *_Nonnull firstMoment,                        \
                              SCALAR *_Nonnull secondMoment, const SCALAR *_Nonnull gradient,                          \
                              const RondoAdamStep *_Nonnull step);                                                     \
        /* out[i] = kept ? 1/(1-p) : 0 for i in 0..<n, where word i is Philox4x32-10(key, {i/4, c1, c2, c3})[i%4]      \
           and kept means (word >> 8) * 2^-24 >= p */                                                                  \
        void (*_Nonnull dropoutMask)(size_t n, uint32_t key0, uint32_t key1, uint32_t c1, uint32_t c2, uint32_t c3,    \
                                     SCALAR p, SCALAR *_Nonnull out);                                                  \
                                                                                                                       \
        /* ---- elementary functions, y[i] = f(x[i]); y may be x ---- */                                               \
        void (*_Nonnull exponential)(size_t n, const SCALAR *_Nonnull x, SCALAR *_Nonnull y);                          \
        void (*_Nonnull logarithm)(size_t n, const SCALAR *_Nonnull x, SCALAR *_Nonnull y);                            \
        void (*_Nonnull tangentHyperbolic)(size_t n, const SCALAR *_Nonnull x, SCALAR *_Nonnull y);                    \
        void (*_Nonnull sigmoid)(size_t n, const SCALAR *_Nonnull x, SCALAR *_Nonnull y);                              \
    } NAME;

RONDO_DECLARE_KERNELS(float, RondoKernelsFloat, RONDO_BFLOAT16_KERNELS)
RONDO_DECLARE_KERNELS(double, RondoKernelsDouble, )

/// The table of the named instruction set, or NULL where this processor (or this build) lacks it.
const RondoKernelsFloat *_Nullable rondo_kernels_float(const char *_Nonnull name);
/// The widest set of this processor: "avx512bf16" (AVX-512 with its instruction for bfloat16), "avx512", "avx2", "neon"
/// or "portable".
const char *_Nonnull rondo_best_instruction_set(void);
/// Double precision, for gradient checks: one portable table; elementary functions from libm.
const RondoKernelsDouble *_Nonnull rondo_kernels_double(void);
/// Runs `iterations` rounds of independent fused multiply-adds in registers; returns the floating-point operations.
/// The caller times it: this is the machine's peak that benchmarks are compared with.
double rondo_peak_probe(const char *_Nonnull name, size_t iterations, float *_Nonnull sink);

#endif
