// A configuration as the command line names it.

import Configuration
import Platform

extension RunConfiguration {
    /// Reads a YAML file, or a stream, and applies `--set` overrides.
    ///
    /// - Parameter path: a file, a pipe, or `-` for standard input. A stream is read to its end.
    /// - Throws: `ProgramFailure` if it cannot be read or is not a configuration, with all that is wrong.
    public init(file path: String, overrides: [String]) throws(ProgramFailure) {
        let name = InputFile.name(path)
        let bytes: [UInt8]
        do {
            bytes = try InputFile.contents(path, .stream, bytesMax: RunConfiguration.bytesMax)
        } catch {
            throw ProgramFailure(.usage, "\(error)")
        }
        if let other = TextEncoding.other(bytes) {
            throw ProgramFailure(
                .usage, "\(name): in \(other); convert it to UTF-8 (iconv -f \(other.lowercased()) -t utf-8)")
        }
        guard let text = String(validating: TextEncoding.withoutMark(bytes), as: UTF8.self) else {
            let fault = TextEncoding.fault(in: bytes) ?? 0
            let line = 1 + bytes[..<fault].count { $0 == 0x0A }
            let advice = TextEncoding.eightBit(bytes, faultAt: fault).map { TextEncoding.advice($0) }
            throw ProgramFailure(
                .usage,
                "\(name):\(line): not UTF-8 at byte \(fault), and so not YAML; "
                    + (advice ?? "is this the configuration?"))
        }
        do {
            try self.init(yaml: text, file: name, overrides: overrides)
        } catch {
            let problems = error.all
            var lines = problems.prefix(Self.problemsShownMax).map(\.description)
            if problems.count > lines.count {
                lines.append("\(name): \(Counted.text(problems.count - lines.count, "further problem"))")
            }
            throw ProgramFailure(.usage, all: lines)
        }
    }

    /// More problems than these are hardly those of a configuration.
    private static let problemsShownMax = 50
}
