// The choice of the instruction set, made once a process.

import CKernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A set of vector instructions that the kernels are compiled for. All give the same bits, with one exception:
/// `avx512bf16`, which is AVX-512 with an instruction for products in ``Precision/bfloat16``, takes subnormal numbers
/// in these for zero.
public enum InstructionSet: String, Sendable, CaseIterable {
    case avx512bf16, avx512, avx2, neon, portable

    /// Whether this processor and this build have it.
    public var isAvailable: Bool { rondo_kernels_float(rawValue) != nil }

    /// The sets that this machine can run, widest first.
    public static var available: [InstructionSet] { allCases.filter(\.isAvailable) }

    /// The set in use: the one that the environment variable `RONDO_ISA` names, else the widest.
    public static let current: InstructionSet = forced ?? widest

    private static var widest: InstructionSet {
        InstructionSet(rawValue: String(cString: rondo_best_instruction_set())) ?? .portable
    }

    private static var environmentName: String? {
        guard let value = getenv("RONDO_ISA"), case let name = String(cString: value), !name.isEmpty else { return nil }
        return name
    }

    private static var forced: InstructionSet? {
        environmentName.flatMap(InstructionSet.init(rawValue:)).flatMap { $0.isAvailable ? $0 : nil }
    }

    /// What is wrong with the environment variable `RONDO_ISA`, for the executables to report at start; `nil` if
    /// nothing.
    public static func problemWithEnvironment() -> String? {
        guard let name = environmentName else { return nil }
        let have = available.map(\.rawValue).joined(separator: ", ")
        guard let set = InstructionSet(rawValue: name) else {
            return "RONDO_ISA=\(name): no such instruction set; this machine has \(have)"
        }
        return set.isAvailable ? nil : "RONDO_ISA=\(name): this machine lacks it; it has \(have)"
    }
}
