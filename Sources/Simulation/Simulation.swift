// Deterministic simulation of a whole cluster: the real server, partition servers and workers with real arithmetic on
// a tiny model, over a simulated network, clock and disk. One seed decides everything.
//
//     let report = try Simulation.run(seed: 17)
//
//   World            one clock, one queue of events; runs one thread of one process at a time
//     Node           a process: implements the seams of Platform, Messaging and Checkpoints for the real shells
//       NodeSocket   its sockets, with ZeroMQ's promises
//       NodeDisk     its disk, which can be full, slow, or lose what was not synced
//     Network        connections, delays, partitions
//     SimulatedCluster   starts processes anew as a supervisor does, and lets faults happen
//     Checker        what must hold at every moment, and at the end
//
// The threads of all processes are fibers of one thread of the real process, which hand control over where the real
// ones would wait. Nothing really sleeps: simulated time jumps to the next event.
