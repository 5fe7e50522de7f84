#include "recurra/data/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace recurra {

namespace {

TEST(Utf8, knows_code_points_of_all_lengths) {
  for (const std::string text : {"a",
                                 "\x7f",
                                 "\xC2\x80",
                                 "ü",
                                 "\xE0\xA0\x80",
                                 "\xED\x9F\xBF",
                                 "\xEE\x80\x80",
                                 "€",
                                 "\xF0\x90\x80\x80",
                                 "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(utf8_length(text, 0), text.size()) << text;
    EXPECT_EQ(first_not_utf8(text + text), 2 * text.size());
  }
}

TEST(Utf8, refuses_all_else) {
  // Continuation, overlong, surrogate, beyond the last code point, no code point at all, cut short.
  for (const std::string text : {"\x80",
                                 "\xC0\x80",
                                 "\xC1\xBF",
                                 "\xE0\x9F\xBF",
                                 "\xED\xA0\x80",
                                 "\xF0\x8F\xBF\xBF",
                                 "\xF4\x90\x80\x80",
                                 "\xF5\x80\x80\x80",
                                 "\xff",
                                 "\xC3",
                                 "\xE2\x82",
                                 "\xE2\x28\xA1",
                                 "\xF0\x9F\x98"}) {
    EXPECT_EQ(utf8_length(text, 0), 0U);
    EXPECT_EQ(first_not_utf8("ab" + text), 2U);
  }
}

}  // namespace

}  // namespace recurra
