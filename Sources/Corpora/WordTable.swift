// From the bytes of a word to its token, and how often it was seen.

/// A hash table of words, which are numbered in the order of their insertion.
///
/// Words are bytes in one array, found by open addressing without deletion: counting a text makes no object a word.
/// A distinct word costs its bytes, 16 for its entry and 11 to 21 for its slots.
struct WordTable: Sendable {
    private struct Entry: Sendable {
        var start: UInt32
        var length: UInt32
        var occurrences: UInt64
    }

    private var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// The upper half of a word's hash above the word's index, or ``emptySlot``.
    private var slots: [UInt64] = []

    private static let emptySlot = UInt64.max
    /// The most distinct words. Ten times the words of a gigabyte of English; beyond it a text is not one of words.
    static let countMax = 1 << 24

    var count: Int { entries.count }

    /// The text of a word.
    func word(_ index: Int) -> String {
        let entry = entries[index]
        return String(decoding: bytes[Int(entry.start)..<Int(entry.start + entry.length)], as: UTF8.self)
    }

    func occurrences(_ index: Int) -> UInt64 { entries[index].occurrences }

    /// Whether a word comes before another in the order of their bytes.
    func isBefore(_ left: Int, _ right: Int) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            let (left, right) = (entries[left], entries[right])
            return bytes[Int(left.start)..<Int(left.start + left.length)].lexicographicallyPrecedes(
                bytes[Int(right.start)..<Int(right.start + right.length)])
        }
    }

    /// The index of a word, or a negative number.
    @inline(__always)
    func find(_ word: UnsafeRawBufferPointer) -> Int32 {
        guard !slots.isEmpty else { return -1 }
        let hash = Self.hash(word)
        return slots.withUnsafeBufferPointer { slots in
            let slot = slots[place(of: word, hash: hash, in: slots)]
            return slot == Self.emptySlot ? -1 : Int32(truncatingIfNeeded: slot)
        }
    }

    /// Counts one more occurrence of a word. `false` when it is new and the table is full.
    mutating func count(_ word: UnsafeRawBufferPointer) -> Bool {
        guard let index = indexInserting(word) else { return false }
        entries[index].occurrences &+= 1
        return true
    }

    /// Inserts a word unless it is there. The number of occurrences stays.
    mutating func insert(_ word: String) {
        var word = word
        word.withUTF8 { _ = indexInserting(UnsafeRawBufferPointer($0)) }
    }

    private mutating func indexInserting(_ word: UnsafeRawBufferPointer) -> Int? {
        if (entries.count + 1) * 4 > slots.count * 3 { grow() }
        let hash = Self.hash(word)
        let place = slots.withUnsafeBufferPointer { self.place(of: word, hash: hash, in: $0) }
        let slot = slots[place]
        if slot != Self.emptySlot { return Int(UInt32(truncatingIfNeeded: slot)) }
        guard entries.count < Self.countMax, bytes.count + word.count <= Int(UInt32.max) else { return nil }
        slots[place] = hash & Self.hashMask | UInt64(entries.count)
        entries.append(Entry(start: UInt32(bytes.count), length: UInt32(word.count), occurrences: 0))
        bytes.append(contentsOf: word)
        return entries.count - 1
    }

    private static let hashMask: UInt64 = 0xFFFF_FFFF_0000_0000

    /// The slot that holds a word, or the empty one that would.
    @inline(__always)
    private func place(of word: UnsafeRawBufferPointer, hash: UInt64, in slots: UnsafeBufferPointer<UInt64>) -> Int {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[place]
            if slot == Self.emptySlot { return place }
            if slot & Self.hashMask == hash & Self.hashMask,
                isEqual(entries[Int(UInt32(truncatingIfNeeded: slot))], word)
            {
                return place
            }
            place = (place &+ 1) & mask
        }
    }

    @inline(__always)
    private func isEqual(_ entry: Entry, _ word: UnsafeRawBufferPointer) -> Bool {
        guard Int(entry.length) == word.count else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            var place = Int(entry.start)
            for byte in word {
                if bytes[place] != byte { return false }
                place &+= 1
            }
            return true
        }
    }

    private mutating func grow() {
        let capacity = max(1_024, slots.count * 2)
        let old = slots
        slots = []
        var new = [UInt64](repeating: Self.emptySlot, count: capacity)
        bytes.withUnsafeBytes { bytes in
            for slot in old where slot != Self.emptySlot {
                let entry = entries[Int(UInt32(truncatingIfNeeded: slot))]
                let word = UnsafeRawBufferPointer(
                    rebasing: bytes[Int(entry.start)..<Int(entry.start + entry.length)])
                var place = Int(truncatingIfNeeded: Self.hash(word)) & (capacity - 1)
                while new[place] != Self.emptySlot { place = (place &+ 1) & (capacity - 1) }
                new[place] = slot
            }
        }
        slots = new
    }

    /// Mixes eight bytes at a time by a multiplication of full width, as wyhash does.
    @inline(__always)
    private static func hash(_ word: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: word.count) ^ 0x9E37_79B9_7F4A_7C15
        var place = 0
        while place &+ 8 <= word.count {
            hash = mix(hash ^ word.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            place &+= 8
        }
        if place < word.count {
            var rest: UInt64 = 0
            while place < word.count {
                rest = rest << 8 | UInt64(word[place])
                place &+= 1
            }
            hash = mix(hash ^ rest)
        }
        return hash
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0xE703_7ED1_A0B4_28DB).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low
    }
}

extension WordTable {
    /// The most frequent words after the first two, which are `<unk>` and `<eos>` and stay; by falling frequency, and
    /// by their bytes where that is equal.
    ///
    /// - Parameter limit: the number of words with the first two; 0 for all.
    func vocabulary(limit: Int) -> WordTable {
        let wanted = min(limit == 0 ? .max : limit - 2, count - 2)
        var chosen = Array(2..<count)
        if wanted < chosen.count {
            // Most words occur once. The least frequency that can be chosen spares sorting them all by their bytes.
            let least = wanted == 0 ? .max : chosen.map { occurrences($0) }.sorted(by: >)[wanted - 1]
            chosen.removeAll { occurrences($0) < least }
        }
        chosen.sort { left, right in
            let (leftCount, rightCount) = (occurrences(left), occurrences(right))
            return leftCount != rightCount ? leftCount > rightCount : isBefore(left, right)
        }
        var table = WordTable()
        for index in [0, 1] + chosen.prefix(wanted) { table.insert(word(index)) }
        return table
    }
}
