#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int torii_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int torii_forbid_core_files(void) {
    struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none);
}

// ---- Landlock ----

// The system calls have these numbers on every architecture; older headers lack the names.
#define LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_VERSION_FLAG 1u

// struct landlock_ruleset_attr of linux/landlock.h as of version 6; older kernels take its
// beginning.
struct landlock_rules {
    uint64_t files;   // since 1: everything that can be done with a path
    uint64_t network; // since 4: bind and connect of TCP
    uint64_t scopes;  // since 6: abstract unix sockets and signals to processes outside
};

static long landlock_version(void) {
    return syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION_FLAG);
}

bool torii_landlock_is_offered(void) { return landlock_version() >= 1; }

int torii_landlock_deny_everything(void) {
    long version = landlock_version();
    if (version < 1)
        return -1;
    // One right per bit; what the kernel does not know must not be named.
    int file_right_count = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
    struct landlock_rules rules = {
        .files = (1u << file_right_count) - 1, .network = 3, .scopes = 3};
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int ruleset = (int)syscall(LANDLOCK_CREATE_RULESET, &rules, size, 0);
    if (ruleset < 0)
        return -1;
    // No rule allows anything, so everything named above is denied.
    int result = (int)syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0);
    int error = errno;
    close(ruleset);
    errno = error;
    return result;
}

// ---- seccomp ----

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the system call filter is written for x86-64 and AArch64"
#endif

// What a worker may always do: use what it holds, and run threads.
static const int allowed_calls[] = {
    // Descriptors it was given, or that stand for nothing outside the process.
    SYS_read, SYS_readv, SYS_pread64, SYS_write, SYS_writev, SYS_recvfrom, SYS_recvmsg,
    SYS_shutdown, SYS_close, SYS_fstat, SYS_eventfd2, SYS_ppoll,
#ifdef SYS_poll
    SYS_poll,
#endif
    // Memory. What makes code of it is looked at more closely below.
    SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk,
    // Threads and waiting.
    SYS_futex, SYS_sched_yield, SYS_sched_getaffinity, SYS_getcpu, SYS_gettid, SYS_getpid,
    SYS_set_robust_list, SYS_rseq, SYS_exit, SYS_exit_group, SYS_restart_syscall,
    // Signals to itself: traps and their handlers.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack,
    // The time, where the kernel does not answer without a call, and random numbers.
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_getrandom,
    // Facts that glibc asks for.
    SYS_sysinfo, SYS_getrusage,
};

enum { ALLOWED_COUNT = sizeof allowed_calls / sizeof allowed_calls[0] };

#define OFFSET(field) ((uint32_t)offsetof(struct seccomp_data, field))
// The halves of a 64-bit argument; both architectures are little-endian.
#define LOW(index) (OFFSET(args) + 8 * (index))
#define HIGH(index) (LOW(index) + 4)
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
#define REFUSE(error) RETURN(SECCOMP_RET_ERRNO | (error))
#define JUMP(test, value, if_true, if_false) \
    BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), if_true, if_false)

// Stands for the number of the process that confines itself; no process has this one.
#define OWN_PROCESS UINT32_MAX

static const struct sock_filter opening[] = {
    LOAD(OFFSET(arch)),
    JUMP(BPF_JEQ, NATIVE_ARCHITECTURE, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(OFFSET(nr)),
};

static const struct sock_filter conditions[] = {
    // Memory never becomes code.
    JUMP(BPF_JEQ, SYS_mmap, 1, 0),
    JUMP(BPF_JEQ, SYS_mprotect, 0, 4),
    LOAD(LOW(2)),
    JUMP(BPF_JSET, PROT_EXEC, 1, 0),
    ALLOW,
    REFUSE(EPERM),
    // Threads, no processes. clone3's flags lie in memory, where they cannot be looked at; without
    // it glibc uses clone.
    JUMP(BPF_JEQ, SYS_clone, 0, 4),
    LOAD(LOW(0)),
    JUMP(BPF_JSET, CLONE_THREAD, 0, 1),
    ALLOW,
    REFUSE(EPERM),
    JUMP(BPF_JEQ, SYS_clone3, 0, 1),
    REFUSE(ENOSYS),
    // The gateway's socket is connected: sending needs no address.
    JUMP(BPF_JEQ, SYS_sendto, 0, 6),
    LOAD(LOW(4)),
    JUMP(BPF_JEQ, 0, 0, 3),
    LOAD(HIGH(4)),
    JUMP(BPF_JEQ, 0, 0, 1),
    ALLOW,
    REFUSE(EPERM),
    // Signals to its own threads, which is how a process aborts.
    JUMP(BPF_JEQ, SYS_tgkill, 0, 4),
    LOAD(LOW(0)),
    JUMP(BPF_JEQ, OWN_PROCESS, 0, 1),
    ALLOW,
    REFUSE(EPERM),
    // Names of threads.
    JUMP(BPF_JEQ, SYS_prctl, 0, 4),
    LOAD(LOW(0)),
    JUMP(BPF_JEQ, PR_SET_NAME, 0, 1),
    ALLOW,
    REFUSE(EPERM),
    // Its own limits, to read.
    JUMP(BPF_JEQ, SYS_prlimit64, 0, 8),
    LOAD(LOW(0)),
    JUMP(BPF_JEQ, 0, 0, 5),
    LOAD(LOW(2)),
    JUMP(BPF_JEQ, 0, 0, 3),
    LOAD(HIGH(2)),
    JUMP(BPF_JEQ, 0, 0, 1),
    ALLOW,
    REFUSE(EPERM),
    // An error and no death: libraries try things that they can do without.
    REFUSE(EPERM),
};

enum {
    OPENING_LENGTH = sizeof opening / sizeof opening[0],
    CONDITIONS_LENGTH = sizeof conditions / sizeof conditions[0],
};

bool torii_seccomp_is_offered(void) { return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

int torii_seccomp_confine(void) {
    struct sock_filter program[OPENING_LENGTH + 2 * ALLOWED_COUNT + CONDITIONS_LENGTH];
    unsigned short length = 0;
    for (int index = 0; index < OPENING_LENGTH; index++)
        program[length++] = opening[index];
    for (int index = 0; index < ALLOWED_COUNT; index++) {
        program[length++] = (struct sock_filter)JUMP(BPF_JEQ, allowed_calls[index], 0, 1);
        program[length++] = (struct sock_filter)ALLOW;
    }
    for (int index = 0; index < CONDITIONS_LENGTH; index++) {
        program[length] = conditions[index];
        if (program[length].k == OWN_PROCESS)
            program[length].k = (uint32_t)getpid();
        length++;
    }
    struct sock_fprog filter = {.len = length, .filter = program};
    long result = syscall(
        SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    if (result > 0) { // the thread that could not be synchronised
        errno = ESRCH;
        return -1;
    }
    return (int)result;
}
