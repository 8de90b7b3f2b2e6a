// One node's gradient of one chunk, in the memory in which it came.

import Numerics
import Optimization

/// The values of a partial sum: all rows of the chunk, or some rows of an embedding.
enum GradientPayload {
    /// `[rows, columns]` of the chunk.
    case dense(GradientMemory)
    /// `values[k]` belongs to row `rows[k]` of the tensor; rows ascend.
    case sparse(rows: [UInt32], values: GradientMemory)

    /// left + right, element by element, in the left one's memory; rounded as every node of the tree is in that
    /// precision (see `TreeSum`).
    static func sum(
        _ left: GradientPayload, _ right: GradientPayload, columns: Int, precision: Precision
    ) -> GradientPayload {
        switch (left, right) {
        case (.dense(let target), .dense(let other)):
            target.withFloats { target in
                other.withFloats { target.add($0) }
                if precision == .bfloat16 { target.roundToBFloat16() }
            }
            return left
        case (.sparse(let leftRows, let leftValues), .sparse(let rightRows, let rightValues)):
            let sum = merge(leftRows, leftValues, rightRows, rightValues, columns: columns)
            if precision == .bfloat16, case .sparse(_, let values) = sum { values.withFloats { $0.roundToBFloat16() } }
            return sum
        case (.dense, .sparse), (.sparse, .dense):
            preconditionFailure("a chunk is dense in one partial sum and sparse in another")
        }
    }

    /// The union of rows: rows in both are left + right, rows in one stay as they are.
    private static func merge(
        _ leftRows: [UInt32], _ leftValues: GradientMemory, _ rightRows: [UInt32], _ rightValues: GradientMemory,
        columns: Int
    ) -> GradientPayload {
        if rightRows.isEmpty { return .sparse(rows: leftRows, values: leftValues) }
        if leftRows.isEmpty { return .sparse(rows: rightRows, values: rightValues) }
        var rows: [UInt32] = []
        rows.reserveCapacity(leftRows.count + rightRows.count)
        var left = 0
        var right = 0
        var sources: [(left: Int?, right: Int?)] = []
        while left < leftRows.count || right < rightRows.count {
            let takesLeft = right == rightRows.count || (left < leftRows.count && leftRows[left] <= rightRows[right])
            let takesRight = left == leftRows.count || (right < rightRows.count && rightRows[right] <= leftRows[left])
            rows.append(takesLeft ? leftRows[left] : rightRows[right])
            sources.append((takesLeft ? left : nil, takesRight ? right : nil))
            if takesLeft { left += 1 }
            if takesRight { right += 1 }
        }
        let values = GradientMemory(count: rows.count * columns)
        values.withFloats { target in
            leftValues.withFloats { leftValues in
                rightValues.withFloats { rightValues in
                    for (row, source) in sources.enumerated() {
                        let place = row * columns..<(row + 1) * columns
                        let sum = target.slice(place)
                        switch source {
                        case (let left?, let right?):
                            sum.copy(from: leftValues.slice(left * columns..<(left + 1) * columns))
                            sum.add(rightValues.slice(right * columns..<(right + 1) * columns))
                        case (let left?, nil): sum.copy(from: leftValues.slice(left * columns..<(left + 1) * columns))
                        case (nil, let right?):
                            sum.copy(from: rightValues.slice(right * columns..<(right + 1) * columns))
                        case (nil, nil): preconditionFailure("a row from nowhere")
                        }
                    }
                }
            }
        }
        return .sparse(rows: rows, values: values)
    }

    /// The chunk's part of the gradient's squared norm.
    func normPartial(columns: Int) -> Double {
        switch self {
        case .dense(let values): values.withFloats { GradientNorm.partial(gradient: $0) }
        case .sparse(_, let values): values.withFloats { GradientNorm.partial(rows: $0.reshaped(columns: columns)) }
        }
    }
}
