// What ThreadSanitizer cannot know of Swift's libraries, which are not instrumented. Tests/run
// sanitize-thread links it into everything.
//
// 1. Mutex: without this, everything that a contended one guards is reported as a race. It can go
//    when libswiftSynchronization tells the sanitizer itself.
// 2. The storage that all empty arrays share: making an array without elements may store the count
//    in it, which is zero before and afterwards.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

// Methods of Synchronization._MutexHandle, which is the futex word.
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

static void (*acquire)(void *);
static void (*release)(void *);
static SWIFT void (*real_lock)(uint32_t, SELF void *);
static SWIFT bool (*real_try_lock)(SELF void *);
static SWIFT void (*real_unlock)(SELF void *);

__attribute__((constructor)) static void find(void) {
    acquire = dlsym(RTLD_DEFAULT, "__tsan_acquire");
    release = dlsym(RTLD_DEFAULT, "__tsan_release");
    real_lock = dlsym(RTLD_NEXT, LOCK);
    real_try_lock = dlsym(RTLD_NEXT, TRY_LOCK);
    real_unlock = dlsym(RTLD_NEXT, UNLOCK);
}

SWIFT void lock_slow(uint32_t thread, SELF void *self) __asm__(LOCK);
SWIFT void lock_slow(uint32_t thread, SELF void *self) {
    real_lock(thread, self);
    if (acquire) acquire(self);
}

SWIFT bool try_lock_slow(SELF void *self) __asm__(TRY_LOCK);
SWIFT bool try_lock_slow(SELF void *self) {
    bool is_locked = real_try_lock(self);
    if (is_locked && acquire) acquire(self);
    return is_locked;
}

SWIFT void unlock_slow(SELF void *self) __asm__(UNLOCK);
SWIFT void unlock_slow(SELF void *self) {
    if (release) release(self);
    real_unlock(self);
}

const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) { return "race:_swiftEmptyArrayStorage\n"; }
