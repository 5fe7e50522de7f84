/// Texts as models read them: files, tokens, and examples made of tokens' ids.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "recurra/base/platform.h"
#include "recurra/data/examples.h"

namespace recurra {

class Vocabulary;

/// What a token is.
enum class TextLevel {
  characters,  ///< a code point of UTF-8
  bytes,       ///< a byte, whatever it means
  words,       ///< what stands between ASCII spaces, tabs and line ends; case and punctuation stay
};

/// `characters`, …
[[nodiscard]] RECURRA_API std::string_view name_of(TextLevel level) noexcept;

/// The file's text. For characters and words it must be UTF-8, whose byte order mark is dropped; for bytes
/// all is kept. Throws Error naming the path: io (cannot be read), format (not UTF-8, with the byte's offset
/// in the file; empty).
[[nodiscard]] RECURRA_API std::string read_text(const std::filesystem::path& path, TextLevel level);

/// The lines of a file in UTF-8, which end in LF or CRLF. Errors as read_text.
[[nodiscard]] RECURRA_API std::vector<std::string> read_lines(const std::filesystem::path& path);

/// The tokens of `text`, which must outlive them. Where characters are no UTF-8, each such byte is a token.
[[nodiscard]] RECURRA_API std::vector<std::string_view> tokens_of(std::string_view text, TextLevel level);

/// What a model is to foretell from a window of tokens.
enum class NextToken {
  last,   ///< y (count): the token behind the window
  every,  ///< y (count, window): at each step the token that follows
};

/// How windows are cut from a text.
struct NextTokenOptions {
  i64 window = 64;  ///< > 0, tokens the model sees
  i64 stride = 1;   ///< > 0, tokens from the beginning of a window to that of the next
  NextToken targets = NextToken::last;
};

/// Windows over `ids`: x i32 (count, window), y i32; count = (ids - window - 1) / stride + 1.
///
/// Throws Error (invalid_argument) for fewer than window + 1 ids, a window or a stride below 1.
[[nodiscard]] RECURRA_API Examples next_token_examples(std::span<const std::int32_t> ids,
                                                       const NextTokenOptions& options);

/// Texts as ids.
struct PaddedTexts {
  Tensor x;                  ///< i32 (texts, longest), 0 behind a text's last token; at least one step
  std::vector<int> lengths;  ///< (texts)
};

/// Each text as ids. Of one longer than `most_tokens` its beginning; 0: no limit.
///
/// Throws Error: invalid_argument (`most_tokens` below 0), format, subject `texts` (lengths that differ so
/// much that padding takes 100 times the memory).
[[nodiscard]] RECURRA_API PaddedTexts pad_texts(const Vocabulary& vocabulary,
                                                std::span<const std::string> texts,
                                                i64 most_tokens = 0);

}  // namespace recurra
