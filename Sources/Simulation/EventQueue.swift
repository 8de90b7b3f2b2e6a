// What will happen in a simulated world, in order of time.

/// Something that happens at a moment.
enum EventAction {
    /// A thread that has waited since its wait of this number goes on.
    case wake(SimulatedThread, wait: Int)
    /// The first parcel of a lane arrives.
    case arrive(Lane)
    case perform(() -> Void)
}

/// A heap of events; those of one moment come out in the order in which they were put in.
struct EventQueue {
    private struct Event {
        var time: UInt64
        var number: Int
        var action: EventAction

        func isBefore(_ other: Event) -> Bool {
            time != other.time ? time < other.time : number < other.number
        }
    }

    private var heap: [Event] = []
    private var count = 0

    mutating func put(_ action: EventAction, at time: UInt64) {
        count += 1
        heap.append(Event(time: time, number: count, action: action))
        var place = heap.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard heap[place].isBefore(heap[parent]) else { break }
            heap.swapAt(place, parent)
            place = parent
        }
    }

    mutating func take() -> (time: UInt64, action: EventAction)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var place = 0
            while true {
                var child = 2 * place + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
                guard heap[child].isBefore(heap[place]) else { break }
                heap.swapAt(place, child)
                place = child
            }
        }
        return (first.time, first.action)
    }
}
