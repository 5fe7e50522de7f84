#include "recurra/cli/data_description.h"

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/layers/json_text.h"

namespace recurra::cli {

namespace {

using Json = nlohmann::json;

constexpr const char* metadata_key = "data";

constexpr DataKind kinds[] = {
    DataKind::mnist, DataKind::sequences, DataKind::windows, DataKind::arrays, DataKind::text};

/// A member of an object, checked by the type it is read as.
template <class T>
T read(const Json& json, const char* name, const std::string& subject) {
  try {
    return json.at(name).get<T>();
  } catch (const Json::exception&) {
    throw Error(ErrorCode::format, subject + "." + name, "what train wrote", json.value(name, Json()).dump());
  }
}

}  // namespace

const char* name_of(DataKind kind) noexcept {
  switch (kind) {
    case DataKind::mnist:
      return "mnist";
    case DataKind::sequences:
      return "sequences";
    case DataKind::windows:
      return "windows";
    case DataKind::arrays:
      return "arrays";
    case DataKind::text:
      return "text";
  }
  return "";
}

std::string DataDescription::class_name(i64 id) const {
  if (vocabulary) return vocabulary->decode(std::vector{static_cast<std::int32_t>(id)});
  if (id >= 0 && id < static_cast<i64>(class_names.size())) return class_names[static_cast<std::size_t>(id)];
  return std::to_string(id);
}

Json to_json(const DataDescription& description) {
  Json json = {{"kind", name_of(description.kind)},
               {"sequence", description.sequence},
               {"target_kind", description.target_kind},
               {"target_is_text", description.target_is_text},
               {"features", description.features},
               {"targets", description.targets},
               {"class_names", description.class_names},
               {"classes", description.classes},
               {"outputs", description.outputs},
               {"ids", description.ids},
               {"window", description.window},
               {"horizon", description.horizon}};
  if (description.vocabulary) json["vocabulary"] = description.vocabulary->to_json();
  try {
    static_cast<void>(json.dump());
  } catch (const Json::type_error&) {
    throw Error(ErrorCode::format, "data", "names of columns and classes in UTF-8", "other bytes");
  }
  return json;
}

DataDescription parse_description(const Json& json, const std::string& subject) {
  if (!json.is_object()) throw Error(ErrorCode::format, subject, "a JSON object", json.dump());
  DataDescription description;
  const auto name = read<std::string>(json, "kind", subject);
  bool known = false;
  for (const DataKind kind : kinds) {
    if (name != name_of(kind)) continue;
    description.kind = kind;
    known = true;
  }
  if (!known) throw Error(ErrorCode::format, subject + ".kind", "what train wrote", name);
  description.sequence = read<std::string>(json, "sequence", subject);
  description.target_kind = read<std::string>(json, "target_kind", subject);
  description.target_is_text = read<bool>(json, "target_is_text", subject);
  description.features = read<std::vector<std::string>>(json, "features", subject);
  description.targets = read<std::vector<std::string>>(json, "targets", subject);
  description.class_names = read<std::vector<std::string>>(json, "class_names", subject);
  description.classes = read<i64>(json, "classes", subject);
  description.outputs = read<i64>(json, "outputs", subject);
  description.ids = read<i64>(json, "ids", subject);
  description.window = read<i64>(json, "window", subject);
  description.horizon = read<i64>(json, "horizon", subject);
  if (json.contains("vocabulary")) description.vocabulary = Vocabulary::from_json(json["vocabulary"]);
  return description;
}

void describe(Sequential& model, const DataDescription& description) {
  model.set_metadata(metadata_key, to_json(description).dump());
}

std::optional<DataDescription> description_of(const Sequential& model, const std::string& file) {
  const auto found = model.metadata().find(metadata_key);
  if (found == model.metadata().end()) return {};
  const std::string subject = file + ": data";
  return parse_description(parse_json(found->second, subject), subject);
}

}  // namespace recurra::cli
