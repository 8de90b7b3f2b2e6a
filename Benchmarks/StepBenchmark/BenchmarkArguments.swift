// What the command line asks for; every word of it must be understood.

import Numerics

/// What is to be measured.
enum BenchmarkArguments {
    case help
    case peak
    /// These models, each for the given number of seconds.
    case models([BenchmarkModel], seconds: Double)
    /// An unknown word.
    case mistaken(String)

    static let usage =
        "usage: StepBenchmark [--cpu-time] [--json] [--peak] [--precision single|bfloat16] [--seconds S] "
        + "[PART-OF-A-NAME]"

    init(_ arguments: some Collection<String>) {
        var (words, seconds, isPeak) = (Array(arguments), 5.0, false)
        var part = ""
        while !words.isEmpty {
            let word = words.removeFirst()
            switch word {
            case "--help", "-h":
                self = .help
                return
            case "--cpu-time", "--json": break
            case "--peak": isPeak = true
            case "--precision":
                guard let name = words.first, Precision(rawValue: name) != nil else {
                    self = .mistaken("--precision \(words.first ?? ""): expected single or bfloat16")
                    return
                }
                words.removeFirst()
            case "--seconds":
                guard let number = words.first.flatMap(Double.init), number.isFinite, number > 0, number <= 3600 else {
                    self = .mistaken("--seconds \(words.first ?? ""): expected a number above 0 and up to 3600")
                    return
                }
                seconds = number
                words.removeFirst()
            case _ where word.hasPrefix("-") || !part.isEmpty:
                self = .mistaken("unknown argument \(word)")
                return
            default: part = word
            }
        }
        let models = BenchmarkModel.all.filter { $0.name.contains(part) }
        if isPeak {
            self = .peak
        } else if models.isEmpty {
            self = .mistaken(
                "no model's name holds '\(part)'; there are: "
                    + BenchmarkModel.all.map(\.name).joined(separator: "; "))
        } else {
            self = .models(models, seconds: seconds)
        }
    }
}
