// The same numbers of data that a run has prepared, and goes on with, whatever its text has become.

import Configuration

extension TextInspection {
    /// Counts what ``CorpusBuilder/prepare(_:into:)`` left in a directory.
    ///
    /// - Parameter longest: the longest example, in tokens.
    /// - Throws: `CorpusError` when it is not whole.
    public init(preparedIn directory: String, _ data: DataConfiguration, longest: Int) throws(CorpusError) {
        let tokenizer = try PreparedCorpus.tokenizer(inDirectory: directory)
        var parts = [try MappedTokens(path: "\(directory)/\(PreparedCorpus.trainingName)")]
        // A validation text of its own is no part of the training text.
        if case .fraction(let fraction) = data.validation, fraction > 0 {
            parts.append(try MappedTokens(path: "\(directory)/\(PreparedCorpus.validationName)"))
        }
        isPrepared = true
        vocabulary = tokenizer.count
        fileBytes = PreparedTexts(inDirectory: directory)?.training.stamp.bytes ?? 0
        bytesRead = fileBytes
        for part in parts {
            if data.shape == .sequences {
                note(linesOf: part, longest: longest)
            } else {
                tokens += part.count
            }
        }
        note(symbolsOf: parts, tokenizer, data.shape)
    }

    /// Counts lines that are sequences; each has an `<eos>` that the file leaves out.
    private mutating func note(linesOf part: MappedTokens, longest: Int) {
        tokens += part.count + part.lineCount
        for line in 0..<part.lineCount {
            let length = part.line(line).count + 1
            lines.note(length)
            if length > longest {
                linesCut += 1
                tokensCut += length - longest
            }
        }
    }

    /// Counts unknown words, and the lines of a stream.
    private mutating func note(symbolsOf parts: [MappedTokens], _ tokenizer: Tokenizer, _ shape: StreamShape) {
        let lineEnd = shape == .stream ? (try? tokenizer.encode("\n"))?.first ?? -1 : -1
        let unknown = tokenizer.unknown ?? -1
        guard lineEnd >= 0 || unknown >= 0 else { return }
        var length = 0
        for part in parts {
            for start in stride(from: 0, to: part.count, by: Self.tokensOfPiece) {
                for token in part.tokens(start..<min(part.count, start + Self.tokensOfPiece)) {
                    if token == unknown { unknownTokens += 1 }
                    length += 1
                    if token == lineEnd {
                        lines.note(length)
                        length = 0
                    }
                }
            }
        }
        if shape == .stream, length > 0 { lines.note(length) }
    }

    private static let tokensOfPiece = 1 << 16
}
