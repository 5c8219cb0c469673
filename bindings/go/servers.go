package consistentmemcached

// #include <consistent_memcached.h>
import "C"

import "strings"

// Stats returns the statistics of each server, in the order of the list given
// to [New]. argument is that of memcached's command, such as "items", or "".
// When some servers did not answer, theirs are nil and the error is a
// [MultiError].
func (c *Client) Stats(argument string) ([]map[string]string, error) {
	results, err := c.listCall(func(native *C.cm_client, list **C.cm_results, failure **C.cm_error) C.cm_status {
		return C.cm_stats(native, stringData(argument), C.size_t(len(argument)), list, failure)
	})
	stats := make([]map[string]string, len(results))
	for i := range results {
		if results[i].status == 0 {
			stats[i] = parseStats(string(results[i].value))
		}
	}
	return stats, multiError(results, err)
}

// parseStats reads lines of "NAME VALUE\n".
func parseStats(text string) map[string]string {
	stats := make(map[string]string)
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if name, value, found := strings.Cut(line, " "); found {
			stats[name] = value
		}
	}
	return stats
}

// FlushAll makes every server forget all items. When some servers did not
// answer the error is a [MultiError].
func (c *Client) FlushAll() error {
	results, err := c.listCall(func(native *C.cm_client, list **C.cm_results, failure **C.cm_error) C.cm_status {
		return C.cm_flush_all(native, 0, list, failure)
	})
	return multiError(results, err)
}

// Ping asks every server for an answer. When some gave none the error is a
// [MultiError].
func (c *Client) Ping() error {
	results, err := c.listCall(func(native *C.cm_client, list **C.cm_results, failure **C.cm_error) C.cm_status {
		return C.cm_server_versions(native, list, failure)
	})
	return multiError(results, err)
}
