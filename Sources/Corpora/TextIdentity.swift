// What a text was at one time, to be compared with what it is later.

/// A text as it was at one time.
struct TextIdentity: Sendable, Equatable, Codable {
    /// The path as it was given.
    let path: String
    /// The SHA-256 of the text, as 64 hexadecimal digits.
    let sha256: String
    /// Size, place and times of the file.
    let stamp: TextStamp

    /// Whether the path leads to other content now. `false` where it leads to none that can be read: a run does not
    /// need its text any more.
    func isOther() -> Bool {
        guard let text = try? TextSource(path: path), let now = try? text.stamp(), now != stamp else { return false }
        guard now.bytes == stamp.bytes else { return true }
        return (try? text.sha256()).map { $0 != sha256 } ?? false
    }
}

/// What the system says of a file: while it is the same, so is the content.
struct TextStamp: Sendable, Equatable, Codable {
    let bytes: Int
    let device: Int
    let number: UInt64
    /// Nanoseconds since 1970 of the last change of the content, and of the content or anything else.
    let modified: Int
    let changed: Int

    /// Whether nothing was written between two looks at one open file; its name may have changed.
    func isSameContent(as other: TextStamp) -> Bool { bytes == other.bytes && modified == other.modified }
}
