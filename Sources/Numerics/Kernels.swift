// The kernels as Swift functions, generic over the scalar.

import CKernels

/// The functions of one instruction set's kernel table; the C header documents each one's shapes and order of sums.
///
/// A generic copy of the C tables: the layers above are written once and run in `Float` (training) and in `Double`
/// (the checks of their gradients against central differences). C functions without state: safe from any thread.
struct Kernels<Scalar: BitwiseCopyable>: @unchecked Sendable {
    /// Products on operands as they are.
    let single: ProductKernels<Scalar>
    /// Products on operands rounded to bfloat16, which only `Float` has.
    let bfloat16: ProductKernels<Scalar>?
    /// Rounding to bfloat16 and back: only of `Float`.
    let toBFloat16: (_ n: Int, _ x: UnsafePointer<Scalar>, _ y: UnsafeMutableRawPointer) -> Void
    let fromBFloat16: (_ n: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutablePointer<Scalar>) -> Void
    let elmanForward:
        (
            _ rows: Int, _ H: Int, _ activation: RondoActivation, _ gates: UnsafePointer<Scalar>, _ strideGates: Int,
            _ hidden: UnsafeMutablePointer<Scalar>, _ strideHidden: Int
        ) -> Void
    let elmanBackward:
        (
            _ rows: Int, _ H: Int, _ activation: RondoActivation, _ hidden: UnsafePointer<Scalar>, _ strideHidden: Int,
            _ dHidden: UnsafePointer<Scalar>, _ strideDHidden: Int, _ dGates: UnsafeMutablePointer<Scalar>,
            _ strideGates: Int
        ) -> Void
    let lstmForward:
        (
            _ rows: Int, _ H: Int, _ gates: UnsafeMutablePointer<Scalar>, _ strideGates: Int,
            _ cellPrevious: UnsafePointer<Scalar>, _ strideCellPrevious: Int, _ cell: UnsafeMutablePointer<Scalar>,
            _ strideCell: Int, _ tanhCell: UnsafeMutablePointer<Scalar>, _ strideTanhCell: Int,
            _ hidden: UnsafeMutablePointer<Scalar>, _ strideHidden: Int
        ) -> Void
    let lstmBackward:
        (
            _ rows: Int, _ H: Int, _ gates: UnsafeMutablePointer<Scalar>, _ strideGates: Int,
            _ cellPrevious: UnsafePointer<Scalar>, _ strideCellPrevious: Int, _ tanhCell: UnsafePointer<Scalar>,
            _ strideTanhCell: Int, _ dHidden: UnsafePointer<Scalar>, _ strideDHidden: Int,
            _ dCell: UnsafeMutablePointer<Scalar>, _ strideDCell: Int
        ) -> Void
    let gruForward:
        (
            _ rows: Int, _ H: Int, _ inputGates: UnsafeMutablePointer<Scalar>, _ strideInput: Int,
            _ recurrentGates: UnsafePointer<Scalar>, _ strideRecurrent: Int, _ hiddenPrevious: UnsafePointer<Scalar>,
            _ strideHiddenPrevious: Int, _ hidden: UnsafeMutablePointer<Scalar>, _ strideHidden: Int
        ) -> Void
    let gruBackward:
        (
            _ rows: Int, _ H: Int, _ inputGates: UnsafeMutablePointer<Scalar>, _ strideInput: Int,
            _ recurrentGates: UnsafeMutablePointer<Scalar>, _ strideRecurrent: Int,
            _ hiddenPrevious: UnsafePointer<Scalar>, _ strideHiddenPrevious: Int, _ dHidden: UnsafePointer<Scalar>,
            _ strideDHidden: Int, _ dHiddenPrevious: UnsafeMutablePointer<Scalar>, _ strideDHiddenPrevious: Int
        ) -> Void
    let softmaxCrossEntropy:
        (
            _ rows: Int, _ N: Int, _ logits: UnsafeMutablePointer<Scalar>, _ stride: Int,
            _ targets: UnsafePointer<Int32>, _ losses: UnsafeMutablePointer<Scalar>, _ gradient: Int32
        ) -> Void
    let logSoftmax: (_ rows: Int, _ N: Int, _ logits: UnsafeMutablePointer<Scalar>, _ stride: Int) -> Void
    let add: (_ n: Int, _ y: UnsafeMutablePointer<Scalar>, _ x: UnsafePointer<Scalar>) -> Void
    let multiply: (_ n: Int, _ y: UnsafeMutablePointer<Scalar>, _ x: UnsafePointer<Scalar>) -> Void
    let sum: (_ n: Int, _ x: UnsafePointer<Scalar>) -> Double
    let sumOfSquares: (_ n: Int, _ x: UnsafePointer<Scalar>) -> Double
    let columnSums:
        (
            _ source: UnsafePointer<Scalar>, _ stride: Int, _ rows: UnsafePointer<Int32>?, _ K: Int, _ N: Int,
            _ out: UnsafeMutablePointer<Scalar>, _ store: RondoStore
        ) -> Void
    let gatherRows:
        (
            _ source: UnsafePointer<Scalar>, _ stride: Int, _ rows: UnsafePointer<Int32>, _ K: Int, _ N: Int,
            _ destination: UnsafeMutablePointer<Scalar>, _ strideDestination: Int
        ) -> Void
    let scatterAddRows:
        (
            _ source: UnsafePointer<Scalar>, _ stride: Int, _ rows: UnsafePointer<Int32>?,
            _ slots: UnsafePointer<Int32>, _ K: Int, _ N: Int, _ destination: UnsafeMutablePointer<Scalar>,
            _ strideDestination: Int
        ) -> Void
    let adam:
        (
            _ n: Int, _ weights: UnsafeMutablePointer<Scalar>, _ firstMoment: UnsafeMutablePointer<Scalar>,
            _ secondMoment: UnsafeMutablePointer<Scalar>, _ gradient: UnsafePointer<Scalar>,
            _ step: UnsafePointer<RondoAdamStep>
        ) -> Void
    let dropoutMask:
        (
            _ n: Int, _ key0: UInt32, _ key1: UInt32, _ c1: UInt32, _ c2: UInt32, _ c3: UInt32, _ p: Scalar,
            _ out: UnsafeMutablePointer<Scalar>
        ) -> Void
    let exponential: (_ n: Int, _ x: UnsafePointer<Scalar>, _ y: UnsafeMutablePointer<Scalar>) -> Void
    let logarithm: (_ n: Int, _ x: UnsafePointer<Scalar>, _ y: UnsafeMutablePointer<Scalar>) -> Void
    let tangentHyperbolic: (_ n: Int, _ x: UnsafePointer<Scalar>, _ y: UnsafeMutablePointer<Scalar>) -> Void
    let sigmoid: (_ n: Int, _ x: UnsafePointer<Scalar>, _ y: UnsafeMutablePointer<Scalar>) -> Void
}

extension Kernels<Float> {
    init(_ table: RondoKernelsFloat) {
        single = ProductKernels(single: table)
        bfloat16 = ProductKernels(bfloat16: table)
        toBFloat16 = table.toBFloat16
        fromBFloat16 = table.fromBFloat16
        elmanForward = table.elmanForward
        elmanBackward = table.elmanBackward
        lstmForward = table.lstmForward
        lstmBackward = table.lstmBackward
        gruForward = table.gruForward
        gruBackward = table.gruBackward
        softmaxCrossEntropy = table.softmaxCrossEntropy
        logSoftmax = table.logSoftmax
        add = table.add
        multiply = table.multiply
        sum = table.sum
        sumOfSquares = table.sumOfSquares
        columnSums = table.columnSums
        gatherRows = table.gatherRows
        scatterAddRows = table.scatterAddRows
        adam = table.adam
        dropoutMask = table.dropoutMask
        exponential = table.exponential
        logarithm = table.logarithm
        tangentHyperbolic = table.tangentHyperbolic
        sigmoid = table.sigmoid
    }
}

extension Kernels<Double> {
    init(_ table: RondoKernelsDouble) {
        single = ProductKernels(single: table)
        bfloat16 = nil
        toBFloat16 = { _, _, _ in preconditionFailure("bfloat16 is for single precision") }
        fromBFloat16 = { _, _, _ in preconditionFailure("bfloat16 is for single precision") }
        elmanForward = table.elmanForward
        elmanBackward = table.elmanBackward
        lstmForward = table.lstmForward
        lstmBackward = table.lstmBackward
        gruForward = table.gruForward
        gruBackward = table.gruBackward
        softmaxCrossEntropy = table.softmaxCrossEntropy
        logSoftmax = table.logSoftmax
        add = table.add
        multiply = table.multiply
        sum = table.sum
        sumOfSquares = table.sumOfSquares
        columnSums = table.columnSums
        gatherRows = table.gatherRows
        scatterAddRows = table.scatterAddRows
        adam = table.adam
        dropoutMask = table.dropoutMask
        exponential = table.exponential
        logarithm = table.logarithm
        tangentHyperbolic = table.tangentHyperbolic
        sigmoid = table.sigmoid
    }
}

/// A scalar that kernels exist for: `Float` for training, `Double` for the checks of gradients.
public protocol KernelScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// The functions of ``InstructionSet/current``. Only `Numerics` can look inside.
    static var kernelTable: KernelTable<Self> { get }
}

/// The kernel functions, opaque outside `Numerics`. One shared object for each scalar, so that a call copies nothing.
public final class KernelTable<Scalar: BitwiseCopyable>: Sendable {
    let kernels: Kernels<Scalar>

    init(_ kernels: Kernels<Scalar>) { self.kernels = kernels }
}

extension Float: KernelScalar {
    private static let table = KernelTable(Kernels(rondo_kernels_float(InstructionSet.current.rawValue)!.pointee))
    /// The kernels of the instruction set in use.
    public static var kernelTable: KernelTable<Float> { table }
}

extension Double: KernelScalar {
    private static let table = KernelTable(Kernels(rondo_kernels_double().pointee))
    /// The portable kernels in double precision.
    public static var kernelTable: KernelTable<Double> { table }
}

extension KernelScalar {
    static var kernels: Kernels<Self> {
        @inline(__always) _read { yield kernelTable.kernels }
    }

    static func productKernels(_ precision: Precision) -> ProductKernels<Self> {
        switch precision {
        case .single: return kernels.single
        case .bfloat16:
            guard let products = kernels.bfloat16 else {
                preconditionFailure("products in bfloat16 are for networks in single precision")
            }
            return products
        }
    }
}
