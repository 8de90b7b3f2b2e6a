// Which seed was simulated when the process crashed.

#define _GNU_SOURCE
#include "CSimulation.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static _Thread_local unsigned long long noted_seed;

void rondo_note_seed(unsigned long long seed) { noted_seed = seed; }

/// Only what a signal handler may do: the number is turned into text by hand.
static void name_seed(int number) {
    char text[] = "crashed while simulating seed                     \n";
    unsigned long long seed = noted_seed;
    for (int place = sizeof(text) - 3; seed > 0 || place == (int)sizeof(text) - 3; seed /= 10)
        text[place--] = (char)('0' + seed % 10);
    const ssize_t written = write(2, text, sizeof(text) - 1);
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

void rondo_name_seeds_of_crashes(void) {
    // What was found before shall be seen too.
    setvbuf(stdout, 0, _IOLBF, 0);
    const int numbers[] = {SIGABRT, SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
    for (unsigned index = 0; index < sizeof(numbers) / sizeof(numbers[0]); index++) signal(numbers[index], name_seed);
}
