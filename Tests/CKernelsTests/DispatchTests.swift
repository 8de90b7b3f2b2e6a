// The choice of a kernel set.

import CKernels
import Testing

@Suite("Kernel sets")
struct DispatchTests {
    @Test("are found under their own names; portable is always there, unknown names are not")
    func names() {
        for set in KernelSet.all { #expect(String(cString: set.kernels.name) == set.name) }
        #expect(rondo_kernels_float("portable") != nil)
        #expect(rondo_kernels_float("mmx") == nil)
        #expect(rondo_kernels_float("") == nil)
        #expect(String(cString: rondo_kernels_double().pointee.name) == "portable")
    }

    @Test("the best set is one that this processor has")
    func best() {
        #expect(rondo_kernels_float(rondo_best_instruction_set()) != nil)
    }

    @Test("the peak probe counts its operations", arguments: KernelSet.all)
    func probe(set: KernelSet) {
        var sink: Float = 0
        let one = rondo_peak_probe(set.name, 1, &sink)
        #expect(one > 0 && rondo_peak_probe(set.name, 10, &sink) == 10 * one)
    }
}
