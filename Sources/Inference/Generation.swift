// Text out of a model, token by token.

import Configuration
import Corpora
import Numerics
import Recurrent

/// What to generate.
public struct GenerationRequest: Sendable {
    /// The text to go on from; may be empty.
    public var prompt: String
    /// The most tokens of each sample.
    public var length: Int
    /// How tokens are chosen.
    public var rule: SamplingRule
    /// Decides the samples.
    public var seed: UInt64
    /// The number of samples; they are generated together, and each is what it would be alone.
    public var count: Int

    /// A request.
    public init(prompt: String = "", length: Int = 500, rule: SamplingRule, seed: UInt64, count: Int = 1) {
        self.prompt = prompt
        self.length = length
        self.rule = rule
        self.seed = seed
        self.count = count
    }
}

/// A prompt as a model reads it.
public struct EncodedPrompt: Sendable, Equatable {
    /// What the network reads before it generates; at least one token.
    public var context: [Int32]
    /// The tokens of the prompt alone.
    public var tokens: [Int32]
    /// The words that the vocabulary lacks and that are read as `<unk>`.
    public var unknownWords: [String]
}

extension LoadedModel {
    /// Reads a prompt.
    ///
    /// Where lines are sequences, the network reads `<eos>` first. In a stream it starts with the prompt itself;
    /// without one it starts from a line end if the vocabulary has that, else from the first symbol.
    ///
    /// - Throws: `InferenceError.data` naming the first symbol outside of the vocabulary.
    public func encode(prompt: String) throws(InferenceError) -> EncodedPrompt {
        try encode(prompt: Array(prompt.utf8))
    }

    /// Reads a prompt that may be any bytes: where tokens are bytes, each is one of them; elsewhere it must be UTF-8.
    ///
    /// - Throws: `InferenceError.data` for a prompt that is not UTF-8, or naming the first symbol outside of the
    ///   vocabulary.
    public func encode(prompt bytes: [UInt8]) throws(InferenceError) -> EncodedPrompt {
        if readsSequences, bytes.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
            throw .data("--prompt: this model was trained on single lines; give a prompt without line ends")
        }
        if tokenizer.kind == .bytes {
            let tokens = bytes.map { Int32($0) }
            let start: [Int32] = readsSequences || tokens.isEmpty ? [lineEnd ?? 0] : []
            return EncodedPrompt(context: start + tokens, tokens: tokens, unknownWords: [])
        }
        guard let prompt = String(validating: withoutMark(bytes), as: UTF8.self) else {
            throw .data("--prompt is not UTF-8; only a model with data.tokenizer bytes takes other bytes")
        }
        return try encode(text: prompt)
    }

    private func encode(text prompt: String) throws(InferenceError) -> EncodedPrompt {
        var tokens: [Int32]
        do {
            tokens = try tokenizer.encode(prompt)
        } catch .unknownSymbol(let symbol, _) {
            throw .data("--prompt: " + Self.notInVocabulary(symbol) + "; leave it out of the prompt")
        } catch {
            throw .data("--prompt: \(error)")
        }
        let start: [Int32] = readsSequences || tokens.isEmpty ? [lineEnd ?? 0] : []
        return EncodedPrompt(context: start + tokens, tokens: tokens, unknownWords: unknownWords(prompt, tokens))
    }

    static func notInVocabulary(_ symbol: String) -> String {
        let codes = symbol.unicodeScalars.map { scalar in
            let digits = String(scalar.value, radix: 16, uppercase: true)
            return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
        let isVisible = symbol.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        let name = isVisible ? "'\(symbol)' (\(codes.joined(separator: " ")))" : codes.joined(separator: " ")
        return "the symbol \(name) is not in the model's vocabulary"
    }

    private func unknownWords(_ prompt: String, _ tokens: [Int32]) -> [String] {
        guard tokenizer.kind == .words, let unknown = tokenizer.unknown, tokens.contains(unknown) else { return [] }
        return prompt.split(whereSeparator: \.isWhitespace).map(String.init).filter {
            (try? tokenizer.encode($0))?.contains(unknown) == true && $0 != Tokenizer.unknownSymbol
        }
    }

    /// Generates text.
    ///
    /// - Parameters:
    ///   - onText: gets each piece of text as it comes, and which sample it belongs to; the prompt is not repeated.
    ///     Pieces of different samples come in turn. Words have their blank in front.
    /// - Returns: the number of tokens generated.
    /// - Throws: `InferenceError`, or what `onText` throws, which ends the generation.
    @discardableResult
    public mutating func generate(
        _ request: GenerationRequest, from prompt: EncodedPrompt, onText: (_ sample: Int, _ text: String) throws -> Void
    ) throws -> Int {
        var decoder = TokenTextDecoder(tokenizer)
        for token in prompt.tokens { _ = decoder.append(token) }
        var writers = [TokenTextDecoder](repeating: decoder, count: request.count)
        let generated = try generateTokens(request, from: prompt) { sample, token in
            try onText(sample, writers[sample].append(token))
        }
        for sample in 0..<request.count {
            let rest = writers[sample].finish()
            if !rest.isEmpty { try onText(sample, rest) }
        }
        return generated
    }

    /// Generates tokens, of which a caller makes text: where tokens are bytes, they need not be UTF-8.
    ///
    /// - Parameters:
    ///   - onToken: gets each token as it comes, and which sample it belongs to. The end of a line that is a sequence
    ///     is not handed over.
    /// - Returns: the number of tokens generated.
    /// - Throws: `InferenceError`, or what `onToken` throws, which ends the generation.
    @discardableResult
    public mutating func generateTokens(
        _ request: GenerationRequest, from prompt: EncodedPrompt,
        onToken: (_ sample: Int, _ token: Int32) throws -> Void
    ) throws -> Int {
        precondition(request.count > 0 && request.length >= 0, "\(request.count) samples of \(request.length) tokens")
        let sampler = Sampler(request.rule, seed: request.seed)
        /// The samples that go on, in the order of the network's rows.
        var running = Array(0..<request.count)
        var generated = 0
        guard request.length > 0 else { return 0 }

        var (state, rows) = read(prompt.context, copies: request.count)
        for position in 0..<request.length {
            var tokens: [Int32] = []
            var going: [Int] = []
            for (row, sample) in running.enumerated() {
                let token = try sampler.token(logits: rows[row], position: position, sequence: sample)
                generated += 1
                if readsSequences, token == tokenizer.endOfSequence { continue }
                try onToken(sample, token)
                tokens.append(token)
                going.append(row)
            }
            if position + 1 == request.length || going.isEmpty { break }
            if going.count < running.count {
                state = state.keeping(going, hiddenSize: network.shape.hiddenSize)
                running = going.map { running[$0] }
            }
            rows = Self.rows(network.advance(&state, tokens: tokens))
        }
        return generated
    }

    /// Reads the context once, and makes as many copies of the state after it as there are samples.
    private mutating func read(
        _ context: [Int32], copies: Int
    ) -> (state: GenerationState<Float>, logits: [[Float]]) {
        var state = GenerationState<Float>(count: 1)
        var logits: [[Float]] = []
        for (index, token) in context.enumerated() {
            let row = network.advance(&state, tokens: [token])
            if index == context.count - 1 { logits = Self.rows(row) }
        }
        let rows = [Int](repeating: 0, count: copies)
        return (state.keeping(rows, hiddenSize: network.shape.hiddenSize), rows.map { logits[$0] })
    }

    private static func rows(_ matrix: Matrix<Float>) -> [[Float]] {
        (0..<matrix.rows).map { matrix.rows($0..<$0 + 1).elements }
    }
}

extension GenerationState<Float> {
    /// The states of some of the sequences, in this order; each may be taken several times.
    func keeping(_ rows: [Int], hiddenSize: Int) -> GenerationState<Float> {
        var kept = GenerationState(count: rows.count)
        kept.states.reserveCapacity(states.count / max(1, count) * rows.count)
        // One block `[sequence][unit]` for each layer and each of its states.
        for block in stride(from: 0, to: states.count, by: count * hiddenSize) {
            for row in rows { kept.states += states[block + row * hiddenSize..<block + (row + 1) * hiddenSize] }
        }
        return kept
    }
}
