// System calls that the C library's Swift module leaves out.

#ifndef RONDO_CPLATFORM_H
#define RONDO_CPLATFORM_H

/// memfd_create(2) with close-on-exec, then ftruncate to `bytes` and seals against shrinking and further seals.
/// Returns the descriptor, or -1 with errno; ENOSYS on systems other than Linux.
int rondo_sealed_memory(const char *name, long long bytes);

/// An empty file that has no name in any file system, readable and writable by its owner alone, with close-on-exec.
/// Returns the descriptor, or -1 with errno.
int rondo_nameless_file(const char *name);

/// 1 if the descriptor is of memory that no one can shrink any more, else 0.
int rondo_is_sealed(int descriptor);

/// What stands in for the operating system on this thread: set by a simulation, null everywhere else.
extern _Thread_local void *rondo_stand_in;

/// The stand-in of this thread, or null.
static inline void *rondo_get_stand_in(void) { return rondo_stand_in; }

/// Sets the stand-in of this thread.
static inline void rondo_set_stand_in(void *stand_in) { rondo_stand_in = stand_in; }

/// Gives freed memory back to the operating system, where the C library can.
void rondo_trim_memory(void);

/// Raises the limit of open files to what the system allows, but at most `wanted`. Returns the limit.
long long rondo_raise_open_files(long long wanted);

/// The most address space that the process may have (ulimit -v), in bytes; 0 without a limit.
long long rondo_address_space_limit(void);

/// The most data that the process may have (ulimit -d), in bytes; 0 without a limit.
long long rondo_data_limit(void);

/// The number by which Linux knows the kind of the file system that an open file is in (linux/magic.h); 0 if unknown.
unsigned rondo_file_system_kind(int descriptor);

#endif
