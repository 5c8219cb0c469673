package consistentmemcached

/*
#include <consistent_memcached.h>

// One function for all that store. The value is a char pointer because cgo
// would search everything around what a void pointer points to for pointers.
static cm_status store(cm_client *client, uint32_t kind, const char *key, size_t key_len,
                       const char *value, size_t value_len, uint32_t flags, int64_t ttl_seconds,
                       uint64_t cas, cm_error **error_out) {
	switch (kind) {
	case CM_OP_ADD:
		return cm_add(client, key, key_len, value, value_len, flags, ttl_seconds, error_out);
	case CM_OP_REPLACE:
		return cm_replace(client, key, key_len, value, value_len, flags, ttl_seconds, error_out);
	case CM_OP_APPEND:
		return cm_append(client, key, key_len, value, value_len, error_out);
	case CM_OP_PREPEND:
		return cm_prepend(client, key, key_len, value, value_len, error_out);
	case CM_OP_CAS:
		return cm_cas(client, key, key_len, value, value_len, flags, ttl_seconds, cas, error_out);
	default:
		return cm_set(client, key, key_len, value, value_len, flags, ttl_seconds, error_out);
	}
}
*/
import "C"

import "unsafe"

// Item is an item to be got or stored.
type Item struct {
	// Key is at most 250 bytes long, without spaces and control characters.
	Key string

	// Value is what is stored.
	Value []byte

	// Flags are stored with the value; the server does not look at them.
	Flags uint32

	// Expiration is the time to live in seconds from now. 0 never expires, a
	// negative one expires at once. Reads leave it 0.
	Expiration int32

	// CasID tells this version of the item from others. Reads fill it in,
	// CompareAndSwap needs it; 0 is none.
	CasID uint64
}

// Get returns the item, or [ErrCacheMiss] if it is not there.
func (c *Client) Get(key string) (*Item, error) {
	return c.retrieve(key, func(native *C.cm_client, result **C.cm_result, failure **C.cm_error) C.cm_status {
		return C.cm_gets(native, stringData(key), C.size_t(len(key)), result, failure)
	})
}

// GetAndTouch returns the item and gives it a new time to live in seconds. If
// it is not there the error is [ErrCacheMiss].
func (c *Client) GetAndTouch(key string, expiration int32) (*Item, error) {
	return c.retrieve(key, func(native *C.cm_client, result **C.cm_result, failure **C.cm_error) C.cm_status {
		return C.cm_get_and_touch(native, stringData(key), C.size_t(len(key)), C.int64_t(expiration), result, failure)
	})
}

func (c *Client) retrieve(key string,
	f func(native *C.cm_client, result **C.cm_result, failure **C.cm_error) C.cm_status) (*Item, error) {
	var item *Item
	err := c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		var found *C.cm_result
		status := f(native, &found, failure)
		if found != nil {
			result := newResult(found)
			C.cm_result_free(found)
			item = result.item(key)
		}
		return status
	})
	return item, err
}

// Set stores the item, whether or not there is one.
func (c *Client) Set(item *Item) error { return c.store(C.CM_OP_SET, item) }

// Add stores the item if there is none, else the error is [ErrNotStored].
func (c *Client) Add(item *Item) error { return c.store(C.CM_OP_ADD, item) }

// Replace stores the item if there is one, else the error is [ErrNotStored].
func (c *Client) Replace(item *Item) error { return c.store(C.CM_OP_REPLACE, item) }

// Append puts the Value behind the one that is there; Flags and Expiration are
// not used. If there is none the error is [ErrNotStored].
func (c *Client) Append(item *Item) error { return c.store(C.CM_OP_APPEND, item) }

// Prepend puts the Value before the one that is there; Flags and Expiration
// are not used. If there is none the error is [ErrNotStored].
func (c *Client) Prepend(item *Item) error { return c.store(C.CM_OP_PREPEND, item) }

// CompareAndSwap stores an item that Get returned if it was not changed since.
// If it was the error is [ErrCASConflict], if it is gone [ErrCacheMiss].
func (c *Client) CompareAndSwap(item *Item) error { return c.store(C.CM_OP_CAS, item) }

func (c *Client) store(kind C.uint32_t, item *Item) error {
	return c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.store(native, kind, stringData(item.Key), C.size_t(len(item.Key)),
			bytesData(item.Value), C.size_t(len(item.Value)), C.uint32_t(item.Flags),
			C.int64_t(item.Expiration), C.uint64_t(item.CasID), failure)
	})
}

// Delete deletes the item. If it is not there the error is [ErrCacheMiss].
func (c *Client) Delete(key string) error {
	return c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_delete(native, stringData(key), C.size_t(len(key)), failure)
	})
}

// Touch gives the item a new time to live in seconds. If it is not there the
// error is [ErrCacheMiss].
func (c *Client) Touch(key string, seconds int32) error {
	return c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_touch(native, stringData(key), C.size_t(len(key)), C.int64_t(seconds), failure)
	})
}

// Increment adds delta to the decimal number in the item and returns the sum,
// which wraps around at 64 bits. If the item is not there the error is
// [ErrCacheMiss].
func (c *Client) Increment(key string, delta uint64) (newValue uint64, err error) {
	err = c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_increment(native, stringData(key), C.size_t(len(key)),
			C.uint64_t(delta), (*C.uint64_t)(&newValue), failure)
	})
	return newValue, err
}

// Decrement subtracts delta from the decimal number in the item and returns
// the difference, which stops at 0. If the item is not there the error is
// [ErrCacheMiss].
func (c *Client) Decrement(key string, delta uint64) (newValue uint64, err error) {
	err = c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		return C.cm_decrement(native, stringData(key), C.size_t(len(key)),
			C.uint64_t(delta), (*C.uint64_t)(&newValue), failure)
	})
	return newValue, err
}

// result is what one operation came to, copied out of the library's memory.
type result struct {
	status Status
	flags  uint32
	cas    uint64
	value  []byte // not nil
}

func newResult(native *C.cm_result) result {
	return result{
		status: Status(native.status),
		flags:  uint32(native.flags),
		cas:    uint64(native.cas),
		value:  cloneBytes(native.value, uint64(native.value_len)),
	}
}

func (r *result) item(key string) *Item {
	return &Item{Key: key, Value: r.value, Flags: r.flags, CasID: r.cas}
}

// cloneBytes copies C memory; the copy is not nil, also when it is empty.
func cloneBytes(data unsafe.Pointer, size uint64) []byte {
	return append([]byte{}, unsafe.Slice((*byte)(data), size)...)
}
