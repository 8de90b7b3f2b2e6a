// How near one training step comes to the arithmetic limit of this machine.
//
//     swift run -c release StepBenchmark [--cpu-time] [--json] [--peak] [--precision bfloat16] [NAME-PART] [SECONDS]
//
// Prints for each model tokens a second, floating-point operations a second by the usual count (6 · tokens · weights of
// the products, whatever is really computed), that as a share of the peak measured in the same run on the same thread,
// and where the time goes. --json: one line a model, for programs. --peak: only the peak, in operations a second.
// --precision bfloat16: products on rounded operands, and their peak.

import Numerics
import Optimization
import Recurrent

let arguments = CommandLine.arguments.dropFirst()
if arguments.contains("--help") {
    print("usage: StepBenchmark [--cpu-time] [--json] [--peak] [--precision bfloat16] [PART-OF-A-NAME] [SECONDS]")
} else if arguments.contains("--peak") {
    print(peakOperationsPerSecond())
} else {
    let filter =
        arguments.first { Double($0) == nil && !$0.hasPrefix("--") && Precision(rawValue: $0) == nil } ?? ""
    let seconds = arguments.compactMap(Double.init).first ?? 5
    if !printsJSON { print("instruction set \(InstructionSet.current.rawValue), one thread; 8 shards in one span") }
    for model in BenchmarkModel.all where model.name.contains(filter) {
        StepBenchmark(model.with(precision)).run(seconds: seconds)
    }
}
