#pragma once
// What Glibc's module map leaves out (it needs _GNU_SOURCE, is variadic, or is a macro), as plain
// functions. Each returns what the system call returns and leaves errno as the call left it.

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ---- descriptors ----

// accept4(2) with SOCK_NONBLOCK | SOCK_CLOEXEC. `address` has room for a sockaddr_storage;
// `*address_length` receives the length that the kernel filled in.
int torii_accept(int listener, void *address, uint32_t *address_length);
// A non-blocking, close-on-exec eventfd(2) with counter 0.
int torii_eventfd(void);
// A close-on-exec signalfd(2) for `signals`.
int torii_signalfd(const sigset_t *signals);
// fcntl(F_DUPFD_CLOEXEC): a copy of `descriptor` numbered `lowest` or above.
int torii_duplicate_above(int descriptor, int lowest);
int torii_set_nonblocking(int descriptor, bool nonblocking);
int torii_set_close_on_exec(int descriptor, bool close_on_exec);
// Size in bytes, time of the last change in nanoseconds since 1970, st_mode and st_ino of an open
// file.
// Unlike glibc's fstat it makes the system call of that name, which the sandbox allows.
int torii_file_status(
    int descriptor, int64_t *size, int64_t *modified, uint32_t *mode, uint64_t *inode);
// open(2) for reading, close-on-exec, without becoming the terminal's owner or waiting on a FIFO.
int torii_open_read_only(const char *path);
// open(2) for writing, close-on-exec, of a file that exists.
int torii_open_write_only(const char *path);
// open(2) for writing, close-on-exec, of a file that is made, or emptied if it is there.
int torii_create(const char *path);
// open(2) for writing, close-on-exec, of a new file in `directory` without a name (O_TMPFILE): it
// is gone with its last descriptor. Not every file system can do that.
int torii_create_unnamed(const char *directory);
// linkat(2): gives a file without a name the name `path`, which nothing has yet.
int torii_give_name(int descriptor, const char *path);

// ---- epoll ----

enum {
    TORII_EPOLL_IN = 0x001,
    TORII_EPOLL_OUT = 0x004,
    TORII_EPOLL_ERROR = 0x008,
    TORII_EPOLL_HANGUP = 0x010,
    TORII_EPOLL_PEER_CLOSED = 0x2000,
};

typedef struct torii_readiness {
    uint64_t token;
    uint32_t events;
} torii_readiness;

int torii_epoll_create(void);
int torii_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token);
int torii_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token);
int torii_epoll_remove(int epoll, int descriptor);
// Fills at most `capacity` (256 at most) entries of `ready`. `timeout_ms` < 0 waits without end.
int torii_epoll_wait(int epoll, torii_readiness *ready, int capacity, int timeout_ms);

// ---- processes and threads ----

// posix_spawn(3): `argv` and `envp` end in NULL. `sources[i]` becomes descriptor `targets[i]`, in
// order; every other descriptor from 3 up is closed. The child starts with an empty signal mask and
// default signal actions. Returns 0 and sets `*pid`, or an errno value.
int torii_spawn(
    const char *path, char *const argv[], char *const envp[], const int *sources,
    const int *targets, size_t descriptor_count, pid_t *pid);
int torii_pidfd_open(pid_t pid);
int torii_pidfd_send_signal(int pidfd, int signal);
// Waits for the child and reaps it. `*status`: the exit code, or minus the signal that ended it.
int torii_wait_exit(pid_t pid, int *status);
// Whether the directory of a control group has the extended attribute user.delegate=1.
bool torii_is_delegated(const char *directory);
// prctl(PR_SET_PDEATHSIG).
int torii_set_parent_death_signal(int signal);
// Names the calling thread; `name` has at most 15 bytes.
void torii_set_thread_name(const char *name);
// CPUs in the calling thread's affinity mask, or -1.
int torii_affinity_cpu_count(void);

// ---- descriptors over sockets (unix(7), SCM_RIGHTS) ----

enum { TORII_PASSED_DESCRIPTORS_MAX = 16 };
// send(2) with 1 to TORII_PASSED_DESCRIPTORS_MAX descriptors, which come with the first byte.
ssize_t torii_send_with_descriptors(
    int socket, const void *bytes, size_t byte_count, int flags, const int *descriptors,
    size_t descriptor_count);
// recv(2) that also takes up to TORII_PASSED_DESCRIPTORS_MAX descriptors that came with the bytes;
// they are close-on-exec.
ssize_t torii_receive_with_descriptors(
    int socket, void *bytes, size_t byte_count, int flags, int *descriptors,
    size_t *descriptor_count);

// ---- memory ----

// Gives heap pages that are free back to the system: malloc_trim(3).
void torii_return_free_heap(void);

// ---- shared memory ----

// A close-on-exec memfd(2) of `byte_count` zeros whose size is sealed.
int torii_memfd(size_t byte_count);
// Whether the descriptor is a memfd(2) of at least that size that cannot shrink.
bool torii_memfd_holds(int descriptor, size_t byte_count);
// futex(2) between processes. Waits while `*word` is `expected`, for `nanoseconds` at most.
void torii_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds);
void torii_futex_wake(const uint32_t *word);

// ---- sandbox (sandbox.c) ----

// prctl(PR_SET_NO_NEW_PRIVS), which the two below need.
int torii_set_no_new_privileges(void);
// setrlimit(RLIMIT_CORE, 0).
int torii_forbid_core_files(void);
// Denies the calling thread, and the threads that it starts, everything Landlock knows: paths, TCP
// ports, abstract unix sockets, signals to other processes. Fails with ENOSYS or EOPNOTSUPP where
// the kernel has no Landlock.
int torii_landlock_deny_everything(void);
// Whether the kernel offers one or the other; neither is put in force.
bool torii_landlock_is_offered(void);
bool torii_seccomp_is_offered(void);
// Leaves all threads of the process the system calls that computing takes; the others fail with
// EPERM. What is left of open files, sockets and processes: using the descriptors that are open.
int torii_seccomp_confine(void);

// ---- texts ----

// A static description ("No such file or directory"), never NULL.
const char *torii_error_description(int error);
// A static name ("KILL"), never NULL.
const char *torii_signal_name(int signal);
// A static name ("ENOENT"), never NULL.
const char *torii_error_name(int error);
