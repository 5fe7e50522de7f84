#include "recurra/data/text.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "recurra/base/error.h"
#include "recurra/data/vocabulary.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

using Ids = std::vector<std::int32_t>;
using Json = nlohmann::json;
using test::error_text;
using test::TemporaryFolder;
using test::write_bytes;
using Texts = std::vector<std::string>;

std::vector<std::int32_t> values_of(const Tensor& tensor) {
  return {tensor.as<std::int32_t>().begin(), tensor.as<std::int32_t>().end()};
}

std::vector<std::string> tokens(std::string_view text, TextLevel level) {
  const auto views = tokens_of(text, level);
  return {views.begin(), views.end()};
}

/// The error of reading a file of these bytes, without the path in front of it.
std::string refusal_of(const std::string& bytes, TextLevel level) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", bytes);
  const std::string text = error_text(ErrorCode::format, [&] { (void)read_text(folder / "file", level); });
  const std::string prefix = (folder / "file").string() + ": ";
  EXPECT_TRUE(text.starts_with(prefix)) << text;
  return text.substr(std::min(prefix.size(), text.size()));
}

TEST(Text, is_read_as_it_is) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "\xEF\xBB\xBFGrüße\r\n");
  EXPECT_EQ(read_text(folder / "file", TextLevel::characters), "Grüße\r\n");
  EXPECT_EQ(read_text(folder / "file", TextLevel::bytes), "\xEF\xBB\xBFGrüße\r\n");
}

TEST(Text, names_the_first_byte_that_is_no_utf8) {
  EXPECT_EQ(refusal_of("ab\xff", TextLevel::characters),
            "expected text in UTF-8, got the byte 0xff at offset 2");
  EXPECT_EQ(refusal_of("\xEF\xBB\xBF\xC3", TextLevel::words),
            "expected text in UTF-8, got the byte 0xc3 at offset 3");
  EXPECT_EQ(refusal_of("", TextLevel::bytes), "expected a text, got an empty file");
  const TemporaryFolder folder;
  write_bytes(folder / "file", std::string("a\xff\0", 3));
  EXPECT_EQ(read_text(folder / "file", TextLevel::bytes), std::string("a\xff\0", 3));
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_text(folder.path(), TextLevel::bytes); }),
            folder.path().string() + ": expected a regular file, got a folder");
}

TEST(Text, is_read_by_lines) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "one\r\n\ntwo");
  EXPECT_EQ(read_lines(folder / "file"), (Texts{"one", "", "two"}));
  write_bytes(folder / "file", "one\n");
  EXPECT_EQ(read_lines(folder / "file"), (Texts{"one"}));
}

TEST(Tokens, are_characters_bytes_or_words) {
  EXPECT_EQ(tokens("aü", TextLevel::characters), (Texts{"a", "ü"}));
  EXPECT_EQ(tokens("aü", TextLevel::bytes), (Texts{"a", "\xC3", "\xBC"}));
  EXPECT_EQ(tokens(" To be,\n\tor  ", TextLevel::words), (Texts{"To", "be,", "or"}));
  EXPECT_EQ(tokens("a\xff\xC3", TextLevel::characters), (Texts{"a", "\xff", "\xC3"}));
  EXPECT_TRUE(tokens("", TextLevel::words).empty());
}

TEST(Vocabulary, has_the_most_frequent_first_and_the_smaller_among_equals) {
  EXPECT_EQ(Vocabulary::of("banana!").tokens(), (Texts{"a", "n", "!", "b"}));
  EXPECT_EQ(Vocabulary::of("banana!", {.most_tokens = 2}).tokens(), (Texts{"a", "n"}));
  const Texts texts{"b a", "c b"};
  EXPECT_EQ(Vocabulary::of(texts, {.level = TextLevel::words}).tokens(), (Texts{"b", "a", "c"}));
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [] { Vocabulary::of("a", {.most_tokens = -1}); }),
            "most_tokens: expected from 0 up, got -1");
}

TEST(Vocabulary, numbers_tokens_from_1_and_the_unknown_last) {
  const Vocabulary vocabulary = Vocabulary::of("banana");
  EXPECT_EQ(vocabulary.size(), 5);
  EXPECT_EQ(vocabulary.unknown(), 4);
  EXPECT_EQ(vocabulary.encode("nabx"), (Ids{2, 1, 3, 4}));
  EXPECT_EQ(vocabulary.encode("\xff"), (Ids{4}));
}

TEST(Vocabulary, decodes_what_it_encoded) {
  for (const TextLevel level : {TextLevel::characters, TextLevel::bytes, TextLevel::words}) {
    const std::string text = "the Größe of the 𝄞";
    const Vocabulary vocabulary = Vocabulary::of(text, {.level = level});
    EXPECT_EQ(vocabulary.decode(vocabulary.encode(text)), text);
  }
}

TEST(Vocabulary, decodes_padding_and_the_unknown) {
  EXPECT_EQ(Vocabulary::of("ab").decode(Ids{1, 0, 3, 2}),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(Vocabulary::of("ab", {.level = TextLevel::bytes}).decode(Ids{3}), "?");
  const Vocabulary vocabulary = Vocabulary::of("ab");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] {
                         (void)vocabulary.decode(Ids{1, 4});
                       }),
            "ids[1]: expected 0 to 3, got 4");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { (void)vocabulary.decode(Ids{-1}); }),
            "ids[0]: expected 0 to 3, got -1");
}

TEST(Vocabulary, goes_through_json) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const TextLevel level : {TextLevel::characters, TextLevel::bytes, TextLevel::words}) {
    const Vocabulary vocabulary =
        Vocabulary::of(level == TextLevel::bytes ? all : "Grüße \"you\"", {.level = level});
    const Vocabulary read = Vocabulary::from_json(Json::parse(vocabulary.to_json().dump()));
    EXPECT_EQ(read.level(), level);
    EXPECT_EQ(read.tokens(), vocabulary.tokens());
  }
  EXPECT_EQ(Vocabulary::of("aab").to_json().dump(), R"({"level":"characters","tokens":["a","b"]})");
}

TEST(Vocabulary, leaves_out_what_no_json_could_hold) {
  EXPECT_EQ(Vocabulary::of("a\xff\xff").tokens(), (Texts{"a"}));
  EXPECT_EQ(Vocabulary::of("a \xff", {.level = TextLevel::words}).tokens(), (Texts{"a"}));
}

TEST(Vocabulary, names_json_that_is_none) {
  const auto refusal = [](const char* text) {
    return error_text(ErrorCode::format, [&] { Vocabulary::from_json(Json::parse(text)); });
  };
  EXPECT_EQ(refusal("[]"), "vocabulary: expected an object, got array");
  EXPECT_EQ(refusal("{}"), "vocabulary: expected level characters, bytes or words, got none");
  EXPECT_EQ(refusal(R"({"level": 3})"), "vocabulary: expected level characters, bytes or words, got 3");
  EXPECT_EQ(refusal(R"({"level": "words"})"), "vocabulary: expected tokens in an array, got none");
  EXPECT_EQ(refusal(R"({"level": "words", "tokens": {}})"),
            "vocabulary: expected tokens in an array, got object");
  EXPECT_EQ(refusal(R"({"level": "words", "tokens": [1]})"),
            "vocabulary: expected tokens that are strings, got number");
  EXPECT_EQ(refusal(R"({"level": "bytes", "tokens": [256]})"),
            "vocabulary: expected tokens that are numbers from 0 to 255, got number");
  EXPECT_EQ(refusal(R"({"level": "words", "tokens": ["a b"]})"),
            R"(vocabulary: expected tokens that are words, got "a b")");
  EXPECT_EQ(refusal(R"({"level": "characters", "tokens": [""]})"),
            R"(vocabulary: expected tokens that are characters, got "")");
  EXPECT_EQ(refusal(R"({"level": "characters", "tokens": ["a", "a"]})"),
            R"(vocabulary: expected each token once, got "a" twice)");
}

TEST(NextToken, is_the_target_of_a_window) {
  const Ids ids{1, 2, 3, 4, 5};
  const Examples last = next_token_examples(ids, {.window = 2});
  EXPECT_EQ(last.x.shape(), (Shape{3, 2}));
  EXPECT_EQ(values_of(last.x), (Ids{1, 2, 2, 3, 3, 4}));
  EXPECT_EQ(last.y.shape(), (Shape{3}));
  EXPECT_EQ(values_of(last.y), (Ids{3, 4, 5}));
  check_examples(last, "examples");
}

TEST(NextToken, is_the_target_of_each_step) {
  const Ids ids{1, 2, 3, 4, 5, 6};
  const Examples every = next_token_examples(ids, {.window = 2, .stride = 2, .targets = NextToken::every});
  EXPECT_EQ(values_of(every.x), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(every.y.shape(), (Shape{2, 2}));
  EXPECT_EQ(values_of(every.y), (Ids{2, 3, 4, 5}));
}

TEST(NextToken, needs_a_token_behind_the_window) {
  const Ids ids{1, 2, 3};
  const auto refusal = [&](const NextTokenOptions& options) {
    return error_text(ErrorCode::invalid_argument, [&] { (void)next_token_examples(ids, options); });
  };
  EXPECT_EQ(refusal({.window = 3}), "text: expected more than 3 tokens for window 3, got 3");
  EXPECT_EQ(refusal({.window = 0}), "window: expected from 1 up, got 0");
  EXPECT_EQ(refusal({.window = 1, .stride = 0}), "stride: expected from 1 up, got 0");
}

TEST(PadTexts, gives_ids_and_lengths) {
  const Texts texts{"ab", "", "abxb"};
  const Vocabulary vocabulary(TextLevel::characters, {"a", "b"});
  const PaddedTexts padded = pad_texts(vocabulary, texts);
  EXPECT_EQ(padded.x.shape(), (Shape{3, 4}));
  EXPECT_EQ(values_of(padded.x), (Ids{1, 2, 0, 0, 0, 0, 0, 0, 1, 2, 3, 2}));
  EXPECT_EQ(padded.lengths, (std::vector<int>{2, 0, 4}));
}

TEST(PadTexts, keeps_the_beginning_of_long_texts) {
  const Vocabulary vocabulary(TextLevel::characters, {"a", "b"});
  const PaddedTexts padded = pad_texts(vocabulary, Texts{"aab", "b"}, 2);
  EXPECT_EQ(values_of(padded.x), (Ids{1, 1, 2, 0}));
  EXPECT_EQ(padded.lengths, (std::vector<int>{2, 1}));
  EXPECT_EQ(pad_texts(vocabulary, Texts{""}).x.shape(), (Shape{1, 1}));
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { (void)pad_texts(vocabulary, Texts{"a"}, -1); }),
            "most_tokens: expected from 0 up, got -1");
}

}  // namespace

}  // namespace recurra
