// Fibers on the C library's contexts. Stacks are kept for the next fiber of the same thread.

#define _GNU_SOURCE
#define _XOPEN_SOURCE 700
#include "CSimulation.h"

#include <stdlib.h>
#include <sys/mman.h>

#if defined(__GLIBC__) || defined(__APPLE__)
#include <ucontext.h>

enum { stack_bytes = 1 << 20, guard_bytes = 1 << 16 };

struct rondo_fiber {
    ucontext_t own;
    ucontext_t resumer;
    void (*body)(void *);
    void *argument;
    void *stack;
    int ended;
};

/// Free stacks of this thread; each begins with the address of the next.
static _Thread_local void *free_stacks;

static void *take_stack(void) {
    if (free_stacks) {
        void *stack = free_stacks;
        free_stacks = *(void **)((char *)stack + guard_bytes);
        return stack;
    }
    void *stack = mmap(0, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (stack == MAP_FAILED) return 0;
    // A stack that runs over shall stop the process, not change another one's.
    mprotect(stack, guard_bytes, PROT_NONE);
    return stack;
}

static void begin(unsigned high, unsigned low) {
    rondo_fiber *fiber = (rondo_fiber *)(((unsigned long long)high << 32) | low);
    fiber->body(fiber->argument);
    fiber->ended = 1;
    setcontext(&fiber->resumer);
}

rondo_fiber *rondo_fiber_make(void (*body)(void *), void *argument) {
    rondo_fiber *fiber = calloc(1, sizeof(rondo_fiber));
    if (!fiber) return 0;
    fiber->body = body;
    fiber->argument = argument;
    fiber->stack = take_stack();
    if (!fiber->stack || getcontext(&fiber->own)) {
        free(fiber);
        return 0;
    }
    fiber->own.uc_stack.ss_sp = (char *)fiber->stack + guard_bytes;
    fiber->own.uc_stack.ss_size = stack_bytes - guard_bytes;
    fiber->own.uc_link = 0;
    const unsigned long long address = (unsigned long long)fiber;
    makecontext(&fiber->own, (void (*)(void))begin, 2, (unsigned)(address >> 32), (unsigned)address);
    return fiber;
}

int rondo_fiber_resume(rondo_fiber *fiber) {
    if (!fiber->ended) swapcontext(&fiber->resumer, &fiber->own);
    return fiber->ended;
}

void rondo_fiber_suspend(rondo_fiber *fiber) { swapcontext(&fiber->own, &fiber->resumer); }

void rondo_fiber_free(rondo_fiber *fiber) {
    *(void **)((char *)fiber->stack + guard_bytes) = free_stacks;
    free_stacks = fiber->stack;
    free(fiber);
}

#else

rondo_fiber *rondo_fiber_make(void (*body)(void *), void *argument) {
    (void)body, (void)argument;
    return 0;
}
int rondo_fiber_resume(rondo_fiber *fiber) { return fiber != 0; }
void rondo_fiber_suspend(rondo_fiber *fiber) { (void)fiber; }
void rondo_fiber_free(rondo_fiber *fiber) { (void)fiber; }

#endif
