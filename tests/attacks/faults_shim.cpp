// Loaded before the C library, it counts what a process does to the files within one folder, and writes it down; at the
// call that was asked for it fails or kills the process.  It sees Python, SQLite, polars and torch alike; what goes by
// mmap, sendfile or io_uring it does not see.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>

enum Fault { NONE, KILL_BEFORE, KILL_AFTER, KILL_HALF, FULL, FULL_HALF, BROKEN };

static std::string folder;
static std::atomic<long> count{0};
static long at = 0;
static int fault = NONE, book = -1;
static std::mutex writing;

extern "C" void faults_begin(const char* within, long number, int kind, int handle) {
    folder = std::string(within) + "/";
    count = 0, at = number, fault = kind, book = handle;
}

// From here on the disk is well again; calls are counted and written down as before.
extern "C" void faults_spare() { fault = NONE; }

extern "C" long faults_count() { return count; }

static void put(const char* data, size_t size) {
    while (size > 0) {
        ssize_t done = syscall(SYS_write, book, data, size);
        if (done < 0) abort();
        data += done, size -= done;
    }
}

// One line for each call, and the bytes of a write after it.
static void note(char kind, const std::string& path, const std::string& more, long offset, const void* data, size_t size) {
    if (book < 0) return;
    std::lock_guard<std::mutex> lock(writing);
    std::string line = std::string(1, kind) + "\t" + path + "\t" + more + "\t" + std::to_string(offset) + "\t" +
                       std::to_string(size) + "\n";
    put(line.data(), line.size());
    if (data) put(static_cast<const char*>(data), size);
}

extern "C" void faults_mark(const char* what) { note('m', what, "", 0, nullptr, 0); }

static std::string of_handle(int handle) {
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", handle);
    ssize_t size = readlink(name, path, sizeof path);
    return size < 0 ? "" : std::string(path, size);
}

static std::string full_path(int place, const char* path) {
    if (path[0] == '/') return path;
    char here[4096];
    std::string base = place != AT_FDCWD ? of_handle(place) : getcwd(here, sizeof here) ? here : "";
    return base + "/" + path;
}

static bool is_seen(const std::string& path) {
    return !folder.empty() && (path + "/").compare(0, folder.size(), folder) == 0;
}

[[noreturn]] static void die() {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

// A call that changes files: `takes` says whether it needs room; `half` does a part of it where there are parts.
template <class Whole, class Half>
static long point(const std::string& path, bool takes, Whole whole, Half half) {
    if (!is_seen(path)) return whole();
    long number = ++count;
    bool here = fault != NONE && number == at, later = fault != NONE && number > at;
    if (here && fault == KILL_BEFORE) die();
    if (here && fault == KILL_HALF) half(), die();
    if (here && fault == FULL_HALF) return half();
    if ((here && fault == FULL) || (later && takes && (fault == FULL || fault == FULL_HALF))) return errno = ENOSPC, -1;
    if (here && fault == BROKEN) return errno = EIO, -1;
    long result = whole();
    if (here && fault == KILL_AFTER) die();
    return result;
}

template <class Whole>
static long point(const std::string& path, bool takes, Whole whole) {
    return point(path, takes, whole, whole);
}

static long put_down(int handle, const void* data, size_t size, long offset, bool placed) {
    std::string path = of_handle(handle);
    if (!is_seen(path)) return placed ? syscall(SYS_pwrite64, handle, data, size, offset) : syscall(SYS_write, handle, data, size);
    struct stat found;
    fstat(handle, &found);
    long begin = placed ? offset : fcntl(handle, F_GETFL) & O_APPEND ? found.st_size : lseek(handle, 0, SEEK_CUR);
    auto some = [&](size_t part) {
        long done = placed ? syscall(SYS_pwrite64, handle, data, part, offset) : syscall(SYS_write, handle, data, part);
        if (done > 0) note('w', path, "", begin, data, done);
        return done;
    };
    return point(path, true, [&] { return some(size); }, [&] { return some(size / 2 ? size / 2 : 1); });
}

static int opened(int place, const char* name, int flags, mode_t mode) {
    std::string path = full_path(place, name);
    struct stat found;
    bool there = syscall(SYS_newfstatat, place, name, &found, 0) == 0;
    bool makes = (flags & O_CREAT) && !there, empties = there && (flags & O_TRUNC) && S_ISREG(found.st_mode);
    auto whole = [&] {
        long handle = syscall(SYS_openat, place, name, flags, mode);
        if (handle >= 0 && (makes || empties)) note(makes ? 'c' : 't', path, "", 0, nullptr, 0);
        return handle;
    };
    if (!is_seen(path) || !(makes || empties)) return syscall(SYS_openat, place, name, flags, mode);
    return point(path, makes, whole);
}

static int flushed(int handle, long call) {
    std::string path = of_handle(handle);
    return point(path, false, [&] {
        long result = syscall(call, handle);
        if (result == 0 && is_seen(path)) note('s', path, "", 0, nullptr, 0);
        return result;
    });
}

static int cut(const std::string& path, long size, long (*call)(int, const char*, long), int handle, const char* name) {
    return point(path, false, [&] {
        long result = call(handle, name, size);
        if (result == 0 && is_seen(path)) note('t', path, "", size, nullptr, 0);
        return result;
    });
}

static int renamed(int from, const char* old, int to, const char* fresh, unsigned flags) {
    std::string path = full_path(to, fresh), before = full_path(from, old);
    return point(path, false, [&] {
        long result = syscall(SYS_renameat2, from, old, to, fresh, flags);
        if (result == 0 && is_seen(path)) note('r', before, path, 0, nullptr, 0);
        return result;
    });
}

static int removed(int place, const char* name, int flags) {
    std::string path = full_path(place, name);
    struct stat found;
    if (syscall(SYS_newfstatat, place, name, &found, AT_SYMLINK_NOFOLLOW) != 0) return syscall(SYS_unlinkat, place, name, flags);
    return point(path, false, [&] {
        long result = syscall(SYS_unlinkat, place, name, flags);
        if (result == 0 && is_seen(path)) note('u', path, "", 0, nullptr, 0);
        return result;
    });
}

static int made(int place, const char* name, mode_t mode) {
    std::string path = full_path(place, name);
    struct stat found;
    if (syscall(SYS_newfstatat, place, name, &found, 0) == 0) return errno = EEXIST, -1;
    return point(path, true, [&] {
        long result = syscall(SYS_mkdirat, place, name, mode);
        if (result == 0 && is_seen(path)) note('d', path, "", 0, nullptr, 0);
        return result;
    });
}

static long by_handle(int handle, const char*, long size) { return syscall(SYS_ftruncate, handle, size); }
static long by_name(int, const char* name, long size) { return syscall(SYS_truncate, name, size); }

static ssize_t gathered(int handle, const iovec* parts, int number, long offset, bool placed) {
    std::string all;
    for (int i = 0; i < number; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    return put_down(handle, all.data(), all.size(), offset, placed);
}

#define MODE                      \
    mode_t mode = 0;              \
    if (flags & O_CREAT) {        \
        va_list list;             \
        va_start(list, flags);    \
        mode = va_arg(list, int); \
        va_end(list);             \
    }

extern "C" {
ssize_t write(int handle, const void* data, size_t size) { return put_down(handle, data, size, 0, false); }
ssize_t pwrite(int handle, const void* data, size_t size, off_t place) { return put_down(handle, data, size, place, true); }
ssize_t pwrite64(int handle, const void* data, size_t size, off64_t place) { return put_down(handle, data, size, place, true); }
ssize_t writev(int handle, const iovec* parts, int number) { return gathered(handle, parts, number, 0, false); }
ssize_t pwritev(int handle, const iovec* parts, int number, off_t place) { return gathered(handle, parts, number, place, true); }
ssize_t pwritev64(int handle, const iovec* parts, int number, off64_t place) { return gathered(handle, parts, number, place, true); }
int open(const char* name, int flags, ...) { MODE return opened(AT_FDCWD, name, flags, mode); }
int open64(const char* name, int flags, ...) { MODE return opened(AT_FDCWD, name, flags, mode); }
int openat(int place, const char* name, int flags, ...) { MODE return opened(place, name, flags, mode); }
int openat64(int place, const char* name, int flags, ...) { MODE return opened(place, name, flags, mode); }
int creat(const char* name, mode_t mode) { return opened(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int fsync(int handle) { return flushed(handle, SYS_fsync); }
int fdatasync(int handle) { return flushed(handle, SYS_fdatasync); }
int ftruncate(int handle, off_t size) noexcept { return cut(of_handle(handle), size, by_handle, handle, ""); }
int ftruncate64(int handle, off64_t size) noexcept { return cut(of_handle(handle), size, by_handle, handle, ""); }
int truncate(const char* name, off_t size) noexcept { return cut(full_path(AT_FDCWD, name), size, by_name, -1, name); }
int truncate64(const char* name, off64_t size) noexcept { return cut(full_path(AT_FDCWD, name), size, by_name, -1, name); }
int rename(const char* old, const char* fresh) noexcept { return renamed(AT_FDCWD, old, AT_FDCWD, fresh, 0); }
int renameat(int from, const char* old, int to, const char* fresh) noexcept { return renamed(from, old, to, fresh, 0); }
int renameat2(int from, const char* old, int to, const char* fresh, unsigned flags) noexcept { return renamed(from, old, to, fresh, flags); }
int unlink(const char* name) noexcept { return removed(AT_FDCWD, name, 0); }
int unlinkat(int place, const char* name, int flags) noexcept { return removed(place, name, flags); }
int rmdir(const char* name) noexcept { return removed(AT_FDCWD, name, AT_REMOVEDIR); }
int mkdir(const char* name, mode_t mode) noexcept { return made(AT_FDCWD, name, mode); }
int mkdirat(int place, const char* name, mode_t mode) noexcept { return made(place, name, mode); }
}
