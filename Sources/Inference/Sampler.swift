// The choice of the next token.

import Numerics

/// How the next token is chosen from the network's distribution p.
///
/// At random: first the `topK` likeliest tokens are kept, then q_i ∝ exp(log p_i / T) over them, then the fewest
/// likeliest ones that together have a probability of at least `topP` under q (never less than one). Of equally likely
/// tokens the one with the lower number counts as likelier.
public enum SamplingRule: Sendable, Equatable {
    /// Always the likeliest token.
    case greedy
    /// At random, with a temperature above 0.
    case random(temperature: Double, topK: Int?, topP: Double?)

    /// A random choice.
    ///
    /// - Throws: `InferenceError.request` for a temperature that is not a number above 0, a `topK` below 1, or a `topP`
    ///   outside of (0, 1].
    public init(temperature: Double = 1, topK: Int? = nil, topP: Double? = nil) throws(InferenceError) {
        guard temperature.isFinite, temperature > 0 else {
            throw .request(
                "--temperature \(temperature): expected a number above 0; for the likeliest token always, use --greedy")
        }
        if let topK, topK < 1 { throw .request("--top-k \(topK): expected a whole number of at least 1") }
        if let topP, !(topP > 0 && topP <= 1) {
            throw .request("--top-p \(topP): expected a probability above 0 and at most 1")
        }
        self = .random(temperature: temperature, topK: topK, topP: topP)
    }
}

/// Chooses tokens: a function of the logits, the seed, the sequence and the token's place in it.
///
///     let sampler = Sampler(try SamplingRule(temperature: 0.8), seed: 7)
///     let token = try sampler.token(logits: logits, position: 0, sequence: 0)
///
/// All arithmetic is in double precision, in one order, with our own exponential: the same choice on every machine.
/// Costs one pass over the vocabulary, and with `topK` or `topP` a sort of it.
public struct Sampler: Sendable {
    /// The rule.
    public let rule: SamplingRule
    private let stream: RandomStream

    /// A sampler.
    public init(_ rule: SamplingRule, seed: UInt64) {
        self.rule = rule
        stream = RandomStream(seed: seed, purpose: .sampling)
    }

    /// The token at a place of a sequence.
    ///
    /// - Parameters:
    ///   - logits: one for each token of the vocabulary.
    ///   - position: the place among the generated tokens, from 0.
    ///   - sequence: which of the samples of this seed, from 0.
    /// - Throws: `InferenceError.data` if a logit is not finite: such weights cannot be used.
    public func token(logits: [Float], position: Int, sequence: Int) throws(InferenceError) -> Int32 {
        guard let likeliest = Self.likeliest(logits), logits.allSatisfy(\.isFinite) else {
            throw .notFinite
        }
        switch rule {
        case .greedy: return Int32(likeliest)
        case .random:
            let weights = weights(logits, likeliest: likeliest)
            return Int32(Self.pick(weights, uniform: uniform(position: position, sequence: sequence)))
        }
    }

    /// The distribution that tokens are drawn from; its sum is 1. All on one token for a greedy rule.
    public func distribution(logits: [Float]) -> [Double] {
        guard let likeliest = Self.likeliest(logits) else { return [] }
        let weights = weights(logits, likeliest: likeliest)
        let total = weights.reduce(0, +)
        return weights.map { $0 / total }
    }

    /// Numbers in proportion to the probabilities; the largest one is 1.
    private func weights(_ logits: [Float], likeliest: Int) -> [Double] {
        guard case .random(let temperature, let topK, let topP) = rule else {
            return logits.indices.map { $0 == likeliest ? 1 : 0 }
        }
        // exp(log p_i / T) = exp((x_i − m) / T) · exp((m − log Σ exp x) / T), and the second factor is common to all.
        let largest = Double(logits[likeliest])
        var weights = logits.map { (Double($0) - largest) / temperature }
        ElementaryFunction.exponential.apply(to: &weights)
        guard topK != nil || topP != nil else { return weights }
        // In order of the logits, not of the weights: a high temperature rounds different logits to equal weights.
        let order = logits.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }
        var kept = order.prefix(topK ?? logits.count)
        if let topP {
            let needed = topP * kept.reduce(0) { $0 + weights[$1] }
            var sum = 0.0
            var count = 0
            while count < kept.count, sum < needed {
                sum += weights[kept[count]]
                count += 1
            }
            kept = kept.prefix(count)
        }
        var keptWeights = [Double](repeating: 0, count: weights.count)
        for index in kept { keptWeights[index] = weights[index] }
        return keptWeights
    }

    /// A number of [0, 1) with 53 random bits.
    private func uniform(position: Int, sequence: Int) -> Double {
        let block = stream.block(UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: sequence))
        return Double((UInt64(block.x) << 32 | UInt64(block.y)) >> 11) * 0x1p-53
    }

    /// The first index at which the running sum exceeds `uniform` times the whole.
    private static func pick(_ weights: [Double], uniform: Double) -> Int {
        let bound = uniform * weights.reduce(0, +)
        var sum = 0.0
        var last = 0
        for (index, weight) in weights.enumerated() where weight > 0 {
            sum += weight
            last = index
            if sum > bound { break }
        }
        return last
    }

    /// The first of the largest logits.
    private static func likeliest(_ logits: [Float]) -> Int? {
        logits.indices.max { (logits[$0], $1) < (logits[$1], $0) }
    }
}
