// A configuration as the command line names it.

import Configuration

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension RunConfiguration {
    /// Reads a YAML file and applies `--set` overrides.
    ///
    /// - Throws: `ProgramFailure` if it cannot be read or is not a configuration.
    public init(file path: String, overrides: [String]) throws(ProgramFailure) {
        guard let file = fopen(path, "r") else {
            throw ProgramFailure(.usage, "cannot read '\(path)': \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        // One byte more than a configuration may have is enough for its reader to refuse it.
        while bytes.count <= 1 << 20 {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard ferror(file) == 0 else {
            throw ProgramFailure(.usage, "cannot read '\(path)': \(String(cString: strerror(errno)))")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ProgramFailure(.usage, "\(path): not UTF-8, and so not YAML; is this the configuration?")
        }
        do {
            try self.init(yaml: text, file: path, overrides: overrides)
        } catch {
            throw ProgramFailure(.usage, "\(error)")
        }
    }
}
