// The sampler's distribution is exactly the promised one.

import Inference
import Testing

@Suite("sampler")
struct SamplerTests {
    /// p = softmax(logits), in double precision, without the code under test.
    private let logits: [Float] = [2, 0.5, -1, 3.25, 0.5, -4]

    private func expected(temperature: Double, keeping kept: Set<Int>? = nil) -> [Double] {
        let powers = logits.indices.map { index in
            kept?.contains(index) == false ? 0 : exponential(Double(logits[index]) / temperature)
        }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// exp(x) by its series, of the halved argument as often as needed.
    private func exponential(_ x: Double) -> Double {
        if x.magnitude > 0.5 {
            let root = exponential(x / 2)
            return root * root
        }
        var term = 1.0
        var sum = 1.0
        for n in 1...20 {
            term *= x / Double(n)
            sum += term
        }
        return sum
    }

    private func distribution(_ rule: SamplingRule) -> [Double] { Sampler(rule, seed: 1).distribution(logits: logits) }

    @Test("temperature T gives q_i ∝ exp(log p_i / T)", arguments: [0.1, 0.5, 0.8, 1, 1.7, 10, 1000])
    func temperature(_ temperature: Double) throws {
        let found = distribution(try SamplingRule(temperature: temperature))
        for (q, expected) in zip(found, expected(temperature: temperature)) {
            #expect((q - expected).magnitude <= 1e-13 * max(expected, 1e-3), "\(found)")
        }
    }

    @Test("a temperature near 0 leaves the likeliest token alone, an enormous one leaves all alike")
    func extremes() throws {
        #expect(distribution(try SamplingRule(temperature: 1e-300)) == [0, 0, 0, 1, 0, 0])
        for q in distribution(try SamplingRule(temperature: 1e300)) { #expect((q - 1 / 6.0).magnitude < 1e-15) }
        #expect(distribution(.greedy) == [0, 0, 0, 1, 0, 0])
    }

    @Test("top-k keeps the k likeliest in their proportions; of equals the first")
    func topK() throws {
        let one = distribution(try SamplingRule(topK: 1))
        #expect(one == [0, 0, 0, 1, 0, 0])
        let three = distribution(try SamplingRule(temperature: 0.7, topK: 3))
        for (q, expected) in zip(three, expected(temperature: 0.7, keeping: [0, 1, 3])) {
            #expect((q - expected).magnitude < 1e-13)
        }
        let all = distribution(try SamplingRule(topK: 1000))
        #expect(all == distribution(try SamplingRule()))
    }

    @Test("top-p keeps the fewest that reach the probability, after the temperature, and at least one")
    func topP() throws {
        // p is about 0.69, 0.20, 0.044, 0.044, 0.0098, …; the tokens 3, 0, 1, 4, 2, 5.
        #expect(distribution(try SamplingRule(topP: 1e-9)) == [0, 0, 0, 1, 0, 0])
        func kept(_ rule: SamplingRule) -> Set<Int> {
            Set(distribution(rule).enumerated().filter { $0.element > 0 }.map(\.offset))
        }
        #expect(kept(try SamplingRule(topP: 0.69)) == [3])
        #expect(kept(try SamplingRule(topP: 0.72)) == [0, 3])
        #expect(kept(try SamplingRule(topP: 0.93)) == [0, 1, 3])
        #expect(kept(try SamplingRule(topP: 1)) == [0, 1, 2, 3, 4, 5])
        // The same bound keeps fewer when it is colder, more when it is hotter.
        #expect(kept(try SamplingRule(temperature: 0.3, topP: 0.72)) == [3])
        #expect(kept(try SamplingRule(temperature: 100, topP: 0.72)).count == 5)
        // And it counts what top-k left over.
        #expect(kept(try SamplingRule(topK: 2, topP: 0.77)) == [3])
    }

    @Test("draws follow the distribution: chi-square over many seeds, positions and sequences")
    func chiSquare() throws {
        let rules = [
            try SamplingRule(temperature: 0.5), try SamplingRule(), try SamplingRule(temperature: 2),
            try SamplingRule(temperature: 1.5, topK: 4), try SamplingRule(topP: 0.93),
        ]
        for rule in rules {
            var counts = [Int](repeating: 0, count: logits.count)
            let draws = 60_000
            for draw in 0..<draws {
                let sampler = Sampler(rule, seed: UInt64(draw / 600))
                let token = try sampler.token(logits: logits, position: draw % 60, sequence: draw / 60 % 10)
                counts[Int(token)] += 1
            }
            let distribution = distribution(rule)
            var statistic = 0.0
            var cells = 0
            for (count, q) in zip(counts, distribution) {
                if q == 0 {
                    #expect(count == 0, "a token outside of \(rule) was drawn")
                    continue
                }
                let expected = q * Double(draws)
                statistic += (Double(count) - expected) * (Double(count) - expected) / expected
                cells += 1
            }
            // With d degrees of freedom the mean is d and the variance 2d; the draws are fixed, so this cannot waver.
            let degrees = Double(cells - 1)
            #expect(statistic < degrees + 4 * (2 * degrees).squareRoot(), "\(rule): \(statistic), counts \(counts)")
        }
    }

    @Test("the same seed gives the same tokens, another seed, position or sequence others")
    func determinism() throws {
        let rule = try SamplingRule(temperature: 3)
        func draws(seed: UInt64, sequence: Int) throws -> [Int32] {
            let sampler = Sampler(rule, seed: seed)
            return try (0..<40).map { try sampler.token(logits: logits, position: $0, sequence: sequence) }
        }
        #expect(try draws(seed: 7, sequence: 0) == draws(seed: 7, sequence: 0))
        #expect(try draws(seed: 7, sequence: 0) != draws(seed: 8, sequence: 0))
        #expect(try draws(seed: 7, sequence: 0) != draws(seed: 7, sequence: 1))
        #expect(try draws(seed: 7, sequence: 0) != draws(seed: 7 + 1 << 32, sequence: 0))
        #expect(Set(try draws(seed: 7, sequence: 0)).count > 2)
        // Fixed for ever, so that a text can be had again from its seed: these come from Philox and the definition,
        // written anew in Python.
        #expect(try draws(seed: 7, sequence: 0).prefix(12) == [2, 3, 3, 2, 4, 4, 3, 3, 2, 2, 1, 3])
    }

    @Test("greedy takes the likeliest token, the first of equals")
    func greedy() throws {
        let sampler = Sampler(.greedy, seed: 1)
        #expect(try sampler.token(logits: logits, position: 0, sequence: 0) == 3)
        #expect(try sampler.token(logits: [1, 5, 5, 2], position: 9, sequence: 3) == 1)
    }

    @Test("rules that make no sense are refused, temperature 0 with a word about --greedy")
    func refusals() {
        for temperature in [0, -1, -0.0, .nan, .infinity] {
            do {
                _ = try SamplingRule(temperature: temperature)
                Issue.record("temperature \(temperature) was taken")
            } catch {
                #expect("\(error)".contains("--greedy"))
            }
        }
        #expect(throws: InferenceError.self) { try SamplingRule(topK: 0) }
        #expect(throws: InferenceError.self) { try SamplingRule(topP: 0) }
        #expect(throws: InferenceError.self) { try SamplingRule(topP: 1.01) }
    }

    @Test("logits that are not finite are an error, not a token", arguments: [Float.nan, .infinity, -.infinity])
    func notFinite(_ value: Float) {
        #expect(throws: InferenceError.self) {
            try Sampler(.greedy, seed: 1).token(logits: [0, value, 1], position: 0, sequence: 0)
        }
    }
}
