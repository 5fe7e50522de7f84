#include "recurra/base/crc32c.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/file.h"
#include "recurra/base/random.h"

namespace recurra {

namespace {

/// The definition, bit by bit.
std::uint32_t reference(std::span<const std::byte> bytes) {
  std::uint32_t rest = 0xFFFFFFFF;
  for (const std::byte byte : bytes) {
    rest ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) rest = (rest & 1) != 0 ? (rest >> 1) ^ 0x82F63B78 : rest >> 1;
  }
  return ~rest;
}

std::vector<std::byte> random_bytes(std::size_t count) {
  Random random(11);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = std::byte(random.below(256));
  return bytes;
}

std::uint32_t crc32c_of(const std::string& text) {
  return crc32c(bytes_of(text));
}

TEST(Crc32c, gives_the_published_values) {
  EXPECT_EQ(crc32c_of(""), 0U);
  EXPECT_EQ(crc32c_of("a"), 0xC1D04330U);
  EXPECT_EQ(crc32c_of("123456789"), 0xE3069283U);
  // RFC 3720, B.4: 32 bytes of zeros, of ones, rising, falling.
  EXPECT_EQ(crc32c_of(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c_of(std::string(32, '\xff')), 0x62A8AB43U);
  std::string rising(32, '\0');
  for (int i = 0; i < 32; ++i) rising[std::size_t(i)] = char(i);
  EXPECT_EQ(crc32c_of(rising), 0x46DD794EU);
  EXPECT_EQ(crc32c_of(std::string(rising.rbegin(), rising.rend())), 0x113FDB5CU);
}

TEST(Crc32c, agrees_with_the_definition_at_every_length_and_alignment) {
  const std::vector<std::byte> bytes = random_bytes(200);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; begin + size <= bytes.size(); ++size) {
      const auto piece = std::span(bytes).subspan(begin, size);
      ASSERT_EQ(crc32c(piece), reference(piece)) << begin << " + " << size;
    }
  }
  const std::vector<std::byte> many = random_bytes(100'003);
  EXPECT_EQ(crc32c(many), reference(many));
}

TEST(Crc32c, goes_on_from_where_another_piece_ended) {
  const std::vector<std::byte> bytes = random_bytes(100);
  const std::span all(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all)) << cut;
  }
}

}  // namespace

}  // namespace recurra
