// Bridges <zmq.h> into Swift. Error numbers that <zmq.h> writes as sums are given here as constants, so that Swift
// sees them whatever the platform's own <errno.h> defines.
#ifndef RONDO_CZEROMQ_H
#define RONDO_CZEROMQ_H

#include <zmq.h>

static const int czeromq_error_terminated = ETERM;
static const int czeromq_error_incompatible_transport = ENOCOMPATPROTO;
static const int czeromq_error_no_io_thread = EMTHREAD;
static const int czeromq_error_wrong_state = EFSM;

#endif
