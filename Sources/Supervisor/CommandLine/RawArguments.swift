// Arguments as the system hands them over: bytes, which need not be text.

/// The arguments of this process, in a form that the parser of arguments takes and that loses no byte.
///
/// A byte that is not part of UTF-8 stands as one of the last 256 scalars of Unicode, which mean nothing; these
/// themselves stand as their bytes. So ``bytes(_:)`` gives back exactly what was given.
public enum RawArguments {
    private static let firstScalar: UInt32 = 0x10FF00

    /// All arguments but the program's name.
    static func texts() -> [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            guard let argument = CommandLine.unsafeArgv[index] else { return nil }
            var bytes: [UInt8] = []
            var place = argument
            while place.pointee != 0 {
                bytes.append(UInt8(bitPattern: place.pointee))
                place += 1
            }
            return text(bytes)
        }
    }

    /// Bytes as a text.
    static func text(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !holdsRawBytes(text) { return text }
        var result = String.UnicodeScalarView()
        var start = 0
        while start < bytes.count {
            let scalar = (1...4).lazy.filter { start + $0 <= bytes.count }.compactMap {
                String(validating: bytes[start..<start + $0], as: UTF8.self)?.unicodeScalars.first
            }.first
            if let scalar, scalar.value < firstScalar {
                result.append(scalar)
                start += UTF8.width(scalar)
            } else {
                result.append(Unicode.Scalar(firstScalar + UInt32(bytes[start])) ?? "\u{FFFD}")
                start += 1
            }
        }
        return String(result)
    }

    /// The bytes of an argument that came through the parser.
    public static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.flatMap { scalar -> [UInt8] in
            scalar.value >= firstScalar ? [UInt8(scalar.value - firstScalar)] : Array(String(scalar).utf8)
        }
    }

    /// Whether an argument is not UTF-8.
    static func holdsRawBytes(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.value >= firstScalar }
    }

    /// Refuses arguments that are not UTF-8, except for prompts, which may be any bytes.
    static func requireText(_ arguments: [String]) throws(ProgramFailure) {
        for (index, argument) in arguments.enumerated() where holdsRawBytes(argument) {
            let isPrompt = argument.hasPrefix("--prompt=") || index > 0 && arguments[index - 1] == "--prompt"
            guard !isPrompt else { continue }
            let shown = String(decoding: bytes(argument), as: UTF8.self)
            throw ProgramFailure(.usage, "the argument '\(shown)' is not UTF-8; rename the file, or write it in UTF-8")
        }
    }
}
