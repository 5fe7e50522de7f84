/// What tests of faults share: RECURRA_FAULT for a while, and processes that are killed.
#pragma once

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "recurra/base/fault.h"

namespace recurra::test {

/// RECURRA_FAULT says this while it lives, counted from its beginning.
class ScopedFault {
 public:
  explicit ScopedFault(const std::string& text) {
    setenv("RECURRA_FAULT", text.c_str(), 1);
    reload_fault();
  }

  ScopedFault(const ScopedFault&) = delete;
  ScopedFault& operator=(const ScopedFault&) = delete;

  ~ScopedFault() {
    unsetenv("RECURRA_FAULT");
    reload_fault();
  }
};

/// What became of a process that ran `action`, as waitpid tells; its exit status is what `action` returns, or
/// 99 after an exception.
template <class Action>
int status_of_child(Action action) {
  const pid_t child = fork();
  if (child == -1) throw std::runtime_error("no second process");
  if (child == 0) {
    int status = 99;
    try {
      status = action();
    } catch (...) {
    }
    _exit(status);
  }
  int status = 0;
  while (waitpid(child, &status, 0) == -1) continue;
  return status;
}

/// Whether a process that runs `action` was killed at its `n`th call of the file layer. Throws unless it was
/// or ran to its end.
template <class Action>
bool killed_at(i64 n, Action action) {
  const int status = status_of_child([&] {
    const ScopedFault fault("kill:write:" + std::to_string(n));
    action();
    return 0;
  });
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return true;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the process failed");
  return false;
}

}  // namespace recurra::test
