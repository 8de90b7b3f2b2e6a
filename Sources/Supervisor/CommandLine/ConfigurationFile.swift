// A configuration as the command line names it.

import Configuration
import Platform

extension RunConfiguration {
    /// Reads a YAML file, or a stream, and applies `--set` overrides.
    ///
    /// - Parameter path: a file, a pipe, or `-` for standard input. A stream is read to its end.
    /// - Throws: `ProgramFailure` if it cannot be read or is not a configuration.
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
            throw ProgramFailure(.usage, "\(name): not UTF-8, and so not YAML; is this the configuration?")
        }
        do {
            try self.init(yaml: text, file: name, overrides: overrides)
        } catch {
            throw ProgramFailure(.usage, "\(error)")
        }
    }
}
