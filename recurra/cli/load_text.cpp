/// Next-token examples from a text.
#include "recurra/base/error.h"
#include "recurra/cli/load_data.h"
#include "recurra/data/text.h"

namespace recurra::cli {

namespace {

TextLevel level_of(const std::string& name) {
  for (const TextLevel level : {TextLevel::bytes, TextLevel::words}) {
    if (name == name_of(level)) return level;
  }
  return TextLevel::characters;
}

NextTokenOptions windows_of(const DataOptions& options) {
  if (options.target_kind.starts_with("number")) {
    throw Error(ErrorCode::invalid_argument,
                "--target-kind",
                "class, or class-per-step, with --text",
                options.target_kind);
  }
  NextTokenOptions windows;
  windows.window = options.window;
  if (options.target_kind != "class-per-step") return windows;
  // Each token is foretold once.
  windows.stride = options.window;
  windows.targets = NextToken::every;
  return windows;
}

}  // namespace

LoadedData load_text(const DataOptions& options, Purpose purpose, const DataDescription* known) {
  NextTokenOptions windows = windows_of(options);
  const TextLevel level = level_of(options.text);
  const std::string text = read_text(options.data, level);
  const Vocabulary vocabulary =
      known != nullptr && known->vocabulary ? *known->vocabulary : Vocabulary::of(text, {level});
  std::vector<std::int32_t> ids = vocabulary.encode(text);
  if (static_cast<i64>(ids.size()) < options.window + (purpose == Purpose::predict ? 0 : 1)) {
    throw Error(ErrorCode::format,
                options.data,
                "more tokens than --window " + std::to_string(options.window),
                std::to_string(ids.size()));
  }
  if (purpose == Purpose::predict) ids.push_back(0);  // stands for what comes behind the last window
  LoadedData data;
  data.examples = next_token_examples(ids, windows);
  data.row_title = "tokens";
  for (i64 i = 0; i < data.examples.x.shape()[0]; ++i)
    data.row_names.push_back(std::to_string(i * windows.stride + windows.window));
  DataDescription& description = data.description;
  description.kind = DataKind::text;
  description.target_kind = options.target_kind.empty() ? "class" : options.target_kind;
  description.classes = description.outputs = description.ids = vocabulary.size();
  description.window = options.window;
  description.vocabulary = vocabulary;
  return data;
}

}  // namespace recurra::cli
