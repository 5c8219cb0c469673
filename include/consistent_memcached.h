/*
 * consistent_memcached: a memcached client with consistent hashing.
 *
 * Generated from src/ffi by cbindgen; do not edit. docs/abi.md states the conventions: who owns
 * what, which object may be used from which thread, what never changes.
 */

#ifndef CONSISTENT_MEMCACHED_H
#define CONSISTENT_MEMCACHED_H

#include <stddef.h>
#include <stdint.h>

// In cm_explanation.position_kind: the number of a slot of a table, or of a bucket.
#define CM_POSITION_SLOT 1

// In cm_explanation.position_kind: a point of a continuum.
#define CM_POSITION_POINT 2

// In cm_explanation.position_kind: the score of the server for this key.
#define CM_POSITION_SCORE 3

// A state of a server: nothing speaks against it.
#define CM_SERVER_UP 1

// A state of a server: it has failed, fewer times in a row than `failure_threshold`.
#define CM_SERVER_SUSPECT 2

// A state of a server: calls fail at once, or go to another.
#define CM_SERVER_DOWN 3

// A state of a server: it was down, and one caller looks whether it is back.
#define CM_SERVER_PROBING 4

// Brings an item. CM_WANT_CAS also brings its cas id.
#define CM_OP_GET 1

// Stores `value` with `flags` and `ttl_seconds`.
#define CM_OP_SET 2

// Stores, unless there is an item.
#define CM_OP_ADD 3

// Stores, if there is an item.
#define CM_OP_REPLACE 4

// Puts `value` behind the item's. Flags and ttl stay as they are.
#define CM_OP_APPEND 5

// Puts `value` before the item's. Flags and ttl stay as they are.
#define CM_OP_PREPEND 6

// Stores, if the item's cas id still is `cas`.
#define CM_OP_CAS 7

// Deletes an item.
#define CM_OP_DELETE 8

// Sets the ttl of an item.
#define CM_OP_TOUCH 9

// Brings an item and sets its ttl.
#define CM_OP_GET_AND_TOUCH 10

// Adds `delta` to a number; wraps at 2^64.
#define CM_OP_INCREMENT 11

// Subtracts `delta` from a number; stops at 0.
#define CM_OP_DECREMENT 12

// Bit of cm_op.want: bring the cas id: of the item read, stored or counted. Of what is stored, memcached
// tells it since 1.6.21.
#define CM_WANT_CAS 1

// Bit of cm_op.want: route by `hash` in place of the key's hash.
#define CM_WANT_HASH 2

// Bit of cm_op.want: `ttl_seconds` is a Unix time.
#define CM_WANT_UNIX_TTL 4

// Bit of cm_op.want, to read and to count: bring the seconds the item has left.
#define CM_WANT_TTL 8

// Bit of cm_op.want, to read: bring the seconds since the item was last asked for.
#define CM_WANT_LAST_ACCESS 16

// Bit of cm_op.want, to read: say with CM_HIT_BEFORE whether the item had been asked for before.
#define CM_WANT_HIT_BEFORE 32

// Bit of cm_op.want, to read and to store: bring the length of the value. Of what is stored, memcached
// tells it since 1.6.20.
#define CM_WANT_SIZE 64

// Bit of cm_op.want, to read: do not bring the value.
#define CM_WANT_NO_VALUE 128

// Bit of cm_op.want, to read: do not count this as a use of the item.
#define CM_WANT_NO_BUMP 256

// Bit of cm_op.want, to store, delete and count: do not wait for the answer. CM_OK then says that the
// operation was sent; what became of it is told only where that is known anyway.
#define CM_WANT_QUIET 512

// Bit of cm_op.want: send the key as base64, whatever its bytes and whatever `binary_keys` says.
#define CM_WANT_BASE64_KEY 1024

// Bit of cm_op.want. CM_OP_DELETE: mark the item stale in place of deleting it; `ttl_seconds`, if not
// 0, is its new ttl. CM_OP_CAS: if the item's cas id is higher than `cas`, store nevertheless, but as
// stale; CM_EXISTS if it is lower.
#define CM_WANT_INVALIDATE 2048

// Bit of cm_op.want. CM_OP_INCREMENT, CM_OP_DECREMENT: where there is no item, make one of `initial`
// and `initial_ttl_seconds`. CM_OP_APPEND, CM_OP_PREPEND: where there is none, make one of `value`
// and `initial_ttl_seconds`; memcached does so since 1.6.20.
#define CM_WANT_CREATE 4096

// Bit of cm_op.want. CM_OP_DELETE with CM_WANT_INVALIDATE and a `ttl_seconds`: drop the value, so that
// only a tombstone is left. memcached does so since 1.6.27.
#define CM_WANT_DROP_VALUE 8192

// Bit of cm_result.state: this caller won the right to recompute the value.
#define CM_WON 1

// Bit of cm_result.state: the value is stale.
#define CM_STALE 2

// Bit of cm_result.state: another caller is recomputing the value.
#define CM_ALREADY_SENT 4

// Bit of cm_result.state: nothing of the operation can have reached the server.
#define CM_UNSENT 8

// Bit of cm_result.state: the item had been asked for before, where CM_WANT_HIT_BEFORE asks.
#define CM_HIT_BEFORE 16

// In cm_result.server: no server was involved.
#define CM_NO_SERVER UINT32_MAX

// A client of a fleet of servers. Safe to use from any number of threads at once and across
// fork: a child uses connections of its own.
typedef struct cm_client cm_client;

// Why a call failed. Made by the library, freed by the caller with cm_error_free. Belongs to
// one thread at a time.
typedef struct cm_error cm_error;

// Events, the oldest first. Freed with cm_events_free. Belongs to one thread at a time; outlives
// the client.
typedef struct cm_events cm_events;

// Options for cm_client_new, as names and values. Belongs to one thread at a time; may be
// freed as soon as the client is made.
typedef struct cm_options cm_options;

// A queue of calls for an event loop (epoll, libuv, asyncio): it watches one descriptor, and
// calls cm_queue_drive when that is readable. No function of a queue blocks.
//
// Belongs to one thread at a time, and to the process that made it: in a child after fork every
// function but cm_queue_free gives CM_ERR_CLOSED.
typedef struct cm_queue cm_queue;

// The results of a batch, one for each operation, in the order given. Freed with
// cm_results_free. Belongs to one thread at a time; outlives the client.
typedef struct cm_results cm_results;

// What is known of each server, in the order of the list. Freed with cm_servers_free. Belongs to
// one thread at a time; outlives the client.
typedef struct cm_servers cm_servers;

// What a call or an operation came to. 0: it was done. Positive: the server said no.
// Negative: it failed.
typedef int32_t cm_status;

// One operation of a batch. Fields and bits that an operation does not use are zero: others are
// CM_ERR_ARGUMENT. What only the meta commands of memcached 1.6 can do is CM_ERR_UNSUPPORTED,
// with CM_UNSENT, on a server that does not have them, or not that one yet.
typedef struct cm_op {
  // CM_OP_GET and so on.
  uint32_t kind;
  // CM_WANT_CAS and so on, or'ed.
  uint32_t want;
  const char *key;
  size_t key_len;
  const void *value;
  size_t value_len;
  // Routed by this in place of the key, if its length is not 0.
  const char *route;
  size_t route_len;
  // Routed by this hash, with CM_WANT_HASH.
  int64_t hash;
  // Seconds from now: 0 never expires, negative is expired at once. CM_OP_INCREMENT and
  // CM_OP_DECREMENT: the new ttl, if not 0.
  int64_t ttl_seconds;
  // The cas id to compare with: CM_EXISTS if the item has another. CM_OP_DELETE, CM_OP_INCREMENT,
  // CM_OP_DECREMENT: 0 for any.
  uint64_t cas;
  // What to add or subtract.
  uint64_t delta;
  // The number to begin with, with CM_WANT_CREATE.
  uint64_t initial;
  // The ttl of an item that is created, with CM_WANT_CREATE.
  int64_t initial_ttl_seconds;
  // To read: on a miss, leave a stub for so long, which tells others that the value is being
  // computed. 0: none. The first to come has CM_WON in the state of its miss, and `cas` to store with
  // CM_OP_CAS; the others have CM_ALREADY_SENT.
  int64_t lease_seconds;
  // To read: of those who find fewer seconds left, the first has CM_WON. At most 2592000; 0: nobody.
  int64_t refresh_before_seconds;
  // Client flags of the item to store.
  uint32_t flags;
  uint32_t reserved;
} cm_op;

// The state of a server changed. Reached by pointer; later versions may add fields at its end.
typedef struct cm_event {
  // When, in milliseconds since 1970.
  int64_t time_ms;
  // Identity of the server.
  const char *server;
  // CM_SERVER_UP, CM_SERVER_SUSPECT, CM_SERVER_DOWN or CM_SERVER_PROBING
  uint32_t from_state;
  // As from_state.
  uint32_t to_state;
  // One line.
  const char *reason;
} cm_event;

// Where an operation goes, and why. Reached by pointer; later versions may add fields at its
// end. All texts are copies that live as long as it does. Belongs to one thread at a time.
typedef struct cm_explanation {
  // Index of the owner in the list of servers.
  uint32_t server;
  // CM_POSITION_SLOT, CM_POSITION_POINT or CM_POSITION_SCORE
  uint32_t position_kind;
  // Where the owner was found.
  uint64_t position;
  // Identity of the owner.
  const char *identity;
  // Identities of the servers in the order in which they are tried as each one before is found
  // missing: each server once, the owner first.
  const char *const *sequence;
  size_t sequence_count;
} cm_explanation;

// What is known of a server. Reached by pointer; later versions may add fields at its end.
// Counts only grow, from the time the client was made or first had the server; in a child they
// begin anew. Figures taken while calls are under way may be of slightly different moments.
typedef struct cm_server {
  const char *identity;
  // Where it is reached, in canonical form: `host:port` or `unix:/path`.
  const char *address;
  uint32_t weight;
  // CM_SERVER_UP, CM_SERVER_SUSPECT, CM_SERVER_DOWN or CM_SERVER_PROBING
  uint32_t state;
  // How many are open now.
  uint64_t connections;
  // How many were made.
  uint64_t connections_opened;
  // How many were found ended, or with bytes on them that nobody asked for, after they had been
  // idle. They are replaced, and no caller notices.
  uint64_t connections_replaced;
  // Operations that came to an end here: answered, or failed.
  uint64_t operations;
  // Of the operations those that read an item that was there.
  uint64_t hits;
  // Of the operations those that read an item that was not there.
  uint64_t misses;
  // Of the operations those that failed.
  uint64_t errors;
  // Operations that another server was asked in place of this one. They are counted there.
  uint64_t failovers;
  // What counts towards `failure_threshold`: connections that could not be made, broke, or went
  // unanswered. One for each, however many operations were on it.
  uint64_t failures;
  // Of the failures those where the time was over.
  uint64_t timeouts;
  // Of the failures those where the server did not keep to the protocol.
  uint64_t protocol_violations;
  // What the server refused of quiet operations and no result told of.
  uint64_t quiet_failures;
  // How many times the server answered all that was asked of it in one go: an operation, or
  // several together. The latencies are those of these exchanges, from sending to the last
  // answer.
  uint64_t exchanges;
  // In microseconds, all exchanges together.
  uint64_t latency_sum_us;
  // In microseconds; off by less than an eighth, and by less than 1 below 8. 0 without exchanges.
  uint64_t latency_p50_us;
  // As latency_p50_us.
  uint64_t latency_p99_us;
  // In microseconds, exact.
  uint64_t latency_max_us;
  // Of the operations those that failed with each status: CM_ERR_TIMEOUT, which is -4, at 4.
  const uint64_t *errors_by_status;
  size_t errors_by_status_count;
} cm_server;

// One row of the table of options. All texts are static.
typedef struct cm_option {
  const char *name;
  // "choice", "integer", "boolean" or "text"
  const char *type_name;
  // The value when nobody sets one.
  const char *default_value;
  // The values allowed.
  const char *range;
  // What the option does.
  const char *text;
} cm_option;

// A call that has ended.
typedef struct cm_completion {
  // As given to cm_queue_submit.
  uint64_t tag;
  // One result for each operation, to be freed with cm_results_free.
  struct cm_results *results;
} cm_completion;

// What an operation came to. Reached by pointer; later versions may add fields at its end.
typedef struct cm_result {
  cm_status status;
  // Client flags of the item.
  uint32_t flags;
  // Lives as long as the result; not NUL-terminated. NULL where there is no value.
  const void *value;
  size_t value_len;
  // 0 unless asked for. After a miss with CM_WON, what to store the value with.
  uint64_t cas;
  // The new number after an increment or decrement.
  uint64_t number;
  // Seconds left, where asked for; -1 never expires.
  int64_t ttl_seconds;
  // CM_WON | CM_STALE | CM_ALREADY_SENT | CM_UNSENT | CM_HIT_BEFORE
  uint32_t state;
  // Index of the server that answered or failed, or CM_NO_SERVER.
  uint32_t server;
  // Seconds since the item was last asked for, where CM_WANT_LAST_ACCESS asks.
  int64_t last_access_seconds;
  // Length of the value, where CM_WANT_SIZE or CM_WANT_NO_VALUE asks.
  uint64_t size;
} cm_result;

// Done.
#define CM_OK 0

// The server has no item of that key: a miss.
#define CM_NOT_FOUND 1

// The condition of an add, replace, append or prepend was not met.
#define CM_NOT_STORED 2

// The item was changed since its cas id was read.
#define CM_EXISTS 3

// An argument is wrong; the message names it.
#define CM_ERR_ARGUMENT -1

// The key is empty, longer than 250 bytes with the prefix, or holds a blank or a control character.
#define CM_ERR_KEY -2

// The value is larger than the server takes (or than the caller's buffer, or than what is left of
// `max_batch_bytes`). After a refused set the server no longer has the old value either.
#define CM_ERR_VALUE_TOO_LARGE -3

// The time was over. Whether a write was done is not known, unless CM_UNSENT is set.
#define CM_ERR_TIMEOUT -4

// The server is taken for down: nothing was tried.
#define CM_ERR_SERVER_DOWN -5

// The connection could not be made, or broke. Whether a write was done is not known, unless
// CM_UNSENT is set.
#define CM_ERR_CONNECTION -6

// What came from the server is not the answer to what was asked. The connection was closed.
#define CM_ERR_PROTOCOL -7

// The server failed (SERVER_ERROR).
#define CM_ERR_SERVER -8

// The server found fault with the request (CLIENT_ERROR), as with incr of a text.
#define CM_ERR_REJECTED -9

// The server, or this version of the library, does not know how to do this.
#define CM_ERR_UNSUPPORTED -10

// The server did not accept the user or password.
#define CM_ERR_AUTH -11

// TLS could not be established.
#define CM_ERR_TLS -12

// An option is unknown, out of its range, or excludes another.
#define CM_ERR_OPTION -13

// The name of the server could not be resolved.
#define CM_ERR_RESOLVE -14

// A defect of the library. It cost the connections in use, nothing else.
#define CM_ERR_PANIC -15

// The client was closed.
#define CM_ERR_CLOSED -16

// The operation was cancelled.
#define CM_ERR_CANCELLED -17

// There was no memory for the value.
#define CM_ERR_NO_MEMORY -18

// The object is in use.
#define CM_ERR_BUSY -19

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Runs operations: each at its own server, all servers at the same time, under one deadline.
// Operations on one server are done in the order given.
//
// ops: `count` structs of `op_size` bytes (`sizeof(cm_op)`), borrowed for the call.
// timeout_ms: for the whole call; 0 for the client's `timeout_ms`.
// *results_out: one result for each operation, in the order given, to be freed with
// cm_results_free; NULL only when the call as a whole was wrong.
// Returns CM_OK when every operation was answered (a miss is an answer), else the status of the
// first that was not; the results are there in both cases. Safe from any thread. Since 0.1.0.
cm_status cm_execute(struct cm_client *client,
                     const struct cm_op *ops,
                     size_t op_size,
                     size_t count,
                     uint32_t timeout_ms,
                     struct cm_results **results_out,
                     struct cm_error **error_out);

// Gets many keys at once.
//
// keys, key_lens: `count` keys and their lengths, borrowed for the call.
// Results and status as cm_execute. Safe from any thread. Since 0.1.0.
cm_status cm_get_multi(struct cm_client *client,
                       const char *const *keys,
                       const size_t *key_lens,
                       size_t count,
                       struct cm_results **results_out,
                       struct cm_error **error_out);

// Stores many items at once.
//
// items: as for cm_execute; `kind` may be 0, for CM_OP_SET, or CM_OP_ADD, CM_OP_REPLACE,
// CM_OP_APPEND, CM_OP_PREPEND or CM_OP_CAS.
// Results and status as cm_execute. Safe from any thread. Since 0.1.0.
cm_status cm_set_multi(struct cm_client *client,
                       const struct cm_op *items,
                       size_t op_size,
                       size_t count,
                       struct cm_results **results_out,
                       struct cm_error **error_out);

// Deletes many keys at once.
//
// keys, key_lens: `count` keys and their lengths, borrowed for the call.
// Results and status as cm_execute. Safe from any thread. Since 0.1.0.
cm_status cm_delete_multi(struct cm_client *client,
                          const char *const *keys,
                          const size_t *key_lens,
                          size_t count,
                          struct cm_results **results_out,
                          struct cm_error **error_out);

// Makes a client. No server needs to be reachable: connections are made on first use.
//
// servers: a list, separated by commas or newlines, of `ADDRESS [weight=N] [name=ID]`, ending
// with NUL. ADDRESS is `host`, `host:port` (11211 when left out), `[ipv6]:port` or `unix:/path`.
// In a path or a name, a comma, space, `%` or control character is written `%XX`.
// options: copied; NULL for the defaults.
// *client_out: to be freed with cm_client_free; NULL unless the call returns CM_OK.
// CM_ERR_ARGUMENT: something is wrong with the list; the message names the entry.
// CM_ERR_OPTION: options exclude each other. Since 0.1.0.
cm_status cm_client_new(const char *servers,
                        const struct cm_options *options,
                        struct cm_client **client_out,
                        struct cm_error **error_out);

// Gives a client another list of servers, without a restart.
//
// It takes effect for the next call; calls under way finish on the old list. A server that is in
// both lists, under the same identity and the same address, keeps its connections and its health;
// the connections of one that has gone are closed when the last call that uses them ends.
// servers: as for cm_client_new. After an error the old list stays.
// CM_ERR_ARGUMENT: something is wrong with the list; the message names the entry.
// CM_ERR_CLOSED: the client was closed. Safe from any thread. Since 0.1.0.
cm_status cm_client_set_servers(struct cm_client *client,
                                const char *servers,
                                struct cm_error **error_out);

// As cm_client_set_servers, with another placement too.
//
// options: what they do not say of `distribution`, `compat`, `hash`, `slots` and `hash_prefix` has its
// default; NULL is all of them. They are copied.
// CM_ERR_OPTION: an option about something else is set, or some exclude each other. Since 0.1.0.
cm_status cm_client_set_fleet(struct cm_client *client,
                              const char *servers,
                              const struct cm_options *options,
                              struct cm_error **error_out);

// How many servers the list has. 0 for NULL.
//
// Since 0.1.0.
size_t cm_client_server_count(struct cm_client *client);

// Closes every connection. Calls that wait end with CM_ERR_CLOSED, and so do all later ones.
//
// From any thread, any number of times; NULL is fine. The client is still to be freed.
// Since 0.1.0.
void cm_client_close(struct cm_client *client);

// Closes and frees a client: once, when no other call is in it. NULL is fine.
//
// Results outlive the client. Since 0.1.0.
void cm_client_free(struct cm_client *client);

// Says which server a key belongs to. Asks no server.
//
// *index_out: its place in the list of servers, from 0.
// CM_ERR_KEY: no server takes such a key. Since 0.1.0.
cm_status cm_select_server(struct cm_client *client,
                           const char *key,
                           size_t key_len,
                           size_t *index_out,
                           struct cm_error **error_out);

// The status of an error, the one the failed call returned. CM_OK for NULL.
//
// Since 0.1.0.
cm_status cm_error_status(const struct cm_error *error);

// What went wrong: one line, nothing the caller knew already. "" for NULL.
//
// The text lives as long as the error. Since 0.1.0.
const char *cm_error_message(const struct cm_error *error);

// Identity of the server the error is about; "" when it is about none, and for NULL.
//
// The text lives as long as the error. Since 0.1.0.
const char *cm_error_server(const struct cm_error *error);

// What is known of the operation that failed: CM_UNSENT, if nothing of it can have reached the
// server; else a write may have been done. For a batch, of the operation the error is about. 0 for NULL.
//
// Since 0.1.0.
uint32_t cm_error_state(const struct cm_error *error);

// Frees an error. NULL is fine.
//
// Since 0.1.0.
void cm_error_free(struct cm_error *error);

// Takes the events since they were last taken, from whichever thread. Asks no server.
//
// The client keeps the last 1024 of them; a child begins with none.
// *events_out: to be freed with cm_events_free; NULL unless the call returns CM_OK.
// CM_ERR_CLOSED: the client was closed. Safe from any thread. Since 0.1.0.
cm_status cm_events_take(struct cm_client *client,
                         struct cm_events **events_out,
                         struct cm_error **error_out);

// How many events there are. 0 for NULL.
//
// Since 0.1.0.
size_t cm_events_count(const struct cm_events *events);

// The event at a place, from 0; NULL behind the last, and for NULL.
//
// It lives as long as the events. Since 0.1.0.
const struct cm_event *cm_events_at(const struct cm_events *events, size_t index);

// How many older events are lost: there were more than the client keeps. 0 for NULL.
//
// Since 0.1.0.
uint64_t cm_events_dropped(const struct cm_events *events);

// Frees events. NULL is fine.
//
// Since 0.1.0.
void cm_events_free(struct cm_events *events);

// Explains where an operation goes: by its key, its `route` or its `hash`. Asks no server.
//
// op: one struct of `op_size` bytes; `kind` may be 0. Only what chooses the server matters.
// *explanation_out: to be freed with cm_explanation_free; NULL unless the call returns CM_OK.
// CM_ERR_KEY: no server takes such a key. Safe from any thread. Since 0.1.0.
cm_status cm_explain(struct cm_client *client,
                     const struct cm_op *op,
                     size_t op_size,
                     struct cm_explanation **explanation_out,
                     struct cm_error **error_out);

// Frees an explanation. NULL is fine.
//
// Since 0.1.0.
void cm_explanation_free(struct cm_explanation *explanation);

// Tells what is known of each server. Asks no server.
//
// *servers_out: to be freed with cm_servers_free; NULL unless the call returns CM_OK.
// CM_ERR_CLOSED: the client was closed. Safe from any thread. Since 0.1.0.
cm_status cm_servers_snapshot(struct cm_client *client,
                              struct cm_servers **servers_out,
                              struct cm_error **error_out);

// How many servers there are. 0 for NULL.
//
// Since 0.1.0.
size_t cm_servers_count(const struct cm_servers *servers);

// The server at a place of the list, from 0; NULL behind the last, and for NULL.
//
// It lives as long as the snapshot. Since 0.1.0.
const struct cm_server *cm_servers_at(const struct cm_servers *servers, size_t index);

// Frees a snapshot. NULL is fine.
//
// Since 0.1.0.
void cm_servers_free(struct cm_servers *servers);

// Renders what is known of each server, and of handovers, in the text format of Prometheus, version 0.0.4, to be
// served as `text/plain; version=0.0.4; charset=utf-8`. Asks no server.
//
// *text_out: ends with NUL; to be freed with cm_text_free; NULL unless the call returns CM_OK.
// CM_ERR_CLOSED: the client was closed. Safe from any thread. Since 0.1.0.
cm_status cm_metrics_prometheus(struct cm_client *client,
                                char **text_out,
                                struct cm_error **error_out);

// Frees a text that a function of the library made. NULL is fine.
//
// Since 0.1.0.
void cm_text_free(char *text);

// Options with their defaults. Free with cm_options_free. Never NULL.
//
// Since 0.1.0.
struct cm_options *cm_options_new(void);

// Sets an option. Both texts end with NUL and are copied.
//
// CM_ERR_OPTION: there is no such option, or the value is out of its range.
// Since 0.1.0.
cm_status cm_options_set(struct cm_options *options,
                         const char *name,
                         const char *value,
                         struct cm_error **error_out);

// Reads an option back: what was set, or the default.
//
// *value_out lives until the next call with these options; NULL unless the call returns CM_OK.
// CM_ERR_OPTION: there is no such option. Since 0.1.0.
cm_status cm_options_get(struct cm_options *options,
                         const char *name,
                         const char **value_out,
                         struct cm_error **error_out);

// Frees options. NULL is fine.
//
// Since 0.1.0.
void cm_options_free(struct cm_options *options);

// How many options there are.
//
// Since 0.1.0.
size_t cm_option_count(void);

// The option at a place in the table, from 0; NULL behind the last. Static.
//
// Since 0.1.0.
const struct cm_option *cm_option_at(size_t index);

// Gets many keys at once, packed.
//
// want: 0 or CM_WANT_CAS.
// keys, keys_size: the keys one after another. key_lens: their `count` lengths.
// *block_out: the results in one block, 8-byte aligned, native byte order, to be freed with
// cm_block_free; NULL only when the call as a whole was wrong. A head of 16 bytes: uint32
// version (1), uint32 count, uint64 size of the block. Then `count` records of 64 bytes: int32
// status, uint32 flags, uint64 offset of the value in the block, uint64 length of the value, uint64
// cas, uint64 number, int64 ttl, uint32 state, uint32 server, 8 bytes zero. Then the values.
// Status as cm_execute. Safe from any thread. Since 0.1.0.
cm_status cm_get_multi_packed(struct cm_client *client,
                              uint32_t want,
                              const void *keys,
                              size_t keys_size,
                              const uint32_t *key_lens,
                              size_t count,
                              void **block_out,
                              struct cm_error **error_out);

// Stores many items at once, packed.
//
// kind: CM_OP_SET (or 0), CM_OP_ADD or CM_OP_REPLACE.
// values, values_size, value_lens: the values, as the keys in cm_get_multi_packed.
// flags: one for each item; NULL: all 0. ttl_seconds: one for all, as in cm_set.
// *block_out: as from cm_get_multi_packed. Since 0.1.0.
cm_status cm_set_multi_packed(struct cm_client *client,
                              uint32_t kind,
                              const void *keys,
                              size_t keys_size,
                              const uint32_t *key_lens,
                              const void *values,
                              size_t values_size,
                              const uint32_t *value_lens,
                              const uint32_t *flags,
                              int64_t ttl_seconds,
                              size_t count,
                              void **block_out,
                              struct cm_error **error_out);

// Deletes many keys at once, packed.
//
// Keys and *block_out as in cm_get_multi_packed. Since 0.1.0.
cm_status cm_delete_multi_packed(struct cm_client *client,
                                 const void *keys,
                                 size_t keys_size,
                                 const uint32_t *key_lens,
                                 size_t count,
                                 void **block_out,
                                 struct cm_error **error_out);

// Frees a block of results. NULL is fine.
//
// Since 0.1.0.
void cm_block_free(void *block);

// Makes a queue on a client. It may outlive the cm_client, whose calls then give CM_ERR_CLOSED.
//
// *queue_out: to be freed with cm_queue_free; NULL unless the call returns CM_OK.
// CM_ERR_NO_MEMORY: no descriptor was free. Since 0.1.0.
cm_status cm_queue_new(struct cm_client *client,
                       struct cm_queue **queue_out,
                       struct cm_error **error_out);

// The descriptor to watch: when it is readable, cm_queue_drive has something to do. -1 for NULL,
// and in a child that inherited the queue.
//
// It stays the same, and the queue's: nobody else reads or closes it. Since 0.1.0.
int cm_queue_fd(const struct cm_queue *queue);

// Begins a call: as cm_execute, but the results come from cm_queue_drive.
//
// ops: copied, with the keys and values they lead to. op_size: `sizeof(cm_op)`.
// timeout_ms: for the whole call, from now; 0 for the client's `timeout_ms`.
// tag: names the call in its completion. CM_ERR_CLOSED: the client was closed. Since 0.1.0.
cm_status cm_queue_submit(struct cm_queue *queue,
                          const struct cm_op *ops,
                          size_t op_size,
                          size_t count,
                          uint32_t timeout_ms,
                          uint64_t tag,
                          struct cm_error **error_out);

// Goes on with whatever can go on, and hands over the calls that have ended.
//
// completions: room for `capacity` structs of `completion_size` bytes (`sizeof(cm_completion)`).
// With capacity 0 nothing is handed over.
// *count_out: how many were written. When more have ended, the descriptor stays readable.
// Returns CM_OK whatever became of the calls: that is in their results. Since 0.1.0.
cm_status cm_queue_drive(struct cm_queue *queue,
                         struct cm_completion *completions,
                         size_t completion_size,
                         size_t capacity,
                         size_t *count_out,
                         struct cm_error **error_out);

// Ends the calls with this tag: what has no answer yet gets CM_ERR_CANCELLED. They come out of
// cm_queue_drive as all others do. What was sent may still be done by the server.
//
// CM_NOT_FOUND: no call with this tag is under way. Since 0.1.0.
cm_status cm_queue_cancel(struct cm_queue *queue, uint64_t tag, struct cm_error **error_out);

// Frees a queue, and drops the calls that are under way. NULL is fine.
//
// Since 0.1.0.
void cm_queue_free(struct cm_queue *queue);

// Frees a result of cm_get and its like. NULL is fine.
//
// Not for a result that belongs to a cm_results. Since 0.1.0.
void cm_result_free(struct cm_result *result);

// How many results there are: as many as there were operations. 0 for NULL.
//
// Since 0.1.0.
size_t cm_results_count(const struct cm_results *results);

// The result of the operation at a place, from 0; NULL behind the last, and for NULL.
//
// It lives as long as the results. Since 0.1.0.
const struct cm_result *cm_results_at(const struct cm_results *results, size_t index);

// Frees results and every value in them. NULL is fine.
//
// Since 0.1.0.
void cm_results_free(struct cm_results *results);

// Gets an item.
//
// *result_out: the item, to be freed with cm_result_free; NULL unless the call returns CM_OK.
// CM_NOT_FOUND: a miss. CM_ERR_KEY: no server takes such a key. Other negative statuses: the
// server could not be asked; that is never reported as a miss. Safe from any thread. Since 0.1.0.
cm_status cm_get(struct cm_client *client,
                 const char *key,
                 size_t key_len,
                 struct cm_result **result_out,
                 struct cm_error **error_out);

// Gets an item and its cas id, for a later cm_cas. Otherwise as cm_get.
//
// Since 0.1.0.
cm_status cm_gets(struct cm_client *client,
                  const char *key,
                  size_t key_len,
                  struct cm_result **result_out,
                  struct cm_error **error_out);

// Gets an item and its cas id, and sets its ttl. Otherwise as cm_get.
//
// ttl_seconds: from now; 0 never expires, negative is expired at once.
// CM_ERR_ARGUMENT: the ttl does not fit. Since 0.1.0.
cm_status cm_get_and_touch(struct cm_client *client,
                           const char *key,
                           size_t key_len,
                           int64_t ttl_seconds,
                           struct cm_result **result_out,
                           struct cm_error **error_out);

// Gets an item into the caller's memory.
//
// buffer, buffer_size: where the value goes.
// *value_len_out: its length, also when it does not fit; 0 when there is none.
// *flags_out: client flags of the item; NULL if they do not matter.
// CM_ERR_VALUE_TOO_LARGE: it does not fit, and the buffer holds nothing of it. Otherwise as
// cm_get. Since 0.1.0.
cm_status cm_get_into(struct cm_client *client,
                      const char *key,
                      size_t key_len,
                      void *buffer,
                      size_t buffer_size,
                      size_t *value_len_out,
                      uint32_t *flags_out,
                      struct cm_error **error_out);

// Asks every server for its statistics.
//
// argument: such as "items" or "slabs"; length 0 for the general ones.
// *results_out: one result for each server, in the order of the list. The value of each is text:
// a line "NAME VALUE\n" for each figure. Status as cm_execute. Safe from any thread. Since 0.1.0.
cm_status cm_stats(struct cm_client *client,
                   const char *argument,
                   size_t argument_len,
                   struct cm_results **results_out,
                   struct cm_error **error_out);

// Empties every server, now or later. While a handover is on, those too that have left the list since it began.
//
// delay_seconds: 0 for now.
// *results_out: one result for each server, in the order of the list. Status as cm_execute.
// CM_ERR_ARGUMENT: the delay is negative or does not fit. Safe from any thread. Since 0.1.0.
cm_status cm_flush_all(struct cm_client *client,
                       int64_t delay_seconds,
                       struct cm_results **results_out,
                       struct cm_error **error_out);

// Asks every server for its version.
//
// *results_out: one result for each server, in the order of the list, with a value such as
// "1.6.18". Status as cm_execute. Safe from any thread. Since 0.1.0.
cm_status cm_server_versions(struct cm_client *client,
                             struct cm_results **results_out,
                             struct cm_error **error_out);

// Deletes an item; CM_NOT_FOUND if there is none.
//
// Safe from any thread. Since 0.1.0.
cm_status cm_delete(struct cm_client *client,
                    const char *key,
                    size_t key_len,
                    struct cm_error **error_out);

// Sets the ttl of an item; CM_NOT_FOUND if there is none.
//
// ttl_seconds: from now; 0 never expires, negative is expired at once.
// CM_ERR_ARGUMENT: the ttl does not fit. Safe from any thread. Since 0.1.0.
cm_status cm_touch(struct cm_client *client,
                   const char *key,
                   size_t key_len,
                   int64_t ttl_seconds,
                   struct cm_error **error_out);

// Adds to a number of decimal digits; it wraps at 2^64. CM_NOT_FOUND if there is no item.
//
// *number_out: the new number; 0 unless the call returns CM_OK. NULL if it does not matter.
// CM_ERR_REJECTED: the item is not a number. Safe from any thread. Since 0.1.0.
cm_status cm_increment(struct cm_client *client,
                       const char *key,
                       size_t key_len,
                       uint64_t delta,
                       uint64_t *number_out,
                       struct cm_error **error_out);

// Subtracts from a number of decimal digits; it stops at 0. Otherwise as cm_increment.
//
// Since 0.1.0.
cm_status cm_decrement(struct cm_client *client,
                       const char *key,
                       size_t key_len,
                       uint64_t delta,
                       uint64_t *number_out,
                       struct cm_error **error_out);

// The version of the library, "MAJOR.MINOR.PATCH".
//
// The text is static. Safe from any thread. Since 0.1.0.
const char *cm_version(void);

// The name of a status, "CM_OK" and so on; "CM_UNKNOWN" for a number that is none.
//
// The text is static. Safe from any thread. Since 0.1.0.
const char *cm_status_name(cm_status status);

// Stores an item.
//
// flags: given back by whoever gets the item.
// ttl_seconds: from now; 0 never expires, negative is expired at once.
// CM_ERR_VALUE_TOO_LARGE: the server refused the value, and has deleted the old one.
// CM_ERR_TIMEOUT, CM_ERR_CONNECTION: whether it was stored is not known.
// CM_ERR_ARGUMENT: the ttl does not fit. Safe from any thread. Since 0.1.0.
cm_status cm_set(struct cm_client *client,
                 const char *key,
                 size_t key_len,
                 const void *value,
                 size_t value_len,
                 uint32_t flags,
                 int64_t ttl_seconds,
                 struct cm_error **error_out);

// Stores an item unless there is one: CM_NOT_STORED. Otherwise as cm_set.
//
// Since 0.1.0.
cm_status cm_add(struct cm_client *client,
                 const char *key,
                 size_t key_len,
                 const void *value,
                 size_t value_len,
                 uint32_t flags,
                 int64_t ttl_seconds,
                 struct cm_error **error_out);

// Stores an item if there is one, else CM_NOT_STORED. Otherwise as cm_set.
//
// Since 0.1.0.
cm_status cm_replace(struct cm_client *client,
                     const char *key,
                     size_t key_len,
                     const void *value,
                     size_t value_len,
                     uint32_t flags,
                     int64_t ttl_seconds,
                     struct cm_error **error_out);

// Puts bytes behind the value of an item; CM_NOT_STORED if there is none. Its flags and ttl stay.
//
// Otherwise as cm_set. Since 0.1.0.
cm_status cm_append(struct cm_client *client,
                    const char *key,
                    size_t key_len,
                    const void *value,
                    size_t value_len,
                    struct cm_error **error_out);

// Puts bytes before the value of an item; CM_NOT_STORED if there is none. Its flags and ttl stay.
//
// Otherwise as cm_set. Since 0.1.0.
cm_status cm_prepend(struct cm_client *client,
                     const char *key,
                     size_t key_len,
                     const void *value,
                     size_t value_len,
                     struct cm_error **error_out);

// Stores an item if it has not changed since its cas id was read with cm_gets.
//
// CM_EXISTS: it has. CM_NOT_FOUND: it is gone. CM_ERR_ARGUMENT: the cas id is 0, which is none.
// Otherwise as cm_set. Since 0.1.0.
cm_status cm_cas(struct cm_client *client,
                 const char *key,
                 size_t key_len,
                 const void *value,
                 size_t value_len,
                 uint32_t flags,
                 int64_t ttl_seconds,
                 uint64_t cas,
                 struct cm_error **error_out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CONSISTENT_MEMCACHED_H */
