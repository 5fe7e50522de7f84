/// The tokens a model knows, and their ids.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "recurra/base/platform.h"
#include "recurra/data/text.h"

namespace recurra {

/// How a vocabulary is made.
struct VocabularyOptions {
  TextLevel level = TextLevel::characters;
  i64 most_tokens = 0;  ///< keeps this many, the most frequent; 0: all
};

/// Token and id. 0 is padding, 1 to tokens are the tokens, the most frequent first and the smaller (in bytes)
/// first among equals; the last id, tokens + 1, is every token that is not known.
class RECURRA_API Vocabulary {
 public:
  /// Throws Error (format), subject `vocabulary`: a token that comes twice or is none of this level.
  Vocabulary(TextLevel level, std::vector<std::string> tokens);

  /// Of the tokens of `texts`. Throws Error (invalid_argument) for most_tokens below 0.
  [[nodiscard]] static Vocabulary of(std::span<const std::string> texts,
                                     const VocabularyOptions& options = {});
  /// Of the tokens of one text.
  [[nodiscard]] static Vocabulary of(std::string_view text, const VocabularyOptions& options = {});

  [[nodiscard]] TextLevel level() const noexcept { return level_; }

  /// By id, from that of 1 on.
  [[nodiscard]] const std::vector<std::string>& tokens() const noexcept { return tokens_; }

  /// Ids there are, padding and the unknown among them: what an embedding or a softmax must have.
  [[nodiscard]] i64 size() const noexcept { return static_cast<i64>(tokens_.size()) + 2; }

  [[nodiscard]] std::int32_t unknown() const noexcept {
    return static_cast<std::int32_t>(tokens_.size() + 1);
  }

  /// The ids of a text's tokens.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;

  /// The text of ids: nothing for padding, U+FFFD (bytes: `?`) for the unknown, a space between words. Throws
  /// Error (invalid_argument) for an id that is none.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

  /// `{"level": "characters", "tokens": ["e", …]}`; bytes as numbers.
  [[nodiscard]] nlohmann::json to_json() const;

  /// What to_json gave. Throws Error (format), subject `vocabulary`.
  [[nodiscard]] static Vocabulary from_json(const nlohmann::json& json);

 private:
  /// Finds a std::string by a view of it.
  struct Hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  TextLevel level_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids_;
};

}  // namespace recurra
