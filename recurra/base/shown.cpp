#include "recurra/base/shown.h"

#include <algorithm>

namespace recurra {

std::string without_controls(std::string text) {
  const auto is_control = [](unsigned char letter) {
    return letter < ' ' || letter == 0x7f;
  };
  std::ranges::replace_if(text, is_control, '?');
  return text;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::size_t end = std::min(text.size(), longest);
  // Back over the bytes that continue a code point, of which there are at most three: more is no UTF-8.
  const auto continues = [&](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  while (end + 3 > longest && continues(end)) --end;
  return without_controls(std::string(text.substr(0, end))).append(end < text.size() ? "…" : "");
}

std::string shown(std::string_view text) {
  return std::string("\"").append(shortened(text)).append("\"");
}

std::string shown_list(std::span<const std::string> names) {
  constexpr std::size_t most = 10;
  std::string list;
  for (const std::string& name : names.first(std::min(names.size(), most))) {
    list.append(list.empty() ? "" : ", ").append(shown(name));
  }
  if (names.size() > most) list.append(", …");
  return list.empty() ? "none" : list;
}

}  // namespace recurra
