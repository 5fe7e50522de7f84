#include "recurra/data/mnist.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::TemporaryFolder;
using test::write_bytes;

const fs::path shipped = fs::path(RECURRA_SOURCE_DIR) / "data" / "mnist";

/// An idx file of zeros.
std::string zeros(const std::vector<int>& extents) {
  std::string text{'\0', '\0', '\x08', static_cast<char>(extents.size())};
  std::size_t count = 1;
  for (const int extent : extents) {
    text += std::string{'\0', '\0', '\0', static_cast<char>(extent)};
    count *= static_cast<std::size_t>(extent);
  }
  return text + std::string(count, '\0');
}

/// A set of 3 training images and 2 test images of 4 by 5, plain.
void write_small_set(const TemporaryFolder& folder) {
  write_bytes(folder / "train-images-idx3-ubyte", zeros({3, 4, 5}));
  write_bytes(folder / "train-labels-idx1-ubyte", zeros({3}));
  write_bytes(folder / "t10k-images-idx3-ubyte", zeros({2, 4, 5}));
  write_bytes(folder / "t10k-labels-idx1-ubyte", zeros({2}));
}

/// The error of reading the small set with `name` replaced by `bytes`, without the folder in front of it.
std::string refusal_of(ErrorCode code, const std::string& name, const std::string& bytes) {
  const TemporaryFolder folder;
  write_small_set(folder);
  write_bytes(folder / name, bytes);
  const std::string text = error_text(code, [&] { (void)read_mnist(folder.path()); });
  const std::string prefix = folder.path().string() + "/";
  EXPECT_TRUE(text.starts_with(prefix)) << text;
  return text.substr(std::min(prefix.size(), text.size()));
}

std::vector<int> first_labels(const LabelledImages& part) {
  const auto labels = part.labels.as<std::int32_t>();
  return {labels.begin(), labels.begin() + 5};
}

TEST(Mnist, reads_the_shipped_set) {
  const Mnist mnist = read_mnist(shipped);
  EXPECT_EQ(mnist.train.images.shape(), (Shape{60000, 28, 28}));
  EXPECT_EQ(mnist.train.labels.shape(), (Shape{60000}));
  EXPECT_EQ(mnist.test.images.shape(), (Shape{10000, 28, 28}));
  EXPECT_EQ(mnist.test.labels.shape(), (Shape{10000}));
  EXPECT_EQ(first_labels(mnist.train), (std::vector<int>{5, 0, 4, 1, 9}));
  EXPECT_EQ(first_labels(mnist.test), (std::vector<int>{7, 2, 1, 0, 4}));
}

TEST(Mnist, images_lie_between_0_and_1) {
  const Mnist mnist = read_mnist(shipped);
  for (const LabelledImages* part : {&mnist.train, &mnist.test}) {
    const auto [low, high] = std::ranges::minmax(part->images.as<float>());
    EXPECT_EQ(low, 0.0F);
    EXPECT_EQ(high, 1.0F);
  }
  // Row 5, column 12 of the first digit is the byte 3.
  EXPECT_EQ(mnist.train.images.data()[5 * 28 + 12], 3.0F / 255.0F);
}

TEST(Mnist, prefers_the_plain_file) {
  const TemporaryFolder folder;
  write_small_set(folder);
  write_bytes(folder / "train-images-idx3-ubyte.gz", "not read");
  const Mnist mnist = read_mnist(folder.path());
  EXPECT_EQ(mnist.train.images.shape(), (Shape{3, 4, 5}));
  EXPECT_EQ(mnist.test.labels.shape(), (Shape{2}));
}

TEST(Mnist, names_a_missing_file) {
  const TemporaryFolder folder;
  write_small_set(folder);
  fs::remove(folder / "t10k-labels-idx1-ubyte");
  EXPECT_EQ(error_text(ErrorCode::io, [&] { (void)read_mnist(folder.path()); }),
            (folder / "t10k-labels-idx1-ubyte.gz").string() +
                ": expected a file that can be read, got No such file or directory");
}

TEST(Mnist, refuses_images_of_another_rank) {
  EXPECT_EQ(refusal_of(ErrorCode::shape, "train-images-idx3-ubyte", zeros({3, 20})),
            "train-images-idx3-ubyte: expected shape (count, rows, columns), got (3, 20)");
}

TEST(Mnist, refuses_counts_that_differ) {
  EXPECT_EQ(refusal_of(ErrorCode::shape, "train-labels-idx1-ubyte", zeros({4})),
            "train-labels-idx1-ubyte: expected shape (3,), one label an image, got (4,)");
  EXPECT_EQ(refusal_of(ErrorCode::shape, "t10k-labels-idx1-ubyte", zeros({2, 1})),
            "t10k-labels-idx1-ubyte: expected shape (2,), one label an image, got (2, 1)");
}

TEST(Mnist, refuses_test_images_of_another_size) {
  EXPECT_EQ(
      refusal_of(ErrorCode::shape, "t10k-images-idx3-ubyte", zeros({2, 5, 4})),
      "t10k-images-idx3-ubyte: expected shape (2, 4, 5), the size of the training images, got (2, 5, 4)");
}

TEST(Mnist, names_the_first_label_that_is_no_digit) {
  std::string labels = zeros({3});
  labels[labels.size() - 2] = '\x0a';
  labels[labels.size() - 1] = '\xff';
  EXPECT_EQ(refusal_of(ErrorCode::invalid_argument, "train-labels-idx1-ubyte", labels),
            "train-labels-idx1-ubyte: expected labels 0 to 9, got 10 at index 1");
}

TEST(Mnist, names_a_file_that_is_truncated) {
  const std::string images = zeros({3, 4, 5});
  EXPECT_EQ(refusal_of(ErrorCode::format, "train-images-idx3-ubyte", images.substr(0, images.size() - 1)),
            "train-images-idx3-ubyte: expected 60 bytes of data for shape (3, 4, 5), got 59 (truncated)");
}

}  // namespace

}  // namespace recurra
