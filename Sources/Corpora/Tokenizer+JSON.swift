// The tokenizer as the readable file `tokenizer.json` of a checkpoint.

import Configuration
import Foundation
import Platform

extension Tokenizer: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind, symbols, endOfSequence, unknown
    }

    /// Writes the kind, the symbols and the tokens that have a meaning. Bytes need no list.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        if kind != .bytes { try container.encode(symbols, forKey: .symbols) }
        try container.encodeIfPresent(endOfSequence, forKey: .endOfSequence)
        try container.encodeIfPresent(unknown, forKey: .unknown)
    }

    /// Reads and checks a vocabulary.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.decode(TokenizerKind.self, forKey: .kind)
        let end = try container.decodeIfPresent(Int32.self, forKey: .endOfSequence)
        switch kind {
        case .bytes:
            self.init(bytesWithEndOfSequence: end != nil)
        case .characters:
            var symbols = try container.decode([String].self, forKey: .symbols)
            if end != nil, symbols.popLast() != Self.endOfSequenceSymbol {
                throw TokenizerError.invalidVocabulary("the last symbol must be <eos>")
            }
            var scalars: [UInt32] = []
            for symbol in symbols {
                guard symbol.unicodeScalars.count == 1, let scalar = symbol.unicodeScalars.first?.value else {
                    throw TokenizerError.invalidVocabulary("the symbol \(quoted(symbol)) is not one character")
                }
                if let last = scalars.last, scalar <= last {
                    throw TokenizerError.invalidVocabulary("the symbol \(quoted(symbol)) is out of order")
                }
                scalars.append(scalar)
            }
            guard !scalars.isEmpty else { throw TokenizerError.invalidVocabulary("it has no symbols") }
            self.init(sortedScalars: scalars, endOfSequence: end != nil)
        case .words:
            let symbols = try container.decode([String].self, forKey: .symbols)
            guard symbols.count >= 2, symbols[0] == Self.unknownSymbol, symbols[1] == Self.endOfSequenceSymbol else {
                throw TokenizerError.invalidVocabulary("the first symbols must be <unk> and <eos>")
            }
            self.init(words: symbols)
            guard symbols.count == count else {
                throw TokenizerError.invalidVocabulary("a word is given twice, or there are more than \(count)")
            }
        }
        let unknown = try container.decodeIfPresent(Int32.self, forKey: .unknown)
        guard end == endOfSequence, unknown == self.unknown else {
            throw TokenizerError.invalidVocabulary("endOfSequence or unknown is not the token it must be")
        }
    }

    /// The vocabulary as UTF-8 JSON with sorted keys; equal tokenizers give equal bytes.
    public func json() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and numbers only, for which encoding cannot fail.
        guard let data = try? encoder.encode(self) else { preconditionFailure("a vocabulary is always encodable") }
        return [UInt8](data)
    }

    /// Reads what ``json()`` wrote.
    public init(json: [UInt8]) throws(TokenizerError) {
        do {
            self = try JSONDocument.decode(Tokenizer.self, from: json)
        } catch let error as TokenizerError {
            throw error
        } catch {
            throw .invalidVocabulary(JSONProblem(error).description)
        }
    }
}
