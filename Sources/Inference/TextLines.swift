// Lines of a text as a user hands them over.

import Configuration
import Corpora
import Platform

extension LoadedModel {
    /// The line without `\n` or `\r\n`. The carriage return stays where it is a symbol of the text, as it is when the
    /// text is read as a stream.
    public func withoutLineEnd(_ line: [UInt8]) -> [UInt8] {
        guard line.last == newline else { return line }
        let keepsReturn = !readsSequences && tokenizer.readsCarriageReturns
        let isPair = line.count > 1 && line[line.count - 2] == carriageReturn && !keepsReturn
        return Array(line.dropLast(isPair ? 2 : 1))
    }

    /// The first line of a text without a byte order mark, which is no text except where tokens are bytes.
    public func withoutMark(_ line: [UInt8]) -> [UInt8] {
        tokenizer.kind == .bytes ? line : TextEncoding.withoutMark(line)
    }
}

private let newline: UInt8 = 0x0A
private let carriageReturn: UInt8 = 0x0D
