// Kernel benchmark: how near the arithmetic comes to the machine's limit. Run it in release mode:
//   swift run -c release KernelBenchmark [avx512bf16|avx512|avx2|neon|portable]
// Product lines give the rate and its share of the peak measured between the same rounds.

import CKernels

/// One run over one kernel set.
@main
struct KernelBenchmark {
    /// The name of the kernel set.
    let setName: String
    /// Its table.
    let kernels: RondoKernelsFloat

    static func main() {
        let benchmark = KernelBenchmark(
            setName: CommandLine.arguments.dropFirst().first ?? String(cString: rondo_best_instruction_set()))
        benchmark.products(.single(benchmark.kernels))
        benchmark.products(.bfloat16(benchmark.kernels))
        benchmark.cells()
        benchmark.vectors()
        benchmark.packing()
    }

    init(setName: String) {
        guard let table = rondo_kernels_float(setName) else {
            fail(
                "KernelBenchmark: this processor lacks the set '\(setName)'; known: avx512bf16, avx512, avx2, neon, "
                    + "portable"
            )
        }
        self.setName = setName
        kernels = table.pointee
    }

    /// One line for a product: its median rate, and the median and the upper tenth of its shares of the peak.
    func measureProduct(_ kind: ProductKind, _ what: String, M: Int, N: Int, K: Int) {
        let left = randomFloats(M * K), right = randomFloats(K * N)
        let packedLeft = randomFloats(kind.packedLeftCount(M, K)),
            packedRight = randomFloats(kind.packedRightCount(K, N))
        kind.pack(left, right, M, N, K, packedLeft, packedRight)
        let result = randomFloats(M * N)
        let operations = 2 * Double(M) * Double(N) * Double(K)
        let product = { kind.product(packedLeft, packedRight, M, N, K, result) }
        product()  // the first call takes the page faults
        let calls = max(1, Int(4e-3 / processorSeconds(product)))
        var rates: [Double] = [], shares: [Double] = []
        for _ in 0..<51 {
            let before = kind.peakRate()
            let rate = operations * Double(calls) / processorSeconds { for _ in 0..<calls { product() } }
            rates.append(rate)
            shares.append(rate / max(before, kind.peakRate()))
        }
        print(
            "product \(pad("\(M) x \(N) x \(K)", to: 18)) \(number(median(rates) * 1e-9, digits: 1, width: 7)) GF/s",
            "\(number(median(shares) * 100, digits: 1, width: 6)) % of peak",
            "(upper tenth \(number(upperTenth(shares) * 100, digits: 1, width: 5)) %)   \(what)")
        for memory in [left, right, packedLeft, packedRight, result] { memory.deallocate() }
    }

    /// One line for anything else: nanoseconds an element, and bytes read and written a second.
    func measure(_ what: String, elements: Int, bytesAnElement: Int, _ body: () -> Void) {
        let seconds = secondsOfOneCall(body)
        let rate = Double(elements * bytesAnElement) / seconds * 1e-9
        print(
            "\(what)\(pad("", to: 34 - what.count))",
            "\(number(seconds * 1e9 / Double(elements), digits: 3, width: 7)) ns an element",
            "\(number(rate, digits: 1, width: 6)) GB/s")
    }
}
