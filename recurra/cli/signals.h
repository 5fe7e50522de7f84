/// Signals that ask a training to end: it finishes its step, saves, and the process says by which it ended.
#pragma once

namespace recurra::cli {

/// While one lives, SIGINT, SIGTERM and SIGPIPE (nobody reads what is printed) ask to stop. A second SIGINT
/// or SIGTERM ends the process at once; files are written aside and renamed, so none is damaged.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  StopSignals(StopSignals&&) = delete;
  StopSignals& operator=(StopSignals&&) = delete;
};

/// The signal that asked to stop; 0: none did.
[[nodiscard]] int stop_signal() noexcept;

/// The exit status that tells of the signal, as shells make it: 130 for SIGINT, 143 for SIGTERM.
[[nodiscard]] constexpr int exit_status_of(int signal) noexcept {
  return 128 + signal;
}

}  // namespace recurra::cli
