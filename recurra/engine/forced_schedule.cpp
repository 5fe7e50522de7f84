#include "recurra/engine/forced_schedule.h"

#include <charconv>
#include <cstdlib>
#include <string>
#include <system_error>

#include "recurra/base/error.h"

namespace recurra {

namespace {

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorCode::invalid_argument,
              "RECURRA_SCHEDULE",
              "at most one each of one, rows, units; together, in_turn; wavefront, wavefront:STEPS, "
              "layer_by_layer; separated by commas",
              std::string("\"").append(text).append("\""));
}

/// The steps of "wavefront:STEPS"; 0 where they are no number above 0.
i64 steps_of(std::string_view word) {
  i64 steps = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), steps);
  return fault == std::errc() && end == word.data() + word.size() && steps > 0 ? steps : 0;
}

/// Reads one word; false where it is none, or one of a group that has its word already.
bool read(std::string_view word, ForcedSchedule& forced) {
  constexpr std::string_view wave = "wavefront:";
  const bool shared = forced.one || forced.schedule != Schedule::automatic;
  if (word == "one" || word == "rows" || word == "units") {
    forced.one = word == "one";
    if (word == "rows") forced.schedule = Schedule::rows;
    if (word == "units") forced.schedule = Schedule::units;
    return !shared;
  }
  if (word == "together" || word == "in_turn") {
    const bool first = forced.directions == Directions::automatic;
    forced.directions = word == "together" ? Directions::together : Directions::in_turn;
    return first;
  }
  const bool first = forced.layers == Layers::automatic;
  forced.layers = word == "layer_by_layer" ? Layers::in_turn : Layers::wavefront;
  if (word == "layer_by_layer" || word == "wavefront") return first;
  if (!word.starts_with(wave)) return false;
  forced.wave = steps_of(word.substr(wave.size()));
  return first && forced.wave > 0;
}

ForcedSchedule read_environment() {
  const char* text = std::getenv("RECURRA_SCHEDULE");
  return parse_schedule(text != nullptr ? text : "");
}

}  // namespace

ForcedSchedule parse_schedule(std::string_view text) {
  ForcedSchedule forced;
  if (text.empty()) return forced;
  for (std::string_view rest = text; true;) {
    const std::size_t comma = rest.find(',');
    if (!read(rest.substr(0, comma), forced)) refuse(text);
    if (comma == std::string_view::npos) return forced;
    rest.remove_prefix(comma + 1);
  }
}

const ForcedSchedule& forced_schedule() {
  static const ForcedSchedule forced = read_environment();
  return forced;
}

Execution with_forced(const Execution& execution) {
  const ForcedSchedule& forced = forced_schedule();
  Execution all = execution;
  if (forced.one && execution.schedule == Schedule::automatic) all.threads = 1;
  if (execution.schedule == Schedule::automatic) all.schedule = forced.schedule;
  if (execution.directions == Directions::automatic) all.directions = forced.directions;
  if (execution.layers == Layers::automatic) {
    all.layers = forced.layers;
    if (execution.wave == 0) all.wave = forced.wave;
  }
  return all;
}

}  // namespace recurra
