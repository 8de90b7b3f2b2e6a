// Parameter layouts, the reduction tree, and owned arrays.

import Numerics
import Testing

@Suite("Layouts and trees")
struct LayoutTests {
    @Test("chunks cover every element of a tensor once, in whole rows of at most 1 MiB")
    func chunks() {
        var layout = ParameterLayout()
        layout.append("a", [10_000, 650], isRowSparse: true)
        layout.append("b", [7])
        layout.append("c", [2, 300_000])
        layout.append("d", [512, 512])
        for (index, tensor) in layout.tensors.enumerated() {
            #expect(tensor.offset % 16 == 0)
            var row = 0
            for chunk in layout.chunkIndices(ofTensor: index).map({ layout.chunks[$0] }) {
                #expect(
                    chunk.rows.lowerBound == row && chunk.elements.lowerBound == tensor.offset + row * tensor.columns)
                #expect(chunk.elements.count == chunk.rows.count * tensor.columns)
                #expect(chunk.elements.count <= ParameterLayout.chunkElementsMaximum || chunk.rows.count == 1)
                row = chunk.rows.upperBound
            }
            #expect(row == tensor.rows)
        }
        #expect(layout.index(of: "c") == 2 && layout.index(of: "e") == nil)
        #expect(layout.tensors[1].columns == 1 && layout.chunkIndices(ofTensor: 3).count == 1)
        let parameters = Buffer<Float>(count: layout.count)
        layout.matrix(ofTensor: 3, in: parameters)[1, 2] = 5
        #expect(parameters.pointer[layout.tensors[3].offset + 514] == 5)
        #expect(layout.matrix(ofChunk: layout.chunks.count - 1, in: parameters)[1, 2] == 5)
    }

    @Test("the nodes of a span are disjoint, cover it, and are the largest", arguments: 1...13)
    func spans(shards: Int) {
        let tree = ReductionTree(shards: shards)
        for lower in 0...shards {
            for upper in lower...shards {
                let nodes = tree.nodes(covering: ShardRange(lower, upper))
                #expect(nodes.flatMap(\.indices) == Array(lower..<upper))
                #expect(nodes.allSatisfy { tree.isNode($0) })
                for node in nodes {
                    guard let (parent, sibling, isLeft) = tree.parent(of: node) else { continue }
                    #expect(parent.lower < lower || parent.upper > upper)
                    #expect(isLeft ? node.upper == sibling.lower : sibling.upper == node.lower)
                }
            }
        }
    }

    @Test("an owned array keeps its elements as it grows")
    func ownedArrays() {
        var array = OwnedArray<Buffer<Int32>>()
        for index in 0..<20 {
            array.append(Buffer(count: index))
            for element in 0..<index { array[index].pointer[element] = Int32(index) }
        }
        array.grow(to: 22) { Buffer(count: 1) }
        #expect(array.count == 22 && array[21].count == 1)
        for index in 0..<20 {
            #expect(array[index].elements.allSatisfy { $0 == Int32(index) } && array[index].count == index)
        }
    }
}
