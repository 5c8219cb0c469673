package consistentmemcached

// #cgo pkg-config: consistent_memcached
// #include <stdlib.h>
// #include <consistent_memcached.h>
import "C"

import (
	"fmt"
	"strings"
	"sync"
	"unsafe"
)

// Version is the version of this package and of the library it works with.
const Version = "0.1.0"

// Options are the library's options by name, for instance "timeout_ms": 500
// or "failover": "next". A value is passed on as fmt.Sprint writes it.
type Options map[string]any

// Client is a memcached client. Any number of goroutines may use it at once.
// A call occupies an operating-system thread while it waits.
type Client struct {
	native  *C.cm_client // nil once freed
	inUse   sync.RWMutex // held for reading during every call into the library
	closing sync.Once
}

// New returns a client of the servers, each written
// "ADDRESS [weight=N] [name=ID]", where ADDRESS is "host", "host:port",
// "[ipv6]:port" or "unix:/path". Connections are made when they are needed.
func New(servers []string, options Options) (*Client, error) {
	if found := C.GoString(C.cm_version()); found != Version {
		return nil, fmt.Errorf("consistentmemcached: this package needs version %s of the library, found %s",
			Version, found)
	}
	list, err := cString(strings.Join(servers, ","))
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(list))
	nativeOptions, err := newOptions(options)
	if err != nil {
		return nil, err
	}
	defer C.cm_options_free(nativeOptions)
	client := &Client{}
	var failure *C.cm_error
	status := C.cm_client_new(list, nativeOptions, &client.native, &failure)
	if err := newError(status, failure); err != nil {
		return nil, err
	}
	return client, nil
}

func newOptions(options Options) (*C.cm_options, error) {
	native := C.cm_options_new()
	for name, value := range options {
		if err := setOption(native, name, fmt.Sprint(value)); err != nil {
			C.cm_options_free(native)
			return nil, err
		}
	}
	return native, nil
}

func setOption(options *C.cm_options, name, value string) error {
	cName, err := cString(name)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(cName))
	cValue, err := cString(value)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(cValue))
	var failure *C.cm_error
	return newError(C.cm_options_set(options, cName, cValue, &failure), failure)
}

// SetServers replaces the list of servers, written as for [New], from the next
// call on. A server that stays, under the same name and address, keeps its
// connections. After an error the old list stays.
func (c *Client) SetServers(servers ...string) error {
	list, err := cString(strings.Join(servers, ","))
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(list))
	return c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_client_set_servers(native, list, failure)
	})
}

// SetFleet is [Client.SetServers] with another placement: what options such as
// "distribution" do not say has its default.
func (c *Client) SetFleet(servers []string, options Options) error {
	list, err := cString(strings.Join(servers, ","))
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(list))
	nativeOptions, err := newOptions(options)
	if err != nil {
		return err
	}
	defer C.cm_options_free(nativeOptions)
	return c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_client_set_fleet(native, list, nativeOptions, failure)
	})
}

// Close closes the connections. Calls under way return [ErrClosed], as does
// every later one. The error is always nil.
func (c *Client) Close() error {
	c.closing.Do(func() {
		if c.native == nil {
			return
		}
		C.cm_client_close(c.native) // wakes the calls that wait in the library
		c.inUse.Lock()
		defer c.inUse.Unlock()
		C.cm_client_free(c.native)
		c.native = nil
	})
	return nil
}

// SelectServer returns the server that owns the key, as its index in the list
// last given.
func (c *Client) SelectServer(key string) (int, error) {
	var index C.size_t
	err := c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_select_server(native, stringData(key), C.size_t(len(key)), &index, failure)
	})
	if err != nil {
		return 0, err
	}
	return int(index), nil
}

// call makes one call of the library and returns its failure, or its "no", as
// a Go error.
func (c *Client) call(f func(native *C.cm_client, failure **C.cm_error) C.cm_status) error {
	c.inUse.RLock()
	defer c.inUse.RUnlock()
	if c.native == nil {
		return ErrClosed
	}
	var failure *C.cm_error
	return newError(f(c.native, &failure), failure)
}

// newError turns what a function of the library came to into a Go error, and
// frees failure.
func newError(status C.cm_status, failure *C.cm_error) error {
	if status == C.CM_OK {
		return nil
	}
	if status > 0 {
		return Status(status)
	}
	defer C.cm_error_free(failure)
	return &Error{
		Status:  Status(status),
		Message: C.GoString(C.cm_error_message(failure)),
		Server:  C.GoString(C.cm_error_server(failure)),
	}
}

// cString copies s for C, to be freed by the caller. C would take a NUL for
// the end.
func cString(s string) (*C.char, error) {
	if strings.ContainsRune(s, 0) {
		return nil, &Error{Status: ErrArgument, Message: fmt.Sprintf("NUL in %q", s)}
	}
	return C.CString(s), nil
}

// stringData lends the bytes of s to C.
func stringData(s string) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s)))
}

// bytesData lends b to C.
func bytesData(b []byte) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b)))
}
