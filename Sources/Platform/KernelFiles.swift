// Files that no disk holds: the kernel makes up what they say.

import CPlatform

/// The file systems in which the kernel shows itself: `/proc`, `/sys` and their like.
///
/// Their files claim to be regular, but have no size or a wrong one, say something else each time, and some wait for
/// ever (`/proc/kmsg`) or change the machine when they are read.
enum KernelFiles {
    /// Whether an open file is one of them.
    static func hold(_ descriptor: Int32) -> Bool {
        magicNumbers.contains(rondo_file_system_kind(descriptor))
    }

    /// What `statfs` calls them: see `linux/magic.h`.
    private static let magicNumbers: Set<UInt32> = [
        0x0000_9FA0,  // proc
        0x6265_6572,  // sysfs
        0x6462_6720,  // debugfs
        0x7472_6163,  // tracefs
        0x7363_6673,  // securityfs
        0x0027_E0EB,  // cgroup
        0x6367_7270,  // cgroup2
        0x6265_6570,  // configfs
        0xF97C_FF8C,  // selinux
        0xDE5E_81E4,  // efivarfs
        0xCAFE_4A11,  // bpf
        0x6165_676C,  // pstore
        0x6E73_6673,  // nsfs
    ]
}
