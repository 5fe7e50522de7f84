#include "recurra/base/fault.h"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "recurra/base/error.h"

namespace recurra {

namespace {

constexpr const char* variable = "RECURRA_FAULT";
constexpr const char* grammar = "kill:write:N, short:write:N or fail:CALL:N[:ERRNO]";

constexpr std::pair<const char*, FileCall> calls[] = {{"open", FileCall::open},
                                                      {"write", FileCall::write},
                                                      {"fsync", FileCall::fsync},
                                                      {"rename", FileCall::rename},
                                                      {"close", FileCall::close},
                                                      {"unlink", FileCall::unlink},
                                                      {"read", FileCall::read}};

constexpr std::pair<const char*, int> errors[] = {{"EIO", EIO},
                                                  {"ENOSPC", ENOSPC},
                                                  {"EDQUOT", EDQUOT},
                                                  {"EINTR", EINTR},
                                                  {"EFBIG", EFBIG},
                                                  {"EACCES", EACCES},
                                                  {"EROFS", EROFS},
                                                  {"EMFILE", EMFILE},
                                                  {"EINVAL", EINVAL}};

template <class Value, std::size_t Size>
Value find(const std::pair<const char*, Value> (&table)[Size], const char* what, const std::string& name) {
  std::string known;
  for (const auto& [word, value] : table) {
    if (name == word) return value;
    known.append(known.empty() ? "" : ", ").append(word);
  }
  throw Error(ErrorCode::unsupported, std::string(variable).append(": ").append(what), known, name);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char letter : text) {
    if (letter == ':') {
      words.emplace_back();
    } else {
      words.back() += letter;
    }
  }
  return words;
}

i64 parse_count(const std::string& text) {
  i64 count = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || stopped != end || count < 1) {
    throw Error(ErrorCode::invalid_argument, std::string(variable) + ": N", "a whole number from 1 up", text);
  }
  return count;
}

/// What was asked for and how many of the calls it counts there were.
struct State {
  Fault fault;
  std::atomic<i64> counted{0};

  [[nodiscard]] bool counts(FileCall call) const noexcept {
    return fault.action == Fault::Action::kill ? call != FileCall::read : call == fault.call;
  }
};

Fault fault_of_environment() {
  const char* text = std::getenv(variable);
  return text == nullptr ? Fault() : parse_fault(text);
}

State& state() {
  static State state{fault_of_environment()};
  return state;
}

}  // namespace

Fault parse_fault(const std::string& text) {
  constexpr std::pair<const char*, Fault::Action> actions[] = {
      {"kill", Fault::Action::kill}, {"fail", Fault::Action::fail}, {"short", Fault::Action::shorten}};
  const std::vector<std::string> words = split(text);
  Fault fault;
  fault.action = find(actions, "action", words[0]);
  const bool fails = fault.action == Fault::Action::fail;
  const bool complete = words.size() == 3 || (fails && words.size() == 4);
  if (!complete) throw Error(ErrorCode::invalid_argument, variable, grammar, text);
  fault.call = find(calls, "call", words[1]);
  if (!fails && fault.call != FileCall::write)
    throw Error(ErrorCode::invalid_argument, variable, grammar, text);
  fault.at = parse_count(words[2]);
  if (fails) fault.error_number = words.size() == 4 ? find(errors, "error", words[3]) : EIO;
  return fault;
}

void reload_fault() {
  const Fault fault = fault_of_environment();
  state().fault = fault;
  state().counted = 0;
}

bool fails_on_demand(FileCall call) {
  State& now = state();
  if (now.fault.action == Fault::Action::none || !now.counts(call)) return false;
  if (++now.counted != now.fault.at || now.fault.action == Fault::Action::shorten) return false;
  if (now.fault.action == Fault::Action::kill) std::raise(SIGKILL);
  errno = now.fault.error_number;
  return true;
}

std::size_t write_length(std::size_t count) {
  const State& now = state();
  const bool shortens = now.fault.action == Fault::Action::shorten && now.counted == now.fault.at;
  return shortens ? (count + 1) / 2 : count;
}

}  // namespace recurra
