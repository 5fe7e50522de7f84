#include "recurra/base/shown.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"

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

TEST(Shown, texts_of_errors_have_no_control_characters_and_short_names) {
  EXPECT_STREQ(Error(ErrorCode::format,
                     "a\n",
                     "b\x1b[2J",
                     "Gr\xC3\xBC\xC3\x9F"
                     "e\r")
                   .what(),
               "a?: expected b?[2J, got Gr\xC3\xBC\xC3\x9F"
               "e?");
  const Error long_name(ErrorCode::unsupported, "layer", "LSTM", std::string(200, 'a'));
  EXPECT_EQ(long_name.what(), "layer \"" + std::string(80, 'a') + "…\": supported are LSTM");
  EXPECT_EQ(long_name.actual().size(), 200U);
}

}  // namespace

}  // namespace recurra
