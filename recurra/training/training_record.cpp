#include "recurra/training/training_record.h"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

/// JSON has no words for what is not finite.
Json number_json(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0.0 ? "inf" : "-inf";
}

Json state_json(const MetricState& state) {
  return Json::array({number_json(state.sum), number_json(state.count)});
}

Json run_json(const RunState& run) {
  Json metrics = Json::array();
  for (const MetricState& state : run.metrics) metrics.push_back(state_json(state));
  return {{"epoch", run.epoch},
          {"batch", run.batch},
          {"loss", state_json(run.loss)},
          {"metrics", metrics},
          {"settings", Json::parse(run.settings)}};
}

Json compile_json(const CompileRecord& compiled) {
  return {{"optimizer", Json::parse(compiled.optimizer)},
          {"loss", Json::parse(compiled.loss)},
          {"metrics", compiled.metrics},
          {"weighted_metrics", compiled.weighted_metrics},
          {"iterations", compiled.iterations}};
}

/// Reads members and says where one is not what it should be.
class Reader {
 public:
  Reader(const Json& json, std::string subject) : json_(json), subject_(std::move(subject)) {
    if (!json.is_object()) fail(subject_, "an object", json);
  }

  [[nodiscard]] const Json& at(const char* name) const {
    const auto found = json_.find(name);
    if (found == json_.end()) fail(subject_ + "." + name, "a value", Json());
    return *found;
  }

  [[nodiscard]] Reader object(const char* name) const { return {at(name), subject_ + "." + name}; }

  [[nodiscard]] bool has(const char* name) const { return json_.contains(name); }

  [[nodiscard]] std::uint64_t unsigned_number(const char* name) const {
    const Json& value = at(name);
    const bool fits = value.is_number_unsigned() || (value.is_number_integer() && value.get<i64>() >= 0);
    if (!fits) fail(subject_ + "." + name, "an integer from 0 up", value);
    return value.get<std::uint64_t>();
  }

  [[nodiscard]] i64 count(const char* name) const {
    const std::uint64_t value = unsigned_number(name);
    // Far above all counts of training, so that adding one is safe.
    if (value > std::uint64_t{1} << 62) fail(subject_ + "." + name, "below 2^62", at(name));
    return static_cast<i64>(value);
  }

  [[nodiscard]] std::vector<std::string> names(const char* name) const {
    std::vector<std::string> names;
    for (const Json& entry : list(name)) {
      if (!entry.is_string()) fail(subject_ + "." + name, "strings", entry);
      names.push_back(entry.get<std::string>());
    }
    return names;
  }

  [[nodiscard]] MetricState state(const char* name) const { return state_of(at(name), name); }

  [[nodiscard]] std::vector<MetricState> states(const char* name) const {
    std::vector<MetricState> states;
    for (const Json& entry : list(name)) states.push_back(state_of(entry, name));
    return states;
  }

 private:
  [[noreturn]] static void fail(const std::string& subject, const char* expected, const Json& actual) {
    throw Error(ErrorCode::format, subject, expected, actual.dump().substr(0, 60));
  }

  [[nodiscard]] const Json& list(const char* name) const {
    const Json& value = at(name);
    if (!value.is_array()) fail(subject_ + "." + name, "a list", value);
    return value;
  }

  [[nodiscard]] MetricState state_of(const Json& value, const char* name) const {
    if (!value.is_array() || value.size() != 2) fail(subject_ + "." + name, "a sum and a count", value);
    return {number_of(value[0], name), number_of(value[1], name)};
  }

  [[nodiscard]] double number_of(const Json& value, const char* name) const {
    if (value.is_number()) return value.get<double>();
    if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (value == "inf") return std::numeric_limits<double>::infinity();
    if (value == "-inf") return -std::numeric_limits<double>::infinity();
    fail(subject_ + "." + name, "a number", value);
  }

  const Json& json_;
  std::string subject_;
};

CompileRecord parse_compile(const Reader& reader) {
  return {reader.at("optimizer").dump(),
          reader.at("loss").dump(),
          reader.names("metrics"),
          reader.names("weighted_metrics"),
          reader.count("iterations")};
}

RunState parse_run(const Reader& reader) {
  static_cast<void>(reader.object("settings"));
  return {reader.count("epoch"),
          reader.count("batch"),
          reader.state("loss"),
          reader.states("metrics"),
          reader.at("settings").dump()};
}

}  // namespace

Json to_json(const TrainingRecord& record) {
  Json json{
      {"seed", record.seed}, {"epochs_done", record.epochs_done}, {"updates_done", record.updates_done}};
  if (record.compiled) json["compile"] = compile_json(*record.compiled);
  if (record.run) json["run"] = run_json(*record.run);
  return json;
}

TrainingRecord parse_training_record(const Json& json, const std::string& subject) {
  const Reader reader(json, subject);
  TrainingRecord record;
  record.seed = reader.unsigned_number("seed");
  record.epochs_done = reader.count("epochs_done");
  record.updates_done = reader.count("updates_done");
  if (reader.has("compile")) record.compiled = parse_compile(reader.object("compile"));
  if (reader.has("run")) record.run = parse_run(reader.object("run"));
  return record;
}

}  // namespace recurra
