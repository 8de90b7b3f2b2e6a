// Lines of a text as a user hands them over.

import Configuration
import Corpora
import Platform

extension LoadedModel {
    /// The line without `\n` or `\r\n`.
    public static func withoutLineEnd(_ line: [UInt8]) -> [UInt8] {
        guard line.last == newline else { return line }
        let isPair = line.count > 1 && line[line.count - 2] == carriageReturn
        return Array(line.dropLast(isPair ? 2 : 1))
    }

    /// The first line of a text without a byte order mark, which is no text except where tokens are bytes.
    public func withoutMark(_ line: [UInt8]) -> [UInt8] {
        tokenizer.kind == .bytes ? line : TextEncoding.withoutMark(line)
    }
}

private let newline: UInt8 = 0x0A
private let carriageReturn: UInt8 = 0x0D
