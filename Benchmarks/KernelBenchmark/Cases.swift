// What is measured: the products of a training step and of generation, and all that goes on between them.

import CKernels

extension KernelBenchmark {
    /// The peak, then products of the shapes that training and generation consist of.
    func products(_ kind: ProductKind) {
        let peak = median((0..<51).map { _ in kind.peakRate() })
        print("kernel set \(setName), \(kind.name), peak \(number(peak * 1e-9, digits: 1, width: 0)) GF/s")
        func measure(_ what: String, M: Int, N: Int, K: Int) { measureProduct(kind, what, M: M, N: N, K: K) }
        for rows in [8, 32, 64] { measure("recurrent product, rows x 4H x H", M: rows, N: 2048, K: 512) }
        measure("recurrent product of a word model", M: 20, N: 2600, K: 650)
        measure("input product of 32 time steps", M: 2048, N: 2048, K: 512)
        measure("weight gradient", M: 2048, N: 512, K: 512)
        measure("weight gradient", M: 1024, N: 256, K: 256)
        measure("weight gradient, many tokens", M: 2048, N: 512, K: 4096)
        for rows in [1, 2, 4] { measure("generation", M: rows, N: 2048, K: 512) }
    }

    /// One time step of each cell.
    func cells() {
        let (rows, H) = (64, 512)
        let count = rows * H
        let gates = randomFloats(4 * count), pristine = randomFloats(4 * count)
        let states = (0..<6).map { _ in randomFloats(count) }
        measure("LSTM forward 64 x 512", elements: count, bytesAnElement: 48) {
            kernels.lstmForward(
                rows, H, gates, 4 * H, states[0], H, states[1], H, states[2], H, states[3], H)
        }
        measure("LSTM backward 64 x 512", elements: count, bytesAnElement: 60) {
            kernels.lstmBackward(rows, H, gates, 4 * H, states[0], H, states[2], H, states[4], H, states[5], H)
            states[5].update(from: states[4], count: count)
            // Gradients multiply at each call: without fresh ones they would become subnormal, which is slow.
            gates.update(from: pristine, count: 4 * count)
        }
        measure("GRU forward 64 x 512", elements: count, bytesAnElement: 44) {
            kernels.gruForward(rows, H, gates, 3 * H, pristine, 3 * H, states[0], H, states[3], H)
        }
        measure("Elman forward 64 x 512, tanh", elements: count, bytesAnElement: 8) {
            kernels.elmanForward(rows, H, RondoActivationTanh, pristine, H, states[3], H)
        }
    }

    /// Adam, sums, masks and the output layer.
    func vectors() {
        let count = 1 << 20
        let vectors = (0..<4).map { _ in randomFloats(count) }
        for index in 0..<count { vectors[2][index] = abs(vectors[2][index]) }
        var step = RondoAdamStep(
            gradientScale: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 1e-3, rootBiasCorrection: 0.5)
        measure("Adam 1 Mi parameters", elements: count, bytesAnElement: 28) {
            kernels.adam(count, vectors[0], vectors[1], vectors[2], vectors[3], &step)
        }
        measure("sum of squares 1 Mi", elements: count, bytesAnElement: 4) {
            vectors[0][0] = Float(kernels.sumOfSquares(count, vectors[3]))
        }
        measure("column sums 512 x 2048", elements: count, bytesAnElement: 4) {
            kernels.columnSums(vectors[3], 2048, nil, 512, 2048, vectors[0], RondoStoreReplace)
        }
        measure("dropout mask 1 Mi", elements: count, bytesAnElement: 4) {
            kernels.dropoutMask(count, 1, 2, 3, 4, 5, 0.2, vectors[0])
        }
        for (batch, symbols) in [(64, 65), (64, 10_000)] {
            let logits = randomFloats(batch * symbols), losses = randomFloats(batch)
            let targets = (0..<batch).map { Int32($0 % symbols) }
            measure("softmax \(batch) x \(symbols)", elements: batch * symbols, bytesAnElement: 20) {
                kernels.softmaxCrossEntropy(batch, symbols, logits, symbols, targets, losses, 1)
            }
        }
    }

    /// Packing: weights once a step, hidden states once a time step.
    func packing() {
        let count = 1 << 20
        let source = randomFloats(count), packed = randomFloats(count + count / 8)
        measure("pack left 64 x 512", elements: 64 * 512, bytesAnElement: 8) {
            kernels.packLeft(source, 512, nil, 64, 512, packed)
        }
        measure("pack left transposed 2048 x 512", elements: count, bytesAnElement: 8) {
            kernels.packLeftTransposed(source, 2048, nil, 2048, 512, packed)
        }
        measure("pack right 512 x 2048", elements: count, bytesAnElement: 8) {
            kernels.packRight(source, 2048, nil, 512, 2048, packed)
        }
        measure("pack right transposed 512 x 2048", elements: count, bytesAnElement: 8) {
            kernels.packRightTransposed(source, 512, 512, 2048, packed)
        }
        let pairs = UnsafeMutableRawPointer(packed).assumingMemoryBound(to: UInt32.self)
        measure("bfloat16 left 64 x 512", elements: 64 * 512, bytesAnElement: 6) {
            kernels.packLeftBFloat16(source, 512, nil, 64, 512, pairs)
        }
        measure("bfloat16 left transposed 2048 x 512", elements: count, bytesAnElement: 6) {
            kernels.packLeftTransposedBFloat16(source, 2048, nil, 2048, 512, pairs)
        }
        measure("bfloat16 right 512 x 2048", elements: count, bytesAnElement: 6) {
            kernels.packRightBFloat16(source, 2048, nil, 512, 2048, pairs)
        }
        measure("bfloat16 right transposed 512x2048", elements: count, bytesAnElement: 6) {
            kernels.packRightTransposedBFloat16(source, 512, 512, 2048, pairs)
        }
        measure("to bfloat16 1 Mi", elements: count, bytesAnElement: 6) { kernels.toBFloat16(count, source, packed) }
        measure("from bfloat16 1 Mi", elements: count, bytesAnElement: 6) {
            kernels.fromBFloat16(count, packed, source)
        }
    }
}
