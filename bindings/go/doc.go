// Package consistentmemcached is a memcached client with the names and types
// of gomemcache. The C library libconsistent_memcached does the work: it
// decides which server owns a key, so that programs in any language that use
// it send a key to the same server, and it talks to that server.
//
//	client, err := consistentmemcached.New(
//		[]string{"10.0.0.1:11211", "10.0.0.2:11211 weight=2"},
//		consistentmemcached.Options{"timeout_ms": 500})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	err = client.Set(&consistentmemcached.Item{Key: "user:1", Value: []byte("Ada")})
//	item, err := client.Get("user:1")
//
// What differs from gomemcache:
//
//   - New takes options and can fail; it opens no connection.
//   - Expiration always counts seconds from now, also beyond 30 days; a Unix
//     time is refused with [ErrArgument].
//   - A timeout is for a whole call, however many servers take part.
//   - A closed client stays closed: every call returns [ErrClosed].
//   - Failures are of type [*Error]; compare with errors.Is, not with ==.
//
// The library is found with pkg-config, under the name consistent_memcached.
package consistentmemcached
