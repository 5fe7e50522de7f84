#include "recurra/data/shown.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/data/utf8.h"

namespace recurra {

namespace {

TEST(Shown, shows_short_texts_whole) {
  EXPECT_EQ(shown(""), "\"\"");
  EXPECT_EQ(shown("Grüße"), "\"Grüße\"");
  EXPECT_EQ(shown(std::string(80, 'a')), "\"" + std::string(80, 'a') + "\"");
}

TEST(Shown, replaces_control_characters_and_keeps_other_bytes) {
  EXPECT_EQ(shown(std::string("a\n\x1b\0\x7f", 5)), "\"a????\"");
  EXPECT_EQ(shown("\xff\xfe"), "\"\xff\xfe\"");
}

TEST(Shown, cuts_between_code_points) {
  EXPECT_EQ(shown(std::string(81, 'a')), "\"" + std::string(80, 'a') + "…\"");
  EXPECT_EQ(shown(std::string(79, 'a') + "üb"), "\"" + std::string(79, 'a') + "…\"");
  EXPECT_EQ(shown(std::string(77, 'a') + "\U0001F600b"), "\"" + std::string(77, 'a') + "…\"");
}

TEST(Shown, cuts_bytes_that_are_no_text_somewhere) {
  const std::string text = shown(std::string(200, '\x80'));
  EXPECT_LE(text.size(), 86U);
  EXPECT_GE(text.size(), 80U);
}

TEST(Shown, lists_at_most_ten) {
  EXPECT_EQ(shown_list(std::vector<std::string>{}), "none");
  EXPECT_EQ(shown_list(std::vector<std::string>{"a", "b"}), R"("a", "b")");
  EXPECT_EQ(shown_list(std::vector<std::string>(11, "a")),
            R"("a", "a", "a", "a", "a", "a", "a", "a", "a", "a", …)");
}

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
