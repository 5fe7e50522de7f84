#include "recurra/data/text.h"

#include <algorithm>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/data/columns.h"
#include "recurra/data/utf8.h"
#include "recurra/data/vocabulary.h"

namespace recurra {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view spaces = " \t\n\v\f\r";

std::string hexadecimal(char letter) {
  constexpr char digits[] = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(letter);
  return {'0', 'x', digits[value / 16], digits[value % 16]};
}

void require_from_one(const char* name, i64 value) {
  if (value >= 1) return;
  throw Error(ErrorCode::invalid_argument, name, "from 1 up", std::to_string(value));
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t at = text.find_first_not_of(spaces);
  while (at != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(spaces, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(spaces, end);
  }
  return words;
}

}  // namespace

std::string_view name_of(TextLevel level) noexcept {
  switch (level) {
    case TextLevel::characters:
      return "characters";
    case TextLevel::bytes:
      return "bytes";
    case TextLevel::words:
      return "words";
  }
  return "";
}

std::string read_text(const std::filesystem::path& path, TextLevel level) {
  std::string text = read_file(path);
  if (text.empty()) throw Error(ErrorCode::format, path.string(), "a text", "an empty file");
  if (level == TextLevel::bytes) return text;
  const std::size_t wrong = first_not_utf8(text);
  if (wrong != text.size()) {
    throw Error(ErrorCode::format,
                path.string(),
                "text in UTF-8",
                "the byte " + hexadecimal(text[wrong]) + " at offset " + std::to_string(wrong));
  }
  if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
  return text;
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  const std::string text = read_text(path, TextLevel::characters);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    at = end + 1;
  }
  return lines;
}

std::vector<std::string_view> tokens_of(std::string_view text, TextLevel level) {
  if (level == TextLevel::words) return words_of(text);
  std::vector<std::string_view> tokens;
  for (std::size_t at = 0; at < text.size(); at += tokens.back().size()) {
    const std::size_t length = level == TextLevel::bytes ? 1 : utf8_length(text, at);
    tokens.push_back(text.substr(at, std::max(length, std::size_t{1})));
  }
  return tokens;
}

Examples next_token_examples(std::span<const std::int32_t> ids, const NextTokenOptions& options) {
  require_from_one("window", options.window);
  require_from_one("stride", options.stride);
  const auto size = static_cast<i64>(ids.size());
  if (size <= options.window) {
    throw Error(ErrorCode::invalid_argument,
                "text",
                "more than " + std::to_string(options.window) + " tokens for window " +
                    std::to_string(options.window),
                std::to_string(size));
  }
  const bool every = options.targets == NextToken::every;
  const i64 count = (size - options.window - 1) / options.stride + 1;
  Examples examples{Tensor({count, options.window}, Dtype::i32),
                    Tensor(every ? Shape{count, options.window} : Shape{count}, Dtype::i32)};
  std::int32_t* x = examples.x.as<std::int32_t>().data();
  std::int32_t* y = examples.y.as<std::int32_t>().data();
  for (i64 i = 0; i < count; ++i) {
    const std::int32_t* first = ids.data() + i * options.stride;
    x = std::copy_n(first, options.window, x);
    y = every ? std::copy_n(first + 1, options.window, y) : std::copy_n(first + options.window, 1, y);
  }
  return examples;
}

PaddedTexts pad_texts(const Vocabulary& vocabulary, std::span<const std::string> texts, i64 most_tokens) {
  if (most_tokens < 0) {
    throw Error(ErrorCode::invalid_argument, "most_tokens", "from 0 up", std::to_string(most_tokens));
  }
  std::vector<std::vector<std::int32_t>> rows;
  PaddedTexts padded;
  i64 longest = 1;
  i64 total = 0;
  for (const std::string& text : texts) {
    rows.push_back(vocabulary.encode(text));
    const auto length = static_cast<i64>(rows.back().size());
    if (most_tokens > 0 && length > most_tokens) rows.back().resize(static_cast<std::size_t>(most_tokens));
    padded.lengths.push_back(static_cast<int>(rows.back().size()));
    longest = std::max<i64>(longest, padded.lengths.back());
    total += padded.lengths.back();
  }
  const auto count = static_cast<i64>(texts.size());
  require_fair_padding("texts", count, longest, total);
  padded.x = Tensor({count, longest}, Dtype::i32);
  std::int32_t* out = padded.x.as<std::int32_t>().data();
  for (const auto& row : rows) {
    std::ranges::copy(row, out);
    out += longest;
  }
  return padded;
}

}  // namespace recurra
