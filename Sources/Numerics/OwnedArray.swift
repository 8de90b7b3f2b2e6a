// A growable array of non-copyable elements.

/// An array whose elements cannot be copied: layers, packed operands, buffers.
///
///     var operands = OwnedArray<PackedRight<Float>>()
///     operands.append(PackedRight())
///     operands[0].pack(weights)
///
/// Elements live until the array goes. Appending is amortised O(1).
public struct OwnedArray<Element: ~Copyable>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private var capacity: Int
    /// The number of elements.
    public private(set) var count = 0

    /// An empty array.
    public init() {
        capacity = 4
        base = .allocate(capacity: capacity)
    }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    /// The positions of the elements.
    public var indices: Range<Int> { 0..<count }

    /// Adds an element at the end.
    public mutating func append(_ element: consuming Element) {
        if count == capacity {
            let larger = UnsafeMutablePointer<Element>.allocate(capacity: 2 * capacity)
            larger.moveInitialize(from: base, count: count)
            base.deallocate()
            base = larger
            capacity *= 2
        }
        (base + count).initialize(to: element)
        count += 1
    }

    /// Appends elements until there are `count`; never removes any.
    public mutating func grow(to count: Int, _ makeElement: () -> Element) {
        while self.count < count { append(makeElement()) }
    }

    /// The element at `index`.
    public subscript(index: Int) -> Element {
        _read {
            precondition(indices.contains(index), "element \(index) of \(count)")
            yield base[index]
        }
        _modify {
            precondition(indices.contains(index), "element \(index) of \(count)")
            yield &base[index]
        }
    }
}
