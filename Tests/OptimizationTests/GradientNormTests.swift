// The global norm and clipping.

import Numerics
import Optimization
import Testing

@Suite("The norm of the gradient")
struct GradientNormTests {
    @Test("partials are added in the order of the chunks, in whatever order they came")
    func order() {
        var (forward, backward) = (GradientNorm(chunks: 3), GradientNorm(chunks: 3))
        let partials = [1e16, 1.0, -1e16]
        for chunk in 0..<3 { forward.set(partials[chunk], chunk: chunk) }
        #expect(backward.missing == [0, 1, 2])
        for chunk in (0..<3).reversed() { backward.set(partials[chunk], chunk: chunk) }
        #expect(forward == backward && forward.sumOfSquares == 0 && backward.missing.isEmpty)
    }

    @Test("the scale is 1 / tokens below the limit and limit / norm of the mean above")
    func scale() {
        let buffer = Buffer<Float>(count: 8)
        let gradient = Matrix(buffer, rows: 2, columns: 4)
        gradient[0, 0] = 30
        gradient[1, 3] = 40
        #expect(GradientNorm.partial(gradient: gradient) == 2500)
        #expect(GradientNorm.partial(rows: gradient) == 2500)
        var norm = GradientNorm(chunks: 1)
        norm.set(2500, chunk: 0)
        #expect(norm.norm(tokens: 10) == 5)
        #expect(norm.gradientScale(tokens: 10, limit: 0) == 0.1)
        #expect(norm.gradientScale(tokens: 10, limit: 6) == 0.1)
        #expect(abs(norm.gradientScale(tokens: 10, limit: 1) - 0.02) < 1e-8)
    }

    @Test("a gradient that is not finite shows in the sum")
    func infinite() {
        let buffer = Buffer<Float>(count: 4)
        buffer.pointer[2] = .nan
        #expect(!GradientNorm.partial(gradient: Matrix(buffer, rows: 1, columns: 4)).isFinite)
    }
}
