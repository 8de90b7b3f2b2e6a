// What a child gets by inherited descriptors, and the arguments that name them.

import Platform

/// Arguments of a child that are not written on its command line, where everybody could read them, but handed over by
/// descriptor: the child reads `/dev/fd/3` as it would read any file.
final class HandOver {
    /// The arguments, in order.
    private(set) var arguments: [String] = []
    /// What the child inherits, in order.
    private(set) var descriptors: [Int32] = []
    private var files: [NamelessFile] = []

    private var nextDescriptor: Int { Int(ChildProcess.inheritedDescriptorFirst) + descriptors.count }

    /// An argument that is the path of a file of this text.
    func argument(_ text: String) throws(ProgramFailure) {
        arguments.append("/dev/fd/\(nextDescriptor)")
        do {
            let file = try NamelessFile(Array((text + "\n").utf8))
            files.append(file)
            descriptors.append(file.descriptor)
        } catch {
            throw ProgramFailure(.internalError, "\(error)")
        }
    }

    /// An option with the path of a file of this text.
    func option(_ name: String, _ text: String) throws(ProgramFailure) {
        arguments.append(name)
        try argument(text)
    }

    /// An option with the number of an open descriptor, which the caller keeps open until the child is started.
    func option(_ name: String, descriptor: Int32) {
        arguments += [name, "\(nextDescriptor)"]
        descriptors.append(descriptor)
    }
}
