/* What ThreadSanitizer must know about Rust's standard library.

   The library under test is compiled with the sanitizer's instrumentation; the standard library
   comes as it is, so that what its compiled parts do to synchronize goes unseen, and would be
   reported as races. The linker (--wrap) leads the calls to those parts through here. `run` gives
   their names, which differ from compiler to compiler. */
#include <stddef.h>
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define JOIN_NOW(a, b) a##b
#define JOIN(a, b) JOIN_NOW(a, b)
#define REAL(name) JOIN(__real_, name)
#define WRAP(name) JOIN(__wrap_, name)

/* Mutex::lock, when somebody else holds it. Unlocking is inlined, and so instrumented. */
void REAL(LOCK_CONTENDED)(void *mutex);
void WRAP(LOCK_CONTENDED)(void *mutex) {
    REAL(LOCK_CONTENDED)(mutex);
    __tsan_acquire(mutex);
}

/* Once::call, behind OnceLock and LazyLock. What the closure did must be released before others can
   see that it is complete, so the closure (a pointer and a table of functions, the fifth of which
   is the call) is put into another one. */
struct closure {
    void *data;
    void **table;
    void *once;
};

static void call_and_release(struct closure *closure, void *state) {
    ((void (*)(void *, void *))closure->table[4])(closure->data, state);
    __tsan_release(closure->once);
}

void REAL(ONCE_CALL)(void *once, uintptr_t ignore_poison, void *data, void **table, void *place);
void WRAP(ONCE_CALL)(void *once, uintptr_t ignore_poison, void *data, void **table, void *place) {
    struct closure closure = {data, table, once};
    void *outer[] = {NULL, (void *)sizeof closure, table[2], NULL, (void *)call_and_release};
    REAL(ONCE_CALL)(once, ignore_poison, &closure, outer, place);
    __tsan_acquire(once);
}

/* park_timeout returns after what happened before unpark. */
static char token;

void REAL(PARK_TIMEOUT)(uint64_t seconds, uint32_t nanoseconds);
void WRAP(PARK_TIMEOUT)(uint64_t seconds, uint32_t nanoseconds) {
    REAL(PARK_TIMEOUT)(seconds, nanoseconds);
    __tsan_acquire(&token);
}

void REAL(UNPARK)(void *thread);
void WRAP(UNPARK)(void *thread) {
    __tsan_release(&token);
    REAL(UNPARK)(thread);
}

/* Arc: every owner but the last lets go with Release, and the last one has an Acquire fence, which
   the sanitizer does not model. So letting go is AcqRel. */
enum { ACQ_REL = 4 };

uint64_t __real___tsan_atomic64_fetch_sub(volatile uint64_t *number, uint64_t less, int order);
uint64_t __wrap___tsan_atomic64_fetch_sub(volatile uint64_t *number, uint64_t less, int order) {
    (void)order;
    return __real___tsan_atomic64_fetch_sub(number, less, ACQ_REL);
}

/* At its end a thread drops std's handle of itself. The fence before the memory is freed is in
   code that is not instrumented, so the other owners' release looks like a race. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) {
    return "race:std::thread::current::drop_current\n";
}
