/* A wall clock that a test sets while a program runs. Preloaded, it adds the seconds in a file to CLOCK_REALTIME and
 * leaves every other clock as it is, like a machine whose clock somebody sets. SHIFTED_CLOCK names the file: eight
 * bytes, a signed number in the machine's order. The file is mapped, so a test that writes it moves the clock at once.
 * Thread: any; the file is mapped before main. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void map_shift(void) {
  const char *path = getenv("SHIFTED_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) abort(); /* a test that moved no clock would show nothing */
  close(file);
  shift = page;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  int status = (int)syscall(SYS_clock_gettime, clock, out);
  if (status == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += *shift;
  return status;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
