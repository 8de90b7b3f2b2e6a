// What a run takes, and what is refused before memory is taken.

import Configuration
import Foundation
import Numerics
import Platform
import Recurrent
import Tasks
import Testing

/// Numbers of which none repeats between runs of the tests.
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private func configuration(
    _ model: ModelConfiguration, _ training: TrainingConfiguration = TrainingConfiguration(),
    shape: StreamShape = .stream
) -> RunConfiguration {
    RunConfiguration(
        data: DataConfiguration(train: "x", shape: shape), model: model, training: training)
}

@Suite("the size of a run")
struct RunSizeTests {
    @Test("parameters and chunks are those of the layout, for every cell")
    func layout() {
        for cell in Configuration.CellKind.allCases {
            for (layers, hidden, embedding, vocabulary) in [(1, 16, 8, 3), (2, 256, 64, 65), (3, 700, 300, 20_000)] {
                let run = configuration(
                    ModelConfiguration(cell: cell, layers: layers, hidden: hidden, embedding: embedding))
                let size = RunSize(run, vocabulary: vocabulary, workers: 2)
                let layout = LanguageModelNetwork<Float>.layout(LanguageModelShape(run, vocabulary: vocabulary))
                #expect(size.parameters == layout.tensors.reduce(0) { $0 + $1.count })
                #expect(size.chunks == layout.chunks.count)
            }
        }
    }

    @Test("two layers of 8,192 units are 806 million parameters, and 13 GB in the server")
    func large() {
        let size = RunSize(configuration(ModelConfiguration(layers: 2, hidden: 8192)), vocabulary: 65, workers: 2)
        #expect(size.parameters == 65 * 64 + 4 * 8192 * (64 + 8192 + 8192 + 8192 + 4) + 65 * 8193)
        #expect((12e9...15e9).contains(size.server.bytes))
        let problem = size.problem(
            within: [MemoryLimit(.machine, bytes: 64 << 30), MemoryLimit(.addressSpace, bytes: 3_072_000_000)],
            startsWorkers: true)
        let text = problem ?? ""
        for word in ["\(size.parameters) parameters", "3.0 GB", "ulimit -v", "model.hidden", "model.layers"] {
            #expect(text.contains(word), "no '\(word)' in: \(text)")
        }
        #expect(size.problem(within: [MemoryLimit(.machine, bytes: 64 << 30)], startsWorkers: true) == nil)
    }

    @Test("the limit that is exceeded most is named; limits for all processes count all of them")
    func limits() throws {
        let size = RunSize(configuration(ModelConfiguration(hidden: 2048)), vocabulary: 65, workers: 4)
        let worker = Int(size.worker.bytes)
        let fits = MemoryLimit(.data, bytes: 2 * max(worker, Int(size.server.bytes)))
        #expect(size.problem(within: [fits], startsWorkers: true) == nil)
        let group = MemoryLimit(.controlGroup, bytes: 2 * worker)
        #expect(size.problem(within: [group], startsWorkers: false) == nil)
        #expect(try #require(size.problem(within: [group, fits], startsWorkers: true)).contains("control group"))
        #expect(size.workerProblem(within: [fits]) == nil)
        #expect(size.workerProblem(within: [MemoryLimit(.machine, bytes: worker / 2)]) != nil)
    }

    @Test("a batch of long rows is blamed on the batch, not on the model")
    func keys() throws {
        let run = configuration(ModelConfiguration(hidden: 64), TrainingConfiguration(batch: 2000, sequence: 5000))
        let problem = RunSize(run, vocabulary: 65, workers: 1).problem(
            within: [MemoryLimit(.machine, bytes: 1 << 30)], startsWorkers: true)
        #expect(try #require(problem).contains("training.batch or training.sequence"))
    }

    @Test("configurations of the most extreme values give a typed error or a plan, and never trap")
    func extremes() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = TestRandom(seed: seed)
        let integers = [
            "-1", "0", "1", "2", "3", "7", "64", "65535", "65536", "65537", "70000", "1000000", "4000", "4001",
            "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "1000000000000000000", "1e18",
        ]
        let numbers = ["-0.0", "0", "1e-320", "1e308", "1e309", "0.999999999", "nan", "0.5", "1"]
        func integer() -> String { integers.randomElement(using: &random)! }
        func number() -> String { numbers.randomElement(using: &random)! }
        var (refused, planned, tooLarge) = (0, 0, 0)
        for _ in 0..<8_000 {
            var overrides = ["data.train=x"]
            func choose(_ key: String, _ value: () -> String) {
                if UInt64.random(in: 0..<4, using: &random) == 0 { overrides.append("\(key)=\(value())") }
            }
            for key in [
                "model.layers", "model.hidden", "model.embedding", "training.epochs", "training.steps",
                "training.batch", "training.sequence", "training.shards", "training.seed", "training.validate",
                "checkpoints.every", "checkpoints.keep",
            ] { choose(key, integer) }
            for key in ["model.dropout", "training.clip", "training.adam.rate", "training.adam.beta2"] {
                choose(key, number)
            }
            choose("data.shape") { ["stream", "sequences"].randomElement(using: &random)! }
            choose("model.cell") { ["elman", "gru", "lstm"].randomElement(using: &random)! }
            choose("training.consistency.bounded", integer)
            let run: RunConfiguration
            do {
                run = try RunConfiguration(yaml: "task: language-model", file: "x", overrides: overrides)
            } catch {
                refused += 1
                #expect(!error.key.isEmpty)
                continue
            }
            let vocabulary = [1, 65, 1_114_112, 1_000_000_000].randomElement(using: &random)!
            let size = RunSize(
                run, vocabulary: vocabulary, workers: [1, 2, 1024].randomElement(using: &random)!,
                partitions: [1, 256].randomElement(using: &random)!,
                stepTokens: [nil, 1, .max].randomElement(using: &random)!)
            let limits = [MemoryLimit(.machine, bytes: 1 << 30), MemoryLimit(.addressSpace, bytes: 1 << 31)]
            if let problem = size.problem(within: limits, startsWorkers: true) {
                tooLarge += 1
                #expect(problem.contains("lower"), "seed \(seed): \(overrides): \(problem)")
                #expect(problem.utf8.count < 400)
                continue
            }
            planned += 1
            // What is said to fit is small: it can be made.
            if planned % 50 == 0 {
                let network = LanguageModelNetwork<Float>(LanguageModelShape(run, vocabulary: vocabulary))
                #expect(network.layout.chunks.count == size.chunks, "seed \(seed): \(overrides)")
            }
        }
        #expect(refused > 400 && planned > 40 && tooLarge > 400, "\(refused), \(planned), \(tooLarge)")
    }
}
