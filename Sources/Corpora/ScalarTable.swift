// From a Unicode scalar to its token in two loads.

/// The tokens of Unicode scalars: a page table over the 17 planes, with a page of 256 entries for each block in use.
///
/// English text needs one page, all of Chinese about a hundred: unlike a flat table of 4.4 MB it stays in the caches.
struct ScalarTable: Sendable {
    /// Where the page of a block of 256 scalars begins in `tokens`; 0 for the page that has none.
    private var pages: [Int32]
    private var tokens: [Int32]

    private static let pageCount = 0x11_0000 >> 8

    /// Gives each scalar its index.
    init(sortedScalars: [UInt32]) {
        pages = [Int32](repeating: 0, count: sortedScalars.isEmpty ? 0 : Self.pageCount)
        tokens = [Int32](repeating: -1, count: 256)
        for (index, scalar) in sortedScalars.enumerated() {
            let page = Int(scalar >> 8)
            if pages[page] == 0 {
                pages[page] = Int32(tokens.count)
                tokens.append(contentsOf: repeatElement(-1, count: 256))
            }
            tokens[Int(pages[page]) + Int(scalar & 255)] = Int32(index)
        }
    }

    /// The token of a scalar, or a negative number.
    ///
    /// - Precondition: `scalar` is below 0x110000.
    @inline(__always)
    func token(_ scalar: UInt32) -> Int32 {
        pages.isEmpty ? -1 : tokens[Int(pages[Int(scalar >> 8)]) + Int(scalar & 255)]
    }
}

/// The Unicode scalars that a text holds.
struct ScalarSet {
    private var isSeen = [Bool](repeating: false, count: 0x11_0000)
    /// Whether any of a block of 256 is seen, so that few blocks have to be searched.
    private var isBlockSeen = [Bool](repeating: false, count: 0x11_0000 >> 8)

    /// - Precondition: `scalar` is below 0x110000.
    @inline(__always)
    mutating func insert(_ scalar: UInt32) {
        isSeen[Int(scalar)] = true
        isBlockSeen[Int(scalar >> 8)] = true
    }

    /// All of them in ascending order.
    var sorted: [UInt32] {
        isBlockSeen.indices.filter { isBlockSeen[$0] }.flatMap { block in
            (block << 8..<(block + 1) << 8).filter { isSeen[$0] }.map { UInt32($0) }
        }
    }
}
