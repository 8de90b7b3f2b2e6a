// Adam (Kingma and Ba 2015, algorithm 1; epsilon outside the root), elementwise over n parameters:
//   g = scale gradient;  m = fma(beta1, m, (1 - beta1) g);  v = fma(beta2, v, ((1 - beta2) g) g)
//   w = fma(-stepSize, m / fma(sqrt(v), 1 / rootBiasCorrection, epsilon), w)
// The step's constants are computed in double and rounded to SCALAR once.

static void adam(size_t count, SCALAR *weights, SCALAR *firstMoment, SCALAR *secondMoment, const SCALAR *gradient,
                 const RondoAdamStep *step) {
    const Block scale = (Block)(SCALAR)step->gradientScale, stepSize = (Block)(SCALAR)step->stepSize;
    const Block beta1 = (Block)(SCALAR)step->beta1, rest1 = (Block)(SCALAR)(1 - step->beta1);
    const Block beta2 = (Block)(SCALAR)step->beta2, rest2 = (Block)(SCALAR)(1 - step->beta2);
    const Block inverseRoot = (Block)(SCALAR)(1 / step->rootBiasCorrection), epsilon = (Block)(SCALAR)step->epsilon;
    IN_BLOCKS(count, ({
                  const Block g = scale * load(gradient + j, n);
                  const Block m = FMA(beta1, load(firstMoment + j, n), rest1 * g);
                  const Block v = FMA(beta2, load(secondMoment + j, n), rest2 * g * g);
                  const Block divisor = FMA(__builtin_elementwise_sqrt(v), inverseRoot, epsilon);
                  store(firstMoment + j, n, m);
                  store(secondMoment + j, n, v);
                  store(weights + j, n, FMA(-stepSize, m / divisor, load(weights + j, n)));
              }));
}
