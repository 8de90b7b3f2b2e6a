// Fibers: threads of a simulation that hand control over by themselves, so that exactly one runs at a time.

#ifndef RONDO_CSIMULATION_H
#define RONDO_CSIMULATION_H

#include <stddef.h>

typedef struct rondo_fiber rondo_fiber;

/// A fiber that will run `body(argument)` on a stack of its own. Null where there are no fibers, or no memory.
/// Make, resume and free it on one thread.
rondo_fiber *rondo_fiber_make(void (*body)(void *), void *argument);

/// Runs the fiber until it suspends itself or ends. Returns 1 once it has ended, else 0.
int rondo_fiber_resume(rondo_fiber *fiber);

/// Called on the fiber: goes back to whoever resumed it.
void rondo_fiber_suspend(rondo_fiber *fiber);

/// Frees a fiber that has ended, or never ran.
void rondo_fiber_free(rondo_fiber *fiber);

/// Notes the seed that this thread simulates from now on.
void rondo_note_seed(unsigned long long seed);

/// From now on a crash of the process names the seed of the thread that crashed, on standard error, and standard output
/// is written line by line.
void rondo_name_seeds_of_crashes(void);

#endif
