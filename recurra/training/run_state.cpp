#include "recurra/training/run_state.h"

#include <map>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

/// The leaves of nested settings by name: optimizer.learning_rate.
std::map<std::string, std::string> leaves_of(const std::string& settings) {
  std::map<std::string, std::string> leaves;
  const Json flat = Json::parse(settings).flatten();
  for (const auto& [path, value] : flat.items()) {
    std::string name = path.substr(1);
    const std::size_t config = name.find("/config/");
    if (config != std::string::npos) name.erase(config, std::string("/config").size());
    for (char& letter : name) letter = letter == '/' ? '.' : letter;
    leaves[name] = value.dump();
  }
  return leaves;
}

std::string text_of(const std::map<std::string, std::string>& leaves, const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const auto found = leaves.find(name);
    text.append(text.empty() ? "" : ", ").append(name).append(" ");
    text.append(found == leaves.end() ? "none" : found->second);
  }
  return text;
}

}  // namespace

void require_same_settings(const std::string& began, const std::string& now) {
  const std::map<std::string, std::string> before = leaves_of(began);
  const std::map<std::string, std::string> after = leaves_of(now);
  std::set<std::string> different;
  const auto add_differences = [&](const auto& some, const auto& others) {
    for (const auto& [name, value] : some) {
      const auto found = others.find(name);
      if (found == others.end() || found->second != value) different.insert(name);
    }
  };
  add_differences(before, after);
  add_differences(after, before);
  if (different.empty()) return;
  throw Error(
      ErrorCode::invalid_argument, "resumed fit", text_of(before, different), text_of(after, different));
}

}  // namespace recurra
