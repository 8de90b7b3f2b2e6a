// Memory that can be shared and not be shrunk, and files without names, by Linux's memfd_create; limits of the process;
// the place of a thread's stand-in.

#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif
#include <unistd.h>

_Thread_local void *rondo_stand_in = 0;
#ifdef __GLIBC__
#include <malloc.h>
#endif

int rondo_sealed_memory(const char *name, long long bytes) {
#ifdef __linux__
    const int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -1;
    if (ftruncate(descriptor, bytes) == 0 && fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
        return descriptor;
    const int code = errno;
    close(descriptor);
    errno = code;
    return -1;
#else
    (void)name, (void)bytes;
    errno = ENOSYS;
    return -1;
#endif
}

int rondo_nameless_file(const char *name) {
#ifdef __linux__
    const int descriptor = memfd_create(name, MFD_CLOEXEC);
#else
    (void)name;
    char path[] = "/tmp/rondo-XXXXXX";
    const int descriptor = mkstemp(path);
    if (descriptor >= 0) unlink(path), fcntl(descriptor, F_SETFD, FD_CLOEXEC);
#endif
    // Memory is made with all rights for everybody.
    if (descriptor >= 0) fchmod(descriptor, 0600);
    return descriptor;
}

int rondo_is_sealed(int descriptor) {
#ifdef __linux__
    const int seals = fcntl(descriptor, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK);
#else
    (void)descriptor;
    return 0;
#endif
}

void rondo_trim_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

long long rondo_raise_open_files(long long wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
    const rlim_t before = limit.rlim_cur;
    const rlim_t allowed = limit.rlim_max < (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted;
    if (allowed <= before) return (long long)before;
    limit.rlim_cur = allowed;
    return (long long)(setrlimit(RLIMIT_NOFILE, &limit) == 0 ? allowed : before);
}

static long long limit_of(int resource) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
    return limit.rlim_cur > (rlim_t)1 << 60 ? 0 : (long long)limit.rlim_cur;
}

long long rondo_address_space_limit(void) { return limit_of(RLIMIT_AS); }

long long rondo_data_limit(void) { return limit_of(RLIMIT_DATA); }

unsigned rondo_file_system_kind(int descriptor) {
#ifdef __linux__
    struct statfs system;
    return fstatfs(descriptor, &system) == 0 ? (unsigned)system.f_type : 0;
#else
    (void)descriptor;
    return 0;
#endif
}
