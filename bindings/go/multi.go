package consistentmemcached

/*
#include <stdlib.h>
#include <consistent_memcached.h>

// Sets packed items, each with a ttl of its own; cm_set_multi_packed has one
// ttl for all.
static cm_status set_multi(cm_client *client, const char *keys, const size_t *key_lens,
                           const char *values, const size_t *value_lens, const uint32_t *flags,
                           const int64_t *ttls, size_t count, cm_results **results_out,
                           cm_error **error_out) {
	cm_op *ops = calloc(count + 1, sizeof *ops);
	if (ops == NULL)
		return CM_ERR_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		ops[i].kind = CM_OP_SET;
		ops[i].key = keys;
		ops[i].key_len = key_lens[i];
		ops[i].value = values;
		ops[i].value_len = value_lens[i];
		ops[i].flags = flags[i];
		ops[i].ttl_seconds = ttls[i];
		keys += key_lens[i];
		values += value_lens[i];
	}
	cm_status status = cm_set_multi(client, ops, sizeof *ops, count, results_out, error_out);
	free(ops);
	return status;
}
*/
import "C"

import "unsafe"

// GetMulti returns the items that are there, by key. When some keys could not
// be asked for, it returns the others and a [MultiError]; only a key without
// an error there is a miss.
func (c *Client) GetMulti(keys []string) (map[string]*Item, error) {
	packed, lengths := packKeys(keys)
	results, err := c.packedCall(func(native *C.cm_client, block *unsafe.Pointer, failure **C.cm_error) C.cm_status {
		return C.cm_get_multi_packed(native, C.CM_WANT_CAS, unsafe.Pointer(unsafe.SliceData(packed)),
			C.size_t(len(packed)), unsafe.SliceData(lengths), C.size_t(len(keys)), block, failure)
	})
	items := make(map[string]*Item, len(results))
	for i := range results {
		switch results[i].status {
		case 0:
			items[keys[i]] = results[i].item(keys[i])
		case ErrCacheMiss:
			results[i].status = 0 // told by its absence
		}
	}
	return items, multiError(results, err)
}

// SetMulti stores the items, whether or not there are any. When some could not
// be stored the error is a [MultiError].
func (c *Client) SetMulti(items []*Item) error {
	var keys, values []byte
	count := len(items)
	keyLengths, valueLengths := make([]C.size_t, count), make([]C.size_t, count)
	flags, ttls := make([]C.uint32_t, count), make([]C.int64_t, count)
	for i, item := range items {
		keys, values = append(keys, item.Key...), append(values, item.Value...)
		keyLengths[i], valueLengths[i] = C.size_t(len(item.Key)), C.size_t(len(item.Value))
		flags[i], ttls[i] = C.uint32_t(item.Flags), C.int64_t(item.Expiration)
	}
	results, err := c.listCall(func(native *C.cm_client, list **C.cm_results, failure **C.cm_error) C.cm_status {
		return C.set_multi(native, bytesData(keys), unsafe.SliceData(keyLengths),
			bytesData(values), unsafe.SliceData(valueLengths), unsafe.SliceData(flags),
			unsafe.SliceData(ttls), C.size_t(count), list, failure)
	})
	return multiError(results, err)
}

// DeleteMulti deletes the items. When some were not there, or could not be
// deleted, the error is a [MultiError].
func (c *Client) DeleteMulti(keys []string) error {
	packed, lengths := packKeys(keys)
	results, err := c.packedCall(func(native *C.cm_client, block *unsafe.Pointer, failure **C.cm_error) C.cm_status {
		return C.cm_delete_multi_packed(native, unsafe.Pointer(unsafe.SliceData(packed)),
			C.size_t(len(packed)), unsafe.SliceData(lengths), C.size_t(len(keys)), block, failure)
	})
	return multiError(results, err)
}

// packKeys lays the keys end to end, so that no Go pointer is in what C gets.
func packKeys(keys []string) (packed []byte, lengths []C.uint32_t) {
	lengths = make([]C.uint32_t, len(keys))
	for i, key := range keys {
		packed = append(packed, key...)
		lengths[i] = C.uint32_t(len(key))
	}
	return packed, lengths
}

// record is a result in a block of the packed form, whose head is as the
// header of the library describes it.
type record struct {
	status C.cm_status
	flags  C.uint32_t
	offset C.uint64_t
	length C.uint64_t
	cas    C.uint64_t
	number C.uint64_t
	ttl    C.int64_t
	state  C.uint32_t
	server C.uint32_t
	_      C.uint64_t
}

type blockHead struct {
	version C.uint32_t
	count   C.uint32_t
	size    C.uint64_t
}

// packedCall makes a call whose results come as one block. They are nil when
// the call as a whole went wrong.
func (c *Client) packedCall(
	f func(native *C.cm_client, block *unsafe.Pointer, failure **C.cm_error) C.cm_status) ([]result, error) {
	var results []result
	err := c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		var block unsafe.Pointer
		status := f(native, &block, failure)
		if block != nil {
			results = unpack(block)
			C.cm_block_free(block)
		}
		return status
	})
	return results, err
}

func unpack(block unsafe.Pointer) []result {
	head := (*blockHead)(block)
	records := unsafe.Slice((*record)(unsafe.Add(block, unsafe.Sizeof(*head))), head.count)
	results := make([]result, len(records))
	for i, r := range records {
		results[i] = result{
			status: Status(r.status),
			flags:  uint32(r.flags),
			cas:    uint64(r.cas),
			value:  cloneBytes(unsafe.Add(block, r.offset), uint64(r.length)),
		}
	}
	return results
}

// listCall makes a call whose results come as a cm_results. They are nil when
// the call as a whole went wrong.
func (c *Client) listCall(
	f func(native *C.cm_client, list **C.cm_results, failure **C.cm_error) C.cm_status) ([]result, error) {
	var results []result
	err := c.call(func(native *C.cm_client, failure **C.cm_error) C.cm_status {
		var list *C.cm_results
		status := f(native, &list, failure)
		if list != nil {
			results = make([]result, C.cm_results_count(list))
			for i := range results {
				results[i] = newResult(C.cm_results_at(list, C.size_t(i)))
			}
			C.cm_results_free(list)
		}
		return status
	})
	return results, err
}
