#include "recurra/cli/data_options.h"

#include <algorithm>
#include <cctype>

#include "recurra/base/error.h"
#include "recurra/base/shown.h"
#include "recurra/cli/numbers.h"

namespace recurra::cli {

namespace {

constexpr const char* sources =
    "mnist, FILE.csv with --sequence or --window, FILE.npy, FILE.npz with --x, any file with --text";

bool is_table(const std::string& name) {
  return ends_in(name, ".csv") || ends_in(name, ".tsv");
}

DataKind kind_by_name(const DataOptions& options) {
  if (!options.text.empty()) return DataKind::text;
  if (options.data == "mnist") return DataKind::mnist;
  if (ends_in(options.data, ".npy") || ends_in(options.data, ".npz")) return DataKind::arrays;
  if (!options.sequence.empty()) return DataKind::sequences;
  if (options.window != 0) return DataKind::windows;
  if (is_table(options.data)) {
    throw Error(ErrorCode::invalid_argument,
                "--data " + options.data,
                "--sequence COLUMN, for many sequences, or --window STEPS, for one long series",
                "neither");
  }
  throw Error(ErrorCode::unsupported, "data", sources, shortened(options.data));
}

/// An option and the data it is for.
struct Use {
  const char* option;
  bool given;
  std::vector<DataKind> kinds;
};

std::vector<Use> uses_of(const DataOptions& options) {
  using enum DataKind;
  return {{"--labels", !options.labels.empty(), {arrays}},
          {"--x", !options.x.empty(), {arrays}},
          {"--y", !options.y.empty(), {arrays}},
          {"--sequence", !options.sequence.empty(), {sequences}},
          {"--target", !options.targets.empty(), {sequences, windows}},
          {"--features", !options.features.empty(), {sequences, windows}},
          {"--target-kind", !options.target_kind.empty(), {sequences, text}},
          {"--window", options.window != 0, {windows, text}},
          {"--horizon", options.horizon != 0, {windows}}};
}

void require_needed(const DataOptions& options, DataKind kind) {
  const bool npz = ends_in(options.data, ".npz");
  const char* missing = nullptr;
  if (kind == DataKind::text && options.window == 0) missing = "--window TOKENS";
  if (kind == DataKind::arrays && npz && options.x.empty()) missing = "--x NAME, the array of inputs";
  if (missing != nullptr)
    throw Error(ErrorCode::invalid_argument, "--data " + options.data, missing, "nothing");
  const char* wrong = nullptr;
  if (kind == DataKind::arrays && npz && !options.labels.empty()) wrong = "--y NAME, not --labels";
  if (kind == DataKind::arrays && !npz && !options.y.empty()) wrong = "--labels FILE.npy, not --y";
  if (kind == DataKind::arrays && !npz && !options.x.empty()) wrong = "no --x";
  if (wrong != nullptr) throw Error(ErrorCode::invalid_argument, "--data " + options.data, wrong, "it");
}

template <class T>
void fill(T& option, const T& known) {
  if (option == T()) option = known;
}

}  // namespace

bool ends_in(const std::string& name, const char* ending) {
  const std::string_view end(ending);
  if (name.size() < end.size()) return false;
  return std::equal(
      end.begin(), end.end(), name.end() - static_cast<std::ptrdiff_t>(end.size()), [](char a, char b) {
        return a == std::tolower(static_cast<unsigned char>(b));
      });
}

void add_data_options(CLI::App& command, DataOptions& options) {
  command.add_option("--data", options.data, std::string("Examples: ") + sources)
      ->type_name("DATA")
      ->capture_default_str();
  const auto add = [&](const char* name, std::string& value, const char* type, const char* help) {
    return command.add_option(name, value, help)->type_name(type);
  };
  add("--data-dir", options.folder, "FOLDER", "Folder of the files of mnist")->capture_default_str();
  add("--labels", options.labels, "FILE.npy", "Targets beside inputs in an npy file");
  add("--x", options.x, "NAME", "Array of inputs in an npz file");
  add("--y", options.y, "NAME", "Array of targets in an npz file");
  add("--sequence", options.sequence, "COLUMN", "CSV: column that says which sequence a row is a step of");
  add_list(command,
           "--target",
           options.targets,
           "CSV: column of targets; with --window more than one may be foretold, by default the features");
  add_list(command, "--features", options.features, "CSV: columns of inputs; default: all other numbers");
  add("--target-kind",
      options.target_kind,
      "KIND",
      "What is learned: class, number, class-per-step or number-per-step; default: class for a CSV column of "
      "text, number for one of numbers; with --text class, or class-per-step")
      ->check(CLI::IsMember({"class", "number", "class-per-step", "number-per-step"}));
  add_integer(
      command, "--window", options.window, {1}, "CSV of one long series, or text: steps the model sees")
      ->default_str("");
  add_integer(command, "--horizon", options.horizon, {1}, "CSV with --window: steps to foretell; default: 1")
      ->default_str("");
  add("--text",
      options.text,
      "LEVEL",
      "The file is a text: foretell the next of its characters, bytes or words")
      ->check(CLI::IsMember({"characters", "bytes", "words"}));
}

DataOptions completed(const DataOptions& options, const DataDescription& known) {
  DataOptions all = options;
  if (known.kind == DataKind::mnist || known.kind == DataKind::arrays) return all;
  if (options.data == "mnist" || ends_in(options.data, ".npy") || ends_in(options.data, ".npz")) {
    throw Error(
        ErrorCode::invalid_argument,
        "data",
        std::string("a file for ").append(name_of(known.kind)).append(", as the model was trained on"),
        options.data);
  }
  fill(all.sequence, known.sequence);
  fill(all.targets, known.targets);
  fill(all.features, known.features);
  fill(all.target_kind, known.target_kind);
  fill(all.window, known.window);
  fill(all.horizon, known.horizon);
  if (known.vocabulary) fill(all.text, std::string(name_of(known.vocabulary->level())));
  if (known.kind == DataKind::windows) all.target_kind.clear();
  return all;
}

DataKind kind_of(const DataOptions& options) {
  const DataKind kind = kind_by_name(options);
  for (const Use& use : uses_of(options)) {
    if (!use.given || std::ranges::find(use.kinds, kind) != use.kinds.end()) continue;
    std::string kinds;
    for (const DataKind one : use.kinds) kinds.append(kinds.empty() ? "" : " or ").append(name_of(one));
    throw Error(ErrorCode::invalid_argument,
                use.option,
                "data of the kind " + kinds,
                "--data " + shortened(options.data) + ", of the kind " + name_of(kind));
  }
  require_needed(options, kind);
  return kind;
}

std::vector<std::string> files_of(const DataOptions& options) {
  std::vector<std::string> files;
  if (options.data != "mnist") files.push_back(options.data);
  if (!options.labels.empty()) files.push_back(options.labels);
  return files;
}

}  // namespace recurra::cli
