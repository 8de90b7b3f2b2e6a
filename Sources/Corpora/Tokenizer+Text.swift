// Encoding and decoding of short texts: prompts, samples, lines to be scored.

extension Tokenizer {
    /// The tokens of a text.
    ///
    /// Words: the end of a line becomes `<eos>`, and words that the vocabulary lacks become `<unk>`.
    ///
    /// - Throws: ``TokenizerError/unknownSymbol(_:line:)`` for a character that the vocabulary lacks.
    public func encode(_ text: String) throws(TokenizerError) -> [Int32] {
        var text = text
        text.makeContiguousUTF8()
        let result: Result<[Int32], ScanError> = text.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            var sink = TextEncodingSink(tokenizer: self)
            let lineEnds = LineEnds(.stream, self)
            do throws(ScanError) {
                switch kind {
                case .bytes: try TextScanner.bytes(bytes, at: 0, lineEnds: lineEnds, into: &sink)
                case .characters: try TextScanner.characters(bytes, at: 0, lineEnds: lineEnds, into: &sink)
                case .words: try TextScanner.words(bytes, at: 0, into: &sink)
                }
                return .success(sink.tokens)
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let tokens): return tokens
        case .failure(.unknownScalar(let scalar, let offset)):
            let line = 1 + text.utf8.prefix(offset).count { $0 == 0x0A }
            throw .unknownSymbol(String(Character(Unicode.Scalar(scalar) ?? "\u{FFFD}")), line: line)
        case .failure:
            // A `String` is valid UTF-8, and this sink neither counts words nor writes.
            preconditionFailure("only an unknown character can fail to encode")
        }
    }

    /// The text of some tokens.
    ///
    /// Words are separated by blanks; `<eos>` ends the line. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// - Precondition: all tokens are this tokenizer's.
    public func decode(_ tokens: some Sequence<Int32>) -> String {
        var decoder = TokenTextDecoder(self)
        var text = ""
        for token in tokens { text += decoder.append(token) }
        return text + decoder.finish()
    }
}

private struct TextEncodingSink: TextSink {
    let tokenizer: Tokenizer
    var tokens: [Int32] = []

    init(tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    mutating func scalar(_ value: UInt32, at offset: Int) throws(ScanError) {
        let token = tokenizer.scalarTable.token(value)
        guard token >= 0 else { throw .unknownScalar(value, offset: offset) }
        tokens.append(token)
    }

    mutating func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        let token = tokenizer.wordTable.find(bytes)
        tokens.append(token >= 0 ? token : tokenizer.unknown ?? 0)
    }

    mutating func lineEnd() {
        if let end = tokenizer.endOfSequence { tokens.append(end) }
    }
}
