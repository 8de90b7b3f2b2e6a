// How near one training step comes to the arithmetic limit of this machine.
//
//     swift run -c release StepBenchmark [--cpu-time] [--json] [--peak] [--precision bfloat16] [--seconds S]
//         [NAME-PART]
//
// Prints for each model tokens a second, floating-point operations a second by the usual count (6 · tokens · weights of
// the products, whatever is really computed), that as a share of the peak measured in the same run on the same thread,
// and where the time goes. --json: one line a model, for programs. --peak: only the peak, in operations a second.
// --precision bfloat16: products on rounded operands, and their peak. --seconds: how long each model runs, else 5.
// A word without dashes is a part of a model's name, be it a number: 650 is the model with 650 units.

import Numerics
import Optimization
import Recurrent

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

switch BenchmarkArguments(CommandLine.arguments.dropFirst()) {
case .help: print(BenchmarkArguments.usage)
case .peak: print(peakOperationsPerSecond())
case .mistaken(let problem):
    let text = "StepBenchmark: \(problem)\n\(BenchmarkArguments.usage)\n"
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(64)
case .models(let models, let seconds):
    if !printsJSON { print("instruction set \(InstructionSet.current.rawValue), one thread; 8 shards in one span") }
    for model in models { StepBenchmark(model.with(precision)).run(seconds: seconds) }
}
