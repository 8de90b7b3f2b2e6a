// System calls that the C library's Swift module leaves out.

#ifndef RONDO_CPLATFORM_H
#define RONDO_CPLATFORM_H

/// memfd_create(2) with close-on-exec, then ftruncate to `bytes` and seals against shrinking and further seals.
/// Returns the descriptor, or -1 with errno; ENOSYS on systems other than Linux.
int rondo_sealed_memory(const char *name, long long bytes);

/// 1 if the descriptor is of memory that no one can shrink any more, else 0.
int rondo_is_sealed(int descriptor);

/// Gives freed memory back to the operating system, where the C library can.
void rondo_trim_memory(void);

/// Raises the limit of open files to what the system allows, but at most `wanted`. Returns the limit.
long long rondo_raise_open_files(long long wanted);

#endif
