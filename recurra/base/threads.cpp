#include "recurra/base/threads.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "recurra/base/cpu.h"
#include "recurra/base/error.h"

namespace recurra {

namespace {

std::atomic<int> set_number{0};  // 0: set_threads has not been called

int all_processors() noexcept {
  return std::min(usable_processors(), most_threads);
}

int default_threads() {
  const char* given = std::getenv("RECURRA_THREADS");
  if (given == nullptr) return all_processors();
  const std::string_view text(given);
  int number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size() || number < 1 || number > most_threads) {
    throw Error(ErrorCode::invalid_argument,
                "RECURRA_THREADS",
                "a number from 1 to 64",
                std::string("\"").append(text).append("\""));
  }
  return number;
}

}  // namespace

int threads() {
  const int number = set_number.load(std::memory_order_relaxed);
  if (number > 0) return number;
  static const int by_default = default_threads();
  return by_default;
}

void set_threads(int threads) {
  check_threads(threads);
  set_number.store(threads > 0 ? threads : all_processors(), std::memory_order_relaxed);
}

void check_threads(int threads) {
  if (threads < 0 || threads > most_threads) {
    throw Error(ErrorCode::invalid_argument, "threads", "0 to 64", std::to_string(threads));
  }
}

}  // namespace recurra
