#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

_Static_assert(TORII_EPOLL_IN == EPOLLIN, "EPOLLIN");
_Static_assert(TORII_EPOLL_OUT == EPOLLOUT, "EPOLLOUT");
_Static_assert(TORII_EPOLL_ERROR == EPOLLERR, "EPOLLERR");
_Static_assert(TORII_EPOLL_HANGUP == EPOLLHUP, "EPOLLHUP");
_Static_assert(TORII_EPOLL_PEER_CLOSED == EPOLLRDHUP, "EPOLLRDHUP");

int torii_accept(int listener, void *address, uint32_t *address_length) {
    socklen_t length = sizeof(struct sockaddr_storage);
    int accepted = accept4(listener, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    *address_length = length;
    return accepted;
}

int torii_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int torii_signalfd(const sigset_t *signals) { return signalfd(-1, signals, SFD_CLOEXEC); }

int torii_duplicate_above(int descriptor, int lowest) {
    return fcntl(descriptor, F_DUPFD_CLOEXEC, lowest);
}

int torii_set_nonblocking(int descriptor, bool nonblocking) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0)
        return -1;
    return fcntl(descriptor, F_SETFL, nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int torii_set_close_on_exec(int descriptor, bool close_on_exec) {
    return fcntl(descriptor, F_SETFD, close_on_exec ? FD_CLOEXEC : 0);
}

int torii_open_read_only(const char *path) {
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

int torii_open_write_only(const char *path) { return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY); }

int torii_create(const char *path) {
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
}

int torii_create_unnamed(const char *directory) {
    return open(directory, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
}

int torii_give_name(int descriptor, const char *path) {
    // The way that needs no privilege.
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", descriptor);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int torii_file_status(
    int descriptor, int64_t *size, int64_t *modified, uint32_t *mode, uint64_t *inode) {
    struct stat status;
    if (syscall(SYS_fstat, descriptor, &status) < 0)
        return -1;
    *size = status.st_size;
    *modified = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    *mode = status.st_mode;
    *inode = status.st_ino;
    return 0;
}

int torii_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int torii_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, descriptor, events, token);
}

int torii_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, descriptor, events, token);
}

int torii_epoll_remove(int epoll, int descriptor) {
    return control(epoll, EPOLL_CTL_DEL, descriptor, 0, 0);
}

int torii_epoll_wait(int epoll, torii_readiness *ready, int capacity, int timeout_ms) {
    struct epoll_event events[256];
    int count = epoll_wait(epoll, events, capacity < 256 ? capacity : 256, timeout_ms);
    for (int index = 0; index < count; index++) {
        ready[index].token = events[index].data.u64;
        ready[index].events = events[index].events;
    }
    return count;
}

int torii_spawn(
    const char *path, char *const argv[], char *const envp[], const int *sources,
    const int *targets, size_t descriptor_count, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    int first_closed = 3;
    for (size_t index = 0; error == 0 && index < descriptor_count; index++) {
        error = posix_spawn_file_actions_adddup2(&actions, sources[index], targets[index]);
        if (targets[index] >= first_closed)
            first_closed = targets[index] + 1;
    }
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(&actions, first_closed);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (error == 0)
        error = posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (error == 0)
        error = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (error == 0)
        error = posix_spawn(pid, path, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int torii_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int torii_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int torii_wait_exit(pid_t pid, int *status) {
    int raw = 0;
    pid_t result;
    do {
        result = waitpid(pid, &raw, 0);
    } while (result < 0 && errno == EINTR);
    if (result < 0)
        return -1;
    *status = WIFSIGNALED(raw) ? -WTERMSIG(raw) : WEXITSTATUS(raw);
    return 0;
}

bool torii_is_delegated(const char *directory) {
    char value = 0;
    return getxattr(directory, "user.delegate", &value, 1) == 1 && value == '1';
}

int torii_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

void torii_set_thread_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int torii_affinity_cpu_count(void) {
    // The kernel refuses a set smaller than its own, so grow until it fits.
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (set == NULL)
            return -1;
        size_t size = CPU_ALLOC_SIZE(cpus);
        int result = sched_getaffinity(0, size, set);
        int count = result == 0 ? CPU_COUNT_S(size, set) : -1;
        int error = errno;
        CPU_FREE(set);
        if (result == 0)
            return count;
        if (error != EINVAL) {
            errno = error;
            return -1;
        }
    }
    return -1;
}

int torii_memfd(size_t byte_count) {
    int descriptor = memfd_create("torii-turns", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0)
        return -1;
    if (ftruncate(descriptor, (off_t)byte_count) == 0 &&
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

bool torii_memfd_holds(int descriptor, size_t byte_count) {
    int64_t size = 0, modified = 0;
    uint32_t mode = 0;
    uint64_t inode = 0;
    int seals = fcntl(descriptor, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 &&
           torii_file_status(descriptor, &size, &modified, &mode, &inode) == 0 &&
           (uint64_t)size >= byte_count;
}

void torii_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds) {
    struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT, expected, &limit, NULL, 0);
}

void torii_futex_wake(const uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

const char *torii_error_description(int error) {
    const char *text = strerrordesc_np(error);
    return text == NULL ? "unknown error" : text;
}

const char *torii_error_name(int error) {
    const char *name = strerrorname_np(error);
    return name == NULL ? "E?" : name;
}

const char *torii_signal_name(int signal) {
    const char *name = sigabbrev_np(signal);
    return name == NULL ? "?" : name;
}

typedef union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(TORII_PASSED_DESCRIPTORS_MAX * sizeof(int))];
} descriptor_message;

ssize_t torii_send_with_descriptors(
    int socket, const void *bytes, size_t byte_count, int flags, const int *descriptors,
    size_t descriptor_count) {
    descriptor_message control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = byte_count};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int)),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptor_count * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, descriptor_count * sizeof(int));
    return sendmsg(socket, &message, flags);
}

ssize_t torii_receive_with_descriptors(
    int socket, void *bytes, size_t byte_count, int flags, int *descriptors,
    size_t *descriptor_count) {
    descriptor_message control;
    struct iovec part = {.iov_base = bytes, .iov_len = byte_count};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control,
    };
    *descriptor_count = 0;
    ssize_t count = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    if (count < 0)
        return count;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t found = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(descriptors + *descriptor_count, CMSG_DATA(header), found * sizeof(int));
        *descriptor_count += found;
    }
    return count;
}

void torii_return_free_heap(void) {
    malloc_trim(0);
}
