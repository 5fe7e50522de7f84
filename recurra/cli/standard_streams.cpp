#include "recurra/cli/standard_streams.h"

#include <cerrno>
#include <cstdio>
#include <iostream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace recurra::cli {

namespace {

/// Whether standard output is a pipe or a socket, or came closed.
bool nobody_listens() {
  struct stat status {};

  if (fstat(STDOUT_FILENO, &status) != 0) return true;
  if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY) return true;
  return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
}

}  // namespace

void open_missing_streams() {
  for (int descriptor = 0; descriptor <= STDERR_FILENO; ++descriptor) {
    // The lowest free number is the one that is missing.
    if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDONLY) < 0) return;
  }
}

bool finish_output() {
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good()) return true;
  if (!nobody_listens()) fmt::print(stderr, "recurra: standard output: not all could be written\n");
  return false;
}

}  // namespace recurra::cli
