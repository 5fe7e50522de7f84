#include "recurra/cli/signals.h"

#include <cerrno>
#include <csignal>
#include <string_view>

#include <unistd.h>

namespace recurra::cli {

namespace {

volatile std::sig_atomic_t asked_by = 0;

constexpr int signals[] = {SIGINT, SIGTERM, SIGPIPE};

void on_signal(int signal) {
  const int before = errno;
  if (asked_by != 0 && signal != SIGPIPE) _exit(exit_status_of(signal));
  if (asked_by == 0) {
    asked_by = signal;
    constexpr std::string_view words = "\nStopping after this step; once more ends at once\n";
    if (signal != SIGPIPE) static_cast<void>(!write(STDERR_FILENO, words.data(), words.size()));
  }
  errno = before;
}

void set_handler(void (*handler)(int)) {
  struct sigaction action {};

  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int signal : signals) sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  set_handler(on_signal);
}

StopSignals::~StopSignals() {
  set_handler(SIG_DFL);
}

int stop_signal() noexcept {
  return asked_by;
}

}  // namespace recurra::cli
