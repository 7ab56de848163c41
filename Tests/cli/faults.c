/* What a tool meets when its surroundings fail, at a place that can be named and met again.
 *
 * Loaded in front of a tool (LD_PRELOAD; only programs named lir-* take part), this counts the
 * calls that change files: each is a crash point, numbered from 1. A write of more than one byte
 * to a file is two points: before it, and with the first half of it written. Descriptors 0 to 2 do
 * not count, so that messages are not among the points.
 *
 *   LIR_TEST_POINTS=FILE   appends a line for each point: its call, and what file it is about
 *   LIR_TEST_TRACE=FILE    appends a line for each point, too: its call, the file, and of a call that gives
 *                          a name the new one, with tabulators between; paths are absolute
 *   LIR_TEST_STOP=N        at point N kills the process
 *   LIR_TEST_SIGNAL=S      the number of the signal of LIR_TEST_STOP, 9 without it; a process that
 *                          survives the signal goes on with the call
 *   LIR_TEST_FAIL=N:CODE   the call at point N fails with CODE, a name such as ENOSPC; in the
 *                          middle of a write half of it is written, and the next write fails
 *   LIR_TEST_CLOCK=S       time() is S seconds later than it is
 *   LIR_TEST_LACKS=A,B     what the file system does not have: flock, exchange (of two names), link,
 *                          unnamed (files), or locks, with which flock says that it locked and does not
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int is_tool;
static long points, stop_at, fail_at;
static int stop_signal = SIGKILL, fail_code, write_fails;
static const char *list, *trace;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
  const char *name;
  int code;
} codes[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},     {"EDQUOT", EDQUOT}, {"EACCES", EACCES},
             {"EROFS", EROFS},   {"EXDEV", EXDEV}, {"ENOENT", ENOENT}, {"EINVAL", EINVAL},
             {"ENOSYS", ENOSYS}, {"ESTALE", ESTALE}};

static long number(const char *name) {
  const char *value = getenv(name);
  return value ? atol(value) : 0;
}

__attribute__((constructor)) static void begin(void) {
  is_tool = strncmp(program_invocation_short_name, "lir-", 4) == 0;
  if (!is_tool) return;
  list = getenv("LIR_TEST_POINTS");
  trace = getenv("LIR_TEST_TRACE");
  stop_at = number("LIR_TEST_STOP");
  if (number("LIR_TEST_SIGNAL")) stop_signal = (int)number("LIR_TEST_SIGNAL");
  /* Whoever started the tests in the background may have had it ignored. */
  if (stop_at) signal(stop_signal, SIG_DFL);
  const char *failure = getenv("LIR_TEST_FAIL");
  if (failure) {
    char *name;
    fail_at = strtol(failure, &name, 10);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
      if (*name == ':' && strcmp(name + 1, codes[i].name) == 0) fail_code = codes[i].code;
    if (!fail_code) {
      fprintf(stderr, "faults: LIR_TEST_FAIL=%s: expected N:CODE with a code of faults.c\n", failure);
      _exit(70);
    }
  }
}

/* The function behind the one of the same name here. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void append(const char *name, const char *line, int length) {
  long file = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (file < 0) return;
  syscall(SYS_write, file, line, length);
  syscall(SYS_close, file);
}

/* Notes the next point, whose call gives the new name, or NULL; whether it must fail, with errno set. */
static int fails_naming(const char *call, const char *path, const char *new) {
  char line[13000], folder[4096] = "";
  pthread_mutex_lock(&lock);
  points++;
  if (list) append(list, line, snprintf(line, sizeof line, "%s %s\n", call, path));
  if (trace) {
    if ((path[0] != '/' || (new && new[0] != '/')) && !getcwd(folder, sizeof folder - 1)) folder[0] = 0;
    strcat(folder, "/");
    append(trace, line,
           snprintf(line, sizeof line, "%s\t%s%s\t%s%s\n", call, path[0] == '/' ? "" : folder, path,
                    new && new[0] != '/' ? folder : "", new ? new : ""));
  }
  int stops = points == stop_at, fails = fail_code && points == fail_at;
  pthread_mutex_unlock(&lock);
  if (stops) raise(stop_signal);
  if (fails) errno = fail_code;
  return fails;
}

static int fails_at_point(const char *call, const char *path) { return fails_naming(call, path, NULL); }

static int counts_path(const char *path) {
  return is_tool && path && strncmp(path, "/dev/", 5) != 0 && strncmp(path, "/proc/", 6) != 0;
}

/* The path of a descriptor of a regular file or a folder, for the list; whether it counts. */
static int counts_descriptor(int descriptor, char *path, size_t size) {
  struct stat info;
  if (!is_tool || descriptor <= 2 || fstat(descriptor, &info) != 0) return 0;
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, size - 1);
  path[length < 0 ? 0 : length] = 0;
  return 1;
}

/* Whether the file system is to lack something, with errno set to what it says then. */
static int lacks(const char *what, int code) {
  const char *list = is_tool ? getenv("LIR_TEST_LACKS") : NULL;
  size_t length = strlen(what);
  for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
    if (strncmp(at, what, length) == 0 && (at[length] == ',' || !at[length])) {
      errno = code;
      return 1;
    }
  return 0;
}

int flock(int descriptor, int operation) {
  if (lacks("flock", ENOLCK)) return -1;
  return lacks("locks", 0) ? 0 : NEXT(flock)(descriptor, operation);
}

/* Calls that write bytes. */

/* How many bytes of `count` to write; -1 with errno set to fail. */
static ssize_t share_of_write(const char *call, int descriptor, size_t count) {
  char path[4096];
  if (count == 0 || !counts_descriptor(descriptor, path, sizeof path)) return (ssize_t)count;
  if (write_fails) {
    write_fails = 0;
    errno = fail_code;
    return -1;
  }
  return fails_at_point(call, path) ? -1 : (ssize_t)count;
}

/* Whether the first half alone is to be written: point N is in the middle of this write. */
static int half_is_next(int descriptor, size_t count) {
  char path[4096];
  if (count < 2 || !counts_descriptor(descriptor, path, sizeof path)) return 0;
  pthread_mutex_lock(&lock);
  int is_next = points + 1 == stop_at || (fail_code && points + 1 == fail_at);
  pthread_mutex_unlock(&lock);
  return is_next;
}

/* Behind the first half: stops here, or has the next write fail. */
static void reach_half(int descriptor) {
  char path[4096];
  if (counts_descriptor(descriptor, path, sizeof path) && fails_at_point("half-write", path))
    write_fails = 1;
}

#define WRITES(name, whole, half)                                   \
  {                                                                 \
    if (share_of_write(#name, descriptor, count) < 0) return -1;    \
    if (!half_is_next(descriptor, count)) {                         \
      if (count > 1) reach_half(descriptor);                        \
      return whole;                                                 \
    }                                                               \
    ssize_t done = half;                                            \
    int code = errno;                                               \
    reach_half(descriptor);                                         \
    errno = code;                                                   \
    return done;                                                    \
  }

ssize_t write(int descriptor, const void *bytes, size_t count)
    WRITES(write, NEXT(write)(descriptor, bytes, count), NEXT(write)(descriptor, bytes, count / 2))

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset)
    WRITES(pwrite, NEXT(pwrite)(descriptor, bytes, count, offset),
           NEXT(pwrite)(descriptor, bytes, count / 2, offset))

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset)
    WRITES(pwrite64, NEXT(pwrite64)(descriptor, bytes, count, offset),
           NEXT(pwrite64)(descriptor, bytes, count / 2, offset))

/* The middle of several pieces is behind the first. */
ssize_t writev(int descriptor, const struct iovec *pieces, int count)
    WRITES(writev, NEXT(writev)(descriptor, pieces, count), NEXT(writev)(descriptor, pieces, 1))

/* Calls that make, name and remove files. */

static int takes_mode(int flags) {
  return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

#define OPENS(call)                                             \
  va_list rest;                                                 \
  va_start(rest, flags);                                        \
  mode_t mode = takes_mode(flags) ? va_arg(rest, mode_t) : 0;   \
  va_end(rest);                                                 \
  if ((flags & O_TMPFILE) == O_TMPFILE && lacks("unnamed", EOPNOTSUPP)) return -1; \
  if (flags & (O_CREAT | O_TRUNC) && counts_path(path) && fails_at_point("open", path)) return -1; \
  return call;

int open(const char *path, int flags, ...) { OPENS(NEXT(open)(path, flags, mode)) }
int open64(const char *path, int flags, ...) { OPENS(NEXT(open64)(path, flags, mode)) }
int openat(int folder, const char *path, int flags, ...) {
  OPENS(NEXT(openat)(folder, path, flags, mode))
}
int openat64(int folder, const char *path, int flags, ...) {
  OPENS(NEXT(openat64)(folder, path, flags, mode))
}

#define CHANGES_PATH(name, path, call)                                 \
  {                                                                    \
    if (counts_path(path) && fails_at_point(#name, path)) return -1;   \
    return call;                                                       \
  }

#define CHANGES_DESCRIPTOR(name, call)                                                     \
  {                                                                                        \
    char path[4096];                                                                       \
    if (counts_descriptor(descriptor, path, sizeof path) && fails_at_point(#name, path)) return -1; \
    return call;                                                                           \
  }

int creat(const char *path, mode_t mode) CHANGES_PATH(creat, path, NEXT(creat)(path, mode))
#define RENAMES(name, call)                                                  \
  {                                                                          \
    if (counts_path(from) && fails_naming(#name, from, to)) return -1;       \
    return call;                                                             \
  }
int rename(const char *from, const char *to) RENAMES(rename, NEXT(rename)(from, to))
int renameat(int folder, const char *from, int other, const char *to)
    RENAMES(renameat, NEXT(renameat)(folder, from, other, to))
int renameat2(int folder, const char *from, int other, const char *to, unsigned flags)
    RENAMES(renameat2, flags & RENAME_EXCHANGE && lacks("exchange", EINVAL)
                           ? -1
                           : NEXT(renameat2)(folder, from, other, to, flags))
int link(const char *from, const char *to)
    CHANGES_PATH(link, to, lacks("link", EPERM) ? -1 : NEXT(link)(from, to))
int linkat(int folder, const char *from, int other, const char *to, int flags)
    CHANGES_PATH(linkat, to,
                 lacks("link", EPERM) ? -1 : NEXT(linkat)(folder, from, other, to, flags))
int symlink(const char *target, const char *path)
    CHANGES_PATH(symlink, path, NEXT(symlink)(target, path))
int symlinkat(const char *target, int folder, const char *path)
    CHANGES_PATH(symlinkat, path, NEXT(symlinkat)(target, folder, path))
int unlink(const char *path) CHANGES_PATH(unlink, path, NEXT(unlink)(path))
int unlinkat(int folder, const char *path, int flags)
    CHANGES_PATH(unlinkat, path, NEXT(unlinkat)(folder, path, flags))
int remove(const char *path) CHANGES_PATH(remove, path, NEXT(remove)(path))
int rmdir(const char *path) CHANGES_PATH(rmdir, path, NEXT(rmdir)(path))
int mkdir(const char *path, mode_t mode) CHANGES_PATH(mkdir, path, NEXT(mkdir)(path, mode))
int mkdirat(int folder, const char *path, mode_t mode)
    CHANGES_PATH(mkdirat, path, NEXT(mkdirat)(folder, path, mode))
int truncate(const char *path, off_t size) CHANGES_PATH(truncate, path, NEXT(truncate)(path, size))
int ftruncate(int descriptor, off_t size)
    CHANGES_DESCRIPTOR(ftruncate, NEXT(ftruncate)(descriptor, size))
int ftruncate64(int descriptor, off64_t size)
    CHANGES_DESCRIPTOR(ftruncate64, NEXT(ftruncate64)(descriptor, size))
int fsync(int descriptor) CHANGES_DESCRIPTOR(fsync, NEXT(fsync)(descriptor))
int fdatasync(int descriptor) CHANGES_DESCRIPTOR(fdatasync, NEXT(fdatasync)(descriptor))

/* The clock. */
time_t time(time_t *place) {
  time_t now = NEXT(time)(NULL) + (is_tool ? number("LIR_TEST_CLOCK") : 0);
  if (place) *place = now;
  return now;
}
