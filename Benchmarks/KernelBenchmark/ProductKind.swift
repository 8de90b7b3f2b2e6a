// The two kinds of products that are measured.

import CKernels

/// Products in one precision, and the peak that they are compared with. Packed operands lie in arrays of floats.
struct ProductKind {
    typealias Floats = UnsafeMutablePointer<Float>
    let name: String
    let packedLeftCount: (_ M: Int, _ K: Int) -> Int
    let packedRightCount: (_ K: Int, _ N: Int) -> Int
    let pack: (_ left: Floats, _ right: Floats, _ M: Int, _ N: Int, _ K: Int, Floats, Floats) -> Void
    let product: (_ left: Floats, _ right: Floats, _ M: Int, _ N: Int, _ K: Int, _ result: Floats) -> Void
    private let probe: (Int, Floats) -> Double
    /// Rounds of the peak probe that take about a millisecond.
    private let probeIterations: Int
    private let sink = randomFloats(1)

    static func single(_ kernels: RondoKernelsFloat) -> ProductKind {
        ProductKind(
            name: "single precision", packedLeftCount: kernels.packedLeftCount,
            packedRightCount: kernels.packedRightCount,
            pack: { left, right, M, N, K, packedLeft, packedRight in
                kernels.packLeft(left, K, nil, M, K, packedLeft)
                kernels.packRight(right, N, nil, K, N, packedRight)
            }, product: { kernels.product($0, $1, $2, $3, $4, $5, $3, RondoStoreReplace, nil) },
            probe: kernels.peakProbe)
    }

    static func bfloat16(_ kernels: RondoKernelsFloat) -> ProductKind {
        func words(_ floats: Floats) -> UnsafeMutablePointer<UInt32> {
            UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt32.self)
        }
        return ProductKind(
            name: "bfloat16", packedLeftCount: kernels.packedLeftCountBFloat16,
            packedRightCount: kernels.packedRightCountBFloat16,
            pack: { left, right, M, N, K, packedLeft, packedRight in
                kernels.packLeftBFloat16(left, K, nil, M, K, words(packedLeft))
                kernels.packRightBFloat16(right, N, nil, K, N, words(packedRight))
            },
            product: { kernels.productBFloat16(words($0), words($1), $2, $3, $4, $5, $3, RondoStoreReplace, nil) },
            probe: kernels.peakProbeBFloat16)
    }

    private init(
        name: String, packedLeftCount: @escaping (Int, Int) -> Int, packedRightCount: @escaping (Int, Int) -> Int,
        pack: @escaping (Floats, Floats, Int, Int, Int, Floats, Floats) -> Void,
        product: @escaping (Floats, Floats, Int, Int, Int, Floats) -> Void, probe: @escaping (Int, Floats) -> Double
    ) {
        (self.name, self.pack, self.product, self.probe) = (name, pack, product, probe)
        (self.packedLeftCount, self.packedRightCount) = (packedLeftCount, packedRightCount)
        let sink = sink
        _ = probe(100_000, sink)
        probeIterations = max(1, Int(1000 * 1e-3 / processorSeconds { _ = probe(1000, sink) }))
    }

    /// Operations a second of multiply-adds in registers, over about a millisecond.
    func peakRate() -> Double {
        var operations = 0.0
        let seconds = processorSeconds { operations = probe(probeIterations, sink) }
        return operations / seconds
    }
}
