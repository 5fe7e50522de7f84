#include "recurra/data/vocabulary.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/base/shown.h"
#include "recurra/data/utf8.h"

namespace recurra {

namespace {

using Json = nlohmann::json;

constexpr TextLevel levels[] = {TextLevel::characters, TextLevel::bytes, TextLevel::words};
constexpr std::size_t most = std::numeric_limits<std::int32_t>::max() - 2;  // ids are 32 bits wide

[[noreturn]] void refuse(const std::string& expected, const std::string& actual) {
  throw Error(ErrorCode::format, "vocabulary", expected, actual);
}

void require_token(const std::string& token, TextLevel level) {
  const std::vector<std::string_view> tokens = tokens_of(token, level);
  const bool text = level == TextLevel::bytes || first_not_utf8(token) == token.size();
  if (text && tokens.size() == 1 && tokens[0] == token) return;
  refuse("tokens that are " + std::string(name_of(level)), shown(token));
}

TextLevel parse_level(const Json& json) {
  const auto found = json.find("level");
  for (const TextLevel level : levels) {
    if (found != json.end() && *found == name_of(level)) return level;
  }
  refuse("level characters, bytes or words", found == json.end() ? "none" : found->dump(-1, ' ', true));
}

std::string parse_token(const Json& json, TextLevel level) {
  if (level != TextLevel::bytes && json.is_string()) return json.get<std::string>();
  const bool byte = level == TextLevel::bytes && json.is_number_unsigned() && json.get<std::uint64_t>() < 256;
  if (!byte) {
    refuse(level == TextLevel::bytes ? "tokens that are numbers from 0 to 255" : "tokens that are strings",
           std::string(json.type_name()));
  }
  return std::string(1, static_cast<char>(json.get<int>()));
}

}  // namespace

Vocabulary::Vocabulary(TextLevel level, std::vector<std::string> tokens)
    : level_(level), tokens_(std::move(tokens)) {
  if (tokens_.size() > most) {
    refuse("at most " + std::to_string(most) + " tokens", std::to_string(tokens_.size()));
  }
  for (const std::string& token : tokens_) {
    require_token(token, level);
    const auto id = static_cast<std::int32_t>(ids_.size() + 1);
    if (!ids_.emplace(token, id).second) refuse("each token once", shown(token) + " twice");
  }
}

Vocabulary Vocabulary::of(std::span<const std::string> texts, const VocabularyOptions& options) {
  if (options.most_tokens < 0) {
    throw Error(ErrorCode::invalid_argument, "most_tokens", "from 0 up", std::to_string(options.most_tokens));
  }
  std::unordered_map<std::string, i64, Hash, std::equal_to<>> counts;
  for (const std::string& text : texts) {
    for (const std::string_view token : tokens_of(text, options.level)) {
      const auto found = counts.find(token);
      found == counts.end() ? static_cast<void>(counts.emplace(token, 1))
                            : static_cast<void>(++found->second);
    }
  }
  std::vector<std::pair<i64, std::string>> order;  // minus the count, token
  for (const auto& [token, count] : counts) {
    const bool is_text = options.level == TextLevel::bytes || first_not_utf8(token) == token.size();
    if (is_text) order.emplace_back(-count, token);
  }
  std::ranges::sort(order);
  if (options.most_tokens > 0 && static_cast<i64>(order.size()) > options.most_tokens) {
    order.resize(static_cast<std::size_t>(options.most_tokens));
  }
  std::vector<std::string> tokens;
  for (auto& [count, token] : order) tokens.push_back(std::move(token));
  return {options.level, std::move(tokens)};
}

Vocabulary Vocabulary::of(std::string_view text, const VocabularyOptions& options) {
  const std::string texts[] = {std::string(text)};
  return of(texts, options);
}

std::vector<std::int32_t> Vocabulary::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  for (const std::string_view token : tokens_of(text, level_)) {
    const auto found = ids_.find(token);
    ids.push_back(found == ids_.end() ? unknown() : found->second);
  }
  return ids;
}

std::string Vocabulary::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] > unknown()) {
      throw Error(ErrorCode::invalid_argument,
                  "ids[" + std::to_string(i) + "]",
                  "0 to " + std::to_string(unknown()),
                  std::to_string(ids[i]));
    }
    if (ids[i] == 0) continue;
    if (level_ == TextLevel::words && !text.empty()) text.push_back(' ');
    if (ids[i] == unknown()) {
      text.append(level_ == TextLevel::bytes ? "?" : "\xEF\xBF\xBD");
    } else {
      text.append(tokens_[static_cast<std::size_t>(ids[i] - 1)]);
    }
  }
  return text;
}

Json Vocabulary::to_json() const {
  Json tokens = Json::array();
  for (const std::string& token : tokens_) {
    if (level_ == TextLevel::bytes) {
      tokens.push_back(static_cast<unsigned>(static_cast<unsigned char>(token[0])));
    } else {
      tokens.push_back(token);
    }
  }
  return {{"level", name_of(level_)}, {"tokens", std::move(tokens)}};
}

Vocabulary Vocabulary::from_json(const Json& json) {
  if (!json.is_object()) refuse("an object", json.type_name());
  const TextLevel level = parse_level(json);
  const auto found = json.find("tokens");
  if (found == json.end() || !found->is_array()) {
    refuse("tokens in an array", found == json.end() ? "none" : found->type_name());
  }
  std::vector<std::string> tokens;
  for (const Json& token : *found) tokens.push_back(parse_token(token, level));
  return {level, std::move(tokens)};
}

}  // namespace recurra
