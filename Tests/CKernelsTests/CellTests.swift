// The recurrent cells: bits against scalar formulas, forward and backward, on every set, with odd sizes and strides.

import CKernels
import Testing

@Suite("Recurrent cells")
struct CellTests {
    private func rowsAndWidth(_ generator: inout SeededGenerator) -> (rows: Int, H: Int) {
        (generator.integer(1...5), generator.integer(1...70))
    }

    @Test("LSTM forward: c = f c' + i g, h = o tanh(c)")
    func lstmForward() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let (rows, H) = rowsAndWidth(&generator)
            let gates = generator.matrix(rows, 4 * H, in: -6...6), cellPrevious = generator.matrix(rows, H, in: -3...3)
            let space = generator.matrix(rows, H)

            let activations = gates.mapping { row, column in
                let x = gates[row, column]
                return column / H == 2 ? referenceTangentHyperbolic(x) : referenceSigmoid(x)
            }
            let cell = space.mapping { row, j in
                let (i, f, g) = (activations[row, j], activations[row, H + j], activations[row, 2 * H + j])
                return fused(i, g, f * cellPrevious[row, j])
            }
            let tanhCell = cell.mapping { row, j in referenceTangentHyperbolic(cell[row, j]) }
            let hidden = cell.mapping { row, j in activations[row, 3 * H + j] * tanhCell[row, j] }

            for set in KernelSet.all {
                var (gates, newCell, newTanhCell, newHidden) = (gates, space, space, space)
                set.kernels.lstmForward(
                    rows, H, &gates.values, gates.stride, cellPrevious.values, cellPrevious.stride, &newCell.values,
                    newCell.stride, &newTanhCell.values, newTanhCell.stride, &newHidden.values, newHidden.stride)
                expectSameBits(gates.values, activations.values, "activations", set, seed: seed)
                expectSameBits(newCell.values, cell.values, "cell", set, seed: seed)
                expectSameBits(newTanhCell.values, tanhCell.values, "tanh(cell)", set, seed: seed)
                expectSameBits(newHidden.values, hidden.values, "hidden", set, seed: seed)
            }
        }
    }

    @Test("LSTM backward: gradients of the four gates and of the cell before")
    func lstmBackward() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let (rows, H) = rowsAndWidth(&generator)
            let gates = generator.matrix(rows, 4 * H, in: 0...1), cellPrevious = generator.matrix(rows, H)
            let tanhCell = generator.matrix(rows, H), dHidden = generator.matrix(rows, H)
            let dCell = generator.matrix(rows, H)

            func dc(_ row: Int, _ j: Int) -> Float {
                let t = tanhCell[row, j]
                return fused(dHidden[row, j] * gates[row, 3 * H + j], fused(-t, t, 1), dCell[row, j])
            }
            let dGates = gates.mapping { row, column in
                let j = column % H, dc = dc(row, j), y = gates[row, column]
                switch column / H {
                case 0: return dc * gates[row, 2 * H + j] * fused(-y, y, y)
                case 1: return dc * cellPrevious[row, j] * fused(-y, y, y)
                case 2: return dc * gates[row, j] * fused(-y, y, 1)
                default: return dHidden[row, j] * tanhCell[row, j] * fused(-y, y, y)
                }
            }
            let dCellPrevious = dCell.mapping { row, j in dc(row, j) * gates[row, H + j] }

            for set in KernelSet.all {
                var (newGates, newDCell) = (gates, dCell)
                set.kernels.lstmBackward(
                    rows, H, &newGates.values, gates.stride, cellPrevious.values, cellPrevious.stride, tanhCell.values,
                    tanhCell.stride, dHidden.values, dHidden.stride, &newDCell.values, dCell.stride)
                expectSameBits(newGates.values, dGates.values, "gate gradients", set, seed: seed)
                expectSameBits(newDCell.values, dCellPrevious.values, "gradient of the cell before", set, seed: seed)
            }
        }
    }

    @Test("GRU forward: h = n + z (h' - n), reset after the recurrent product")
    func gruForward() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let (rows, H) = rowsAndWidth(&generator)
            let input = generator.matrix(rows, 3 * H, in: -4...4), recurrent = generator.matrix(rows, 3 * H, in: -4...4)
            let hiddenPrevious = generator.matrix(rows, H), space = generator.matrix(rows, H)

            let activations = input.mapping { row, column in
                guard column >= 2 * H else { return referenceSigmoid(input[row, column] + recurrent[row, column]) }
                let reset = referenceSigmoid(input[row, column - 2 * H] + recurrent[row, column - 2 * H])
                return referenceTangentHyperbolic(fused(reset, recurrent[row, column], input[row, column]))
            }
            let hidden = space.mapping { row, j in
                let candidate = activations[row, 2 * H + j]
                return fused(activations[row, H + j], hiddenPrevious[row, j] - candidate, candidate)
            }

            for set in KernelSet.all {
                var (gates, newHidden) = (input, space)
                set.kernels.gruForward(
                    rows, H, &gates.values, gates.stride, recurrent.values, recurrent.stride, hiddenPrevious.values,
                    hiddenPrevious.stride, &newHidden.values, newHidden.stride)
                expectSameBits(gates.values, activations.values, "activations", set, seed: seed)
                expectSameBits(newHidden.values, hidden.values, "hidden", set, seed: seed)
            }
        }
    }

    @Test("GRU backward: gradients of both pre-activations and the direct one of the hidden state before")
    func gruBackward() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let (rows, H) = rowsAndWidth(&generator)
            let gates = generator.matrix(rows, 3 * H, in: 0...1), recurrent = generator.matrix(rows, 3 * H)
            let hiddenPrevious = generator.matrix(rows, H), dHidden = generator.matrix(rows, H)
            let space = generator.matrix(rows, H)

            func dCandidate(_ row: Int, _ j: Int) -> Float {
                let candidate = gates[row, 2 * H + j]
                return dHidden[row, j] * (1 - gates[row, H + j]) * fused(-candidate, candidate, 1)
            }
            func gradient(_ row: Int, _ column: Int) -> Float {
                let j = column % H, y = gates[row, column]
                switch column / H {
                case 0: return dCandidate(row, j) * recurrent[row, 2 * H + j] * fused(-y, y, y)
                case 1: return dHidden[row, j] * (hiddenPrevious[row, j] - gates[row, 2 * H + j]) * fused(-y, y, y)
                default: return dCandidate(row, j)
                }
            }
            let dInput = gates.mapping(gradient)
            let dRecurrent = recurrent.mapping { row, column in
                column < 2 * H ? gradient(row, column) : gradient(row, column) * gates[row, column - 2 * H]
            }
            let dHiddenPrevious = space.mapping { row, j in dHidden[row, j] * gates[row, H + j] }

            for set in KernelSet.all {
                var (newInput, newRecurrent, newDHiddenPrevious) = (gates, recurrent, space)
                set.kernels.gruBackward(
                    rows, H, &newInput.values, newInput.stride, &newRecurrent.values, newRecurrent.stride,
                    hiddenPrevious.values, hiddenPrevious.stride, dHidden.values, dHidden.stride,
                    &newDHiddenPrevious.values, newDHiddenPrevious.stride)
                expectSameBits(newInput.values, dInput.values, "input gradients", set, seed: seed)
                expectSameBits(newRecurrent.values, dRecurrent.values, "recurrent gradients", set, seed: seed)
                expectSameBits(newDHiddenPrevious.values, dHiddenPrevious.values, "hidden gradient", set, seed: seed)
            }
        }
    }

    @Test("Elman forward and backward", arguments: [RondoActivationTanh, RondoActivationRelu])
    func elman(activation: RondoActivation) {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let (rows, H) = rowsAndWidth(&generator)
            let gates = generator.matrix(rows, H, in: -3...3), dHidden = generator.matrix(rows, H)
            let space = generator.matrix(rows, H)
            let isTanh = activation == RondoActivationTanh

            let hidden = space.mapping { row, j in
                isTanh ? referenceTangentHyperbolic(gates[row, j]) : max(gates[row, j], 0)
            }
            let dGates = space.mapping { row, j in
                let h = hidden[row, j]
                return isTanh ? dHidden[row, j] * fused(-h, h, 1) : (h > 0 ? dHidden[row, j] : 0)
            }
            for set in KernelSet.all {
                var (newHidden, newDGates) = (space, space)
                set.kernels.elmanForward(
                    rows, H, activation, gates.values, gates.stride, &newHidden.values, newHidden.stride)
                expectSameBits(newHidden.values, hidden.values, "hidden", set, seed: seed)
                set.kernels.elmanBackward(
                    rows, H, activation, hidden.values, hidden.stride, dHidden.values, dHidden.stride,
                    &newDGates.values, newDGates.stride)
                expectSameBits(newDGates.values, dGates.values, "gate gradients", set, seed: seed)
            }
        }
    }

    @Test("a NaN in a pre-activation reaches the hidden state", arguments: KernelSet.all)
    func notANumber(set: KernelSet) {
        var hidden: [Float] = [0, 0]
        for activation in [RondoActivationTanh, RondoActivationRelu] {
            set.kernels.elmanForward(1, 2, activation, [.nan, 1], 2, &hidden, 2)
            #expect(hidden[0].isNaN && !hidden[1].isNaN)
        }
    }
}
