#include "recurra/data/utf8.h"

namespace recurra {

namespace {

/// What may follow a first byte: how many bytes in all, and the range of the second.
struct Form {
  std::size_t length;
  unsigned second_low;
  unsigned second_high;
};

/// RFC 3629, section 4. Length 0: no code point begins so.
Form form_of(unsigned first) noexcept {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xC2) return {0, 0, 0};
  if (first < 0xE0) return {2, 0x80, 0xBF};
  if (first < 0xF0) return {3, first == 0xE0 ? 0xA0U : 0x80U, first == 0xED ? 0x9FU : 0xBFU};
  if (first < 0xF5) return {4, first == 0xF0 ? 0x90U : 0x80U, first == 0xF4 ? 0x8FU : 0xBFU};
  return {0, 0, 0};
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t index) {
    return static_cast<unsigned>(static_cast<unsigned char>(text[at + index]));
  };
  const Form form = form_of(byte(0));
  if (form.length > text.size() - at) return 0;
  if (form.length > 1 && (byte(1) < form.second_low || byte(1) > form.second_high)) return 0;
  for (std::size_t i = 2; i < form.length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  return form.length;
}

std::size_t first_not_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace recurra
