// Memory that can be shared and not be shrunk, by Linux's memfd_create; the place of a thread's stand-in.

#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

_Thread_local void *rondo_stand_in = 0;

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

int rondo_is_sealed(int descriptor) {
#ifdef __linux__
    const int seals = fcntl(descriptor, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK);
#else
    (void)descriptor;
    return 0;
#endif
}
