#include "recurra/autograd/scope.h"

#include "recurra/base/threads.h"

namespace recurra::autograd {

namespace {

struct Settings {
  bool recording = true;
  const Target* target = nullptr;
  Execution execution = {};
};

Settings& settings() {
  thread_local Settings of_thread;
  return of_thread;
}

}  // namespace

NoGradient::NoGradient() noexcept : before_(settings().recording) {
  settings().recording = false;
}

NoGradient::~NoGradient() {
  settings().recording = before_;
}

RunOn::RunOn(const Execution& execution)
    : execution_before_(settings().execution), target_before_(settings().target) {
  check_threads(execution.threads);
  settings().execution = execution;
}

RunOn::RunOn(const Target& target) noexcept
    : execution_before_(settings().execution), target_before_(settings().target) {
  settings().target = &target;
}

RunOn::~RunOn() {
  settings().execution = execution_before_;
  settings().target = target_before_;
}

bool is_recording() noexcept {
  return settings().recording;
}

const Execution& execution() noexcept {
  return settings().execution;
}

const Target& target() {
  const Target* chosen = settings().target;
  return chosen != nullptr ? *chosen : active_target();
}

}  // namespace recurra::autograd
