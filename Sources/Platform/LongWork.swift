// Work that takes long, without its thread falling silent.

import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Calls that may take long, such as syncing a file on a slow disk, for threads that have to answer meanwhile.
///
///     LongWork.meanwhile { answerQuestions() }        // once, on the thread that must not fall silent
///     try LongWork.run { try sync(descriptor) }       // on another thread; this one answers until it is done
///     LongWork.breathe()                              // now and then, in a long computation
///
/// On a thread that has nothing to do meanwhile, and in a simulation, a call is made as it stands.
package enum LongWork {
    /// How often a waiting thread looks after its other duties.
    private static let intervalMilliseconds = 20

    private final class Duty {
        let body: () -> Void
        var isBusy = false
        var nextBreath = 0.0

        init(_ body: @escaping () -> Void) { self.body = body }

        /// Never within itself: what it does may be long work, too.
        func look() {
            guard !isBusy else { return }
            isBusy = true
            body()
            isBusy = false
        }
    }

    private final class Call<Value, Failure: Error> {
        var work: (() throws(Failure) -> Value)?

        init(_ work: @escaping () throws(Failure) -> Value) { self.work = work }

        func run() throws(Failure) -> Value {
            guard let work else { preconditionFailure("a call is made once") }
            return try work()
        }
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { pointer in
            #if canImport(Darwin)
            Unmanaged<Duty>.fromOpaque(pointer).release()
            #else
            if let pointer { Unmanaged<Duty>.fromOpaque(pointer).release() }
            #endif
        }
        return key
    }()
    private static let queue = DispatchQueue(label: "rondo.long-work")

    private static var duty: Duty? {
        pthread_getspecific(key).map { Unmanaged<Duty>.fromOpaque($0).takeUnretainedValue() }
    }

    /// What the calling thread does from now on while it waits; `nil` for nothing.
    package static func meanwhile(_ body: (() -> Void)?) {
        if StandIn.current != nil { return }
        if let old = pthread_getspecific(key) { Unmanaged<Duty>.fromOpaque(old).release() }
        pthread_setspecific(key, body.map { Unmanaged.passRetained(Duty($0)).toOpaque() })
    }

    /// Makes a call on another thread and returns its result; `errno` is handed over as well.
    package static func run<Value, Failure: Error>(_ work: () throws(Failure) -> Value) throws(Failure) -> Value {
        guard StandIn.current == nil, let duty, !duty.isBusy else { return try work() }
        // The caller waits for the end of the call in any case: nothing outlives it, and nobody else looks at it.
        nonisolated(unsafe) var result: Result<Value, Failure>?
        nonisolated(unsafe) var code: Int32 = 0
        withoutActuallyEscaping(work) { work in
            nonisolated(unsafe) let call = Call(work)
            let done = DispatchSemaphore(value: 0)
            queue.async {
                do throws(Failure) { result = .success(try call.run()) } catch { result = .failure(error) }
                code = errno
                // Nothing may hold the caller's closure when it goes on.
                call.work = nil
                done.signal()
            }
            while done.wait(timeout: .now() + .milliseconds(intervalMilliseconds)) == .timedOut { duty.look() }
        }
        errno = code
        guard let result else { preconditionFailure("a call ended without a result") }
        return try result.get()
    }

    /// Looks after the thread's other duties, if it is time to. Costs a look at the clock.
    package static func breathe() {
        guard StandIn.current == nil, let duty, !duty.isBusy else { return }
        let now = MonotonicClock.seconds
        guard now >= duty.nextBreath else { return }
        duty.nextBreath = now + Double(intervalMilliseconds) / 1000
        duty.look()
    }
}

/// Work on a thread of its own that its asker may give up: it is looked at, and never waited for.
package final class BackgroundWork<Value>: Sendable {
    private let done = DispatchSemaphore(value: 0)
    nonisolated(unsafe) private let box = Box()

    private final class Box {
        var value: Value?
    }

    /// Starts it. What `work` uses must not be touched by others before the result is there.
    package init(_ work: @escaping () -> Value) {
        nonisolated(unsafe) let work = work
        BackgroundThread.start { [self] in
            box.value = work()
            done.signal()
        }
    }

    /// The result, if it comes within the time; `nil` before. To be asked for until it is there, and not again.
    package func value(withinMilliseconds milliseconds: Int) -> Value? {
        guard done.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return nil }
        return box.value
    }
}
