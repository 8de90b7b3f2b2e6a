// The measurement of one model.

import CKernels
import Numerics
import Optimization
import Recurrent

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Runs training steps of one model and prints what they took.
struct StepBenchmark {
    let model: BenchmarkModel

    init(_ model: BenchmarkModel) { self.model = model }

    func run(seconds: Double) {
        let peak = peakOperationsPerSecond()
        var network = LanguageModelNetwork<Float>(model.shape)
        network.initializeWeights(seed: 1)
        let batch = model.batch
        let nodes = [ShardRange(0, 8)]
        var sink = GradientCollector<Float>(layout: network.layout, nodes: nodes)
        var states: [Int: [Float]] = [:]
        func step() {
            network.weightsChanged()
            let outcomes = network.trainingStep(
                batch, seed: 1, step: 1, carriedStates: states, nodes: nodes, sink: &sink)
            for outcome in outcomes { states[outcome.shard] = outcome.finalState }
            sink.reset()
        }
        step()
        step()
        network.workspace.clock.now = now
        network.workspace.clock.reset()
        var times: [Double] = []
        let begin = now()
        while times.count < 3 || Double(now() - begin) < seconds * 1e9 {
            let start = now()
            step()
            times.append(Double(now() - start) * 1e-9)
        }
        let update = measureUpdate(&network, sink)
        times.sort()
        let time = times[times.count / 2]
        let tokens = Double(model.lanes * model.length)
        let rate = tokens * model.operationsPerToken / time
        let phases = StepPhase.allCases.map { ($0, Double(network.workspace.clock.nanoseconds[$0.rawValue])) }
        guard !printsJSON else {
            var line = JSONLine()
            line.add("model", model.name)
            line.add("tokens", tokens)
            line.add("operationsPerToken", model.operationsPerToken)
            line.add("peak", peak)
            line.add("steps", Double(times.count))
            line.add("stepSeconds", time)
            line.add("updateSeconds", update)
            line.add("seconds", phases.map { ("\($0.0)", $0.1 * 1e-9) })
            return print(line.text)
        }
        print("\n\(model.name)")
        print(
            "  step \(format(time * 1e3, 1)) ms (best \(format(times[0] * 1e3, 1)), \(times.count) steps)"
                + "   \(format(tokens / time, 0)) tokens/s   \(format(rate * 1e-9, 1)) GF/s"
                + " of \(format(peak * 1e-9, 1)) = \(format(100 * rate / peak, 1)) % of peak")
        print(
            "  clip and Adam \(format(update * 1e3, 1)) ms: \(format(tokens / (time + update), 0)) tokens/s with them")
        let total = phases.reduce(0) { $0 + $1.1 }
        let parts = phases.sorted { $0.1 > $1.1 }.filter { $0.1 > 0.0005 * total }
        print("  " + parts.map { "\($0.0) \(format(100 * $0.1 / total, 1)) %" }.joined(separator: ", "))
        network.workspace.clock.now = nil
        print("  generating one sequence: \(format(generationRate(&network), 0)) tokens/s")
    }

    /// Seconds for the norm and Adam on all chunks.
    private func measureUpdate(_ network: inout LanguageModelNetwork<Float>, _ sink: borrowing GradientCollector<Float>)
        -> Double
    {
        let adam = Adam<Float>(layout: network.layout)
        func update() {
            var norm = GradientNorm(chunks: network.layout.chunks.count)
            for chunk in network.layout.chunks.indices {
                norm.set(
                    .init(GradientNorm.partial(gradient: sink.gradient(chunk: chunk, node: sink.nodes[0]))),
                    chunk: chunk)
            }
            let scale = norm.gradientScale(tokens: model.lanes * model.length, limit: 5)
            let step = AdamConfiguration(rate: 0).step(update: 1, gradientScale: scale)
            for chunk in network.layout.chunks.indices {
                adam.update(
                    chunk: chunk, weights: network.weights, gradient: sink.gradient(chunk: chunk, node: sink.nodes[0]),
                    step: step)
            }
        }
        update()  // touches the moments' pages for the first time
        let start = now()
        update()
        return Double(now() - start) * 1e-9
    }

    private func generationRate(_ network: inout LanguageModelNetwork<Float>) -> Double {
        var state = GenerationState<Float>(count: 1)
        _ = network.advance(&state, tokens: [0])
        let start = now()
        var count = 0
        while count < 20 || now() - start < 500_000_000 {
            _ = network.advance(&state, tokens: [Int32(count % model.shape.vocabulary)])
            count += 1
        }
        return Double(count) / (Double(now() - start) * 1e-9)
    }
}

/// Nanoseconds of a monotonic clock, or of this thread's time on a processor (`--cpu-time`, for a busy machine).
@Sendable func now() -> UInt64 {
    var time = timespec()
    clock_gettime(clockIdentifier, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// `--precision bfloat16`: products on rounded operands.
let precision: Precision = CommandLine.arguments.contains("bfloat16") ? .bfloat16 : .single

/// `--json`: one line a model, for programs.
let printsJSON = CommandLine.arguments.contains("--json")

private let clockIdentifier =
    CommandLine.arguments.contains("--cpu-time") ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC

/// The multiply-adds of the chosen precision that one thread can do, as floating-point operations a second: the best of
/// some runs.
func peakOperationsPerSecond() -> Double {
    var sink: Float = 0
    let kernels = rondo_kernels_float(InstructionSet.current.rawValue)!.pointee
    let probe = precision == .bfloat16 ? kernels.peakProbeBFloat16 : kernels.peakProbe
    return (0..<20).map { _ in
        let begin = now()
        let operations = probe(200_000, &sink)
        return operations / (Double(now() - begin) * 1e-9)
    }.max()!
}

/// A number with `decimals` digits after the point.
func format(_ value: Double, _ decimals: Int) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let rounded = Int((value * scale).rounded())
    guard decimals > 0 else { return "\(rounded)" }
    let fraction = String(rounded % Int(scale))
    return "\(rounded / Int(scale))." + String(repeating: "0", count: decimals - fraction.count) + fraction
}
