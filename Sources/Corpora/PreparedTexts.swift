// The texts that a run's data were prepared from, so that a later change of one does not go unnoticed.

import Configuration
import Foundation

/// Which texts a run's data were prepared from: `texts.json` beside them.
///
/// A run keeps its data as they were prepared, whatever becomes of the texts. A user who changes a text and continues
/// the run is told so:
///
///     PreparedTexts.changed(since: "runs/tales/data", configuration.data)     // ["tales.txt"]
public struct PreparedTexts: Sendable, Equatable, Codable {
    /// The text to learn from.
    let training: TextIdentity
    /// The text to validate on, if it is one of its own.
    let validation: TextIdentity?

    /// The name of the file.
    static let fileName = "texts.json"
    private static let bytesMax = 1 << 16

    /// The texts of a configuration that hold something else than when a run's data were prepared.
    ///
    /// Sizes and times of change are compared first; a file is read only if its times differ and its size does not.
    ///
    /// - Parameter directory: where the data were prepared.
    /// - Returns: their paths; none where nothing is known, or where a path is another one now, for whose text the data
    ///   are prepared again and compared.
    public static func changed(since directory: String, _ data: DataConfiguration) -> [String] {
        guard let texts = PreparedTexts(inDirectory: directory) else { return [] }
        var pairs = [(data.train, texts.training)]
        if case .file(let path) = data.validation, let validation = texts.validation {
            pairs.append((path, validation))
        }
        return pairs.filter { path, identity in path == identity.path && identity.isOther() }.map(\.0)
    }

    /// Takes over what is known of the texts of data that turned out to be the same.
    ///
    /// - Parameters:
    ///   - directory: where these were prepared.
    ///   - target: where the data of the run are. Without a record there later changes go unnoticed, and no more.
    public static func move(from directory: String, to target: String) {
        try? FileSystem.move("\(directory)/\(fileName)", to: "\(target)/\(fileName)")
    }

    init(training: TextIdentity, validation: TextIdentity?) {
        (self.training, self.validation) = (training, validation)
    }

    init?(inDirectory directory: String) {
        guard let bytes = try? FileSystem.contents(of: "\(directory)/\(Self.fileName)", bytesMax: Self.bytesMax),
            let texts = try? JSONDecoder().decode(PreparedTexts.self, from: Data(bytes))
        else { return nil }
        self = texts
    }

    /// The record as JSON with sorted keys.
    func json() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Texts and whole numbers only, for which encoding cannot fail.
        guard let data = try? encoder.encode(self) else { preconditionFailure("a record of texts is always encodable") }
        return [UInt8](data)
    }
}
