package consistentmemcached

// #include <consistent_memcached.h>
import "C"

import (
	"errors"
	"fmt"
)

// Status is what an operation came to. Each is an error value, to be found
// with errors.Is in what a method returned.
type Status int32

// The server's "no". Methods return these as they are.
const (
	ErrCacheMiss   Status = C.CM_NOT_FOUND  // the item is not there
	ErrNotStored   Status = C.CM_NOT_STORED // the condition of an Add, Replace, Append or Prepend was not met
	ErrCASConflict Status = C.CM_EXISTS     // the item was changed between Get and CompareAndSwap
)

// Failures. Methods return these inside an [*Error].
const (
	ErrArgument      Status = C.CM_ERR_ARGUMENT
	ErrMalformedKey  Status = C.CM_ERR_KEY             // too long, empty, or with a space or control character
	ErrValueTooLarge Status = C.CM_ERR_VALUE_TOO_LARGE // the server deletes the old value as well
	ErrTimeout       Status = C.CM_ERR_TIMEOUT         // a write may have happened all the same
	ErrNoServers     Status = C.CM_ERR_SERVER_DOWN     // the server failed lately and is not tried at the moment
	ErrConnection    Status = C.CM_ERR_CONNECTION      // a write may have happened all the same
	ErrProtocol      Status = C.CM_ERR_PROTOCOL        // the reply was not an answer to the request
	ErrServerError   Status = C.CM_ERR_SERVER          // the server answered SERVER_ERROR
	ErrRejected      Status = C.CM_ERR_REJECTED        // the server answered CLIENT_ERROR
	ErrUnsupported   Status = C.CM_ERR_UNSUPPORTED     // the server does not know the command
	ErrAuth          Status = C.CM_ERR_AUTH
	ErrTLS           Status = C.CM_ERR_TLS
	ErrOption        Status = C.CM_ERR_OPTION // unknown option, or a value out of its range
	ErrResolve       Status = C.CM_ERR_RESOLVE
	ErrPanic         Status = C.CM_ERR_PANIC // a bug in the library
	ErrClosed        Status = C.CM_ERR_CLOSED
	ErrCancelled     Status = C.CM_ERR_CANCELLED
	ErrNoMemory      Status = C.CM_ERR_NO_MEMORY
	ErrBusy          Status = C.CM_ERR_BUSY
)

var statusTexts = map[Status]string{
	ErrCacheMiss:     "cache miss",
	ErrNotStored:     "item not stored",
	ErrCASConflict:   "compare-and-swap conflict",
	ErrArgument:      "invalid argument",
	ErrMalformedKey:  "malformed key",
	ErrValueTooLarge: "value too large",
	ErrTimeout:       "timeout",
	ErrNoServers:     "server down",
	ErrConnection:    "connection failed",
	ErrProtocol:      "protocol error",
	ErrServerError:   "server error",
	ErrRejected:      "request rejected",
	ErrUnsupported:   "not supported by the server",
	ErrAuth:          "authentication failed",
	ErrTLS:           "TLS failed",
	ErrOption:        "invalid option",
	ErrResolve:       "name not resolved",
	ErrPanic:         "panic in the library",
	ErrClosed:        "client is closed",
	ErrCancelled:     "cancelled",
	ErrNoMemory:      "out of memory",
	ErrBusy:          "busy",
}

func (s Status) text() string {
	if text, ok := statusTexts[s]; ok {
		return text
	}
	return fmt.Sprintf("status %d", int32(s))
}

// Error describes the status.
func (s Status) Error() string {
	return "consistentmemcached: " + s.text()
}

// Error is a failure: nothing is known about the item. errors.Is finds its
// Status.
type Error struct {
	Status  Status
	Message string // one line, or ""
	Server  string // the server's name or address, or ""
}

// Error describes the failure.
func (e *Error) Error() string {
	text := e.Message
	if text == "" {
		text = e.Status.text()
	}
	if e.Server != "" {
		text = e.Server + ": " + text
	}
	return "consistentmemcached: " + text
}

// Unwrap returns the Status.
func (e *Error) Unwrap() error { return e.Status }

// Timeout reports whether the time was too short, as net.Error does.
func (e *Error) Timeout() bool { return e.Status == ErrTimeout }

// MultiError tells what became of each operation of a batch, in the order
// given: nil where it succeeded. The first failure has a message and names its
// server, later ones only have a Status. errors.Is looks at all of them.
type MultiError []error

// Error counts the errors and describes the first.
func (m MultiError) Error() string {
	failed := m.Unwrap()
	if len(failed) == 0 {
		return "consistentmemcached: no error"
	}
	return fmt.Sprintf("%v (%d of %d operations failed)", failed[0], len(failed), len(m))
}

// Unwrap returns the errors without the nils.
func (m MultiError) Unwrap() []error {
	var failed []error
	for _, err := range m {
		if err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// multiError gives the results' errors in order, or nil. first is the failure
// of the first one that failed, as the library described it.
func multiError(results []result, first error) error {
	var all MultiError
	for i := range results {
		status := results[i].status
		if status == 0 {
			continue
		}
		if all == nil {
			all = make(MultiError, len(results))
		}
		switch {
		case status > 0:
			all[i] = status
		case errors.Is(first, status):
			all[i], first = first, nil
		default:
			all[i] = &Error{Status: status}
		}
	}
	if all == nil {
		return first
	}
	return all
}
