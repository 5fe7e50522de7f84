#include "recurra/data/mnist.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "recurra/base/error.h"
#include "recurra/data/idx.h"

namespace recurra {

namespace {

namespace fs = std::filesystem;

constexpr int classes = 10;

/// The file as it is there; with `.gz`, the form it is distributed in, when neither is.
fs::path find_file(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  const fs::path plain = folder / name;
  return fs::exists(plain, ignored) ? plain : folder / (name + ".gz");
}

Tensor read_images(const fs::path& path) {
  const Tensor bytes = read_idx(path);
  if (bytes.shape().rank() != 3) {
    throw Error(ErrorCode::shape, path.string(), "shape (count, rows, columns)", bytes.shape().to_string());
  }
  Tensor images(bytes.shape());
  std::ranges::transform(bytes.as<std::uint8_t>(), images.data(), [](std::uint8_t byte) {
    return static_cast<float>(byte) / 255.0F;
  });
  return images;
}

void require_classes(const fs::path& path, std::span<const std::uint8_t> labels) {
  const auto wrong = std::ranges::find_if(labels, [](int label) { return label >= classes; });
  if (wrong == labels.end()) return;
  throw Error(ErrorCode::invalid_argument,
              path.string(),
              "labels 0 to " + std::to_string(classes - 1),
              std::to_string(*wrong) + " at index " + std::to_string(wrong - labels.begin()));
}

Tensor read_labels(const fs::path& path, i64 count) {
  const Tensor bytes = read_idx(path);
  if (bytes.shape() != Shape{count}) {
    const std::string expected = "shape " + Shape{count}.to_string() + ", one label an image";
    throw Error(ErrorCode::shape, path.string(), expected, bytes.shape().to_string());
  }
  require_classes(path, bytes.as<std::uint8_t>());
  Tensor labels(bytes.shape(), Dtype::i32);
  std::ranges::copy(bytes.as<std::uint8_t>(), labels.as<std::int32_t>().begin());
  return labels;
}

LabelledImages read_part(const fs::path& folder, const std::string& part) {
  Tensor images = read_images(find_file(folder, part + "-images-idx3-ubyte"));
  Tensor labels = read_labels(find_file(folder, part + "-labels-idx1-ubyte"), images.shape()[0]);
  return {std::move(images), std::move(labels)};
}

void require_same_size(const fs::path& folder, const Shape& train, const Shape& test) {
  if (train[1] == test[1] && train[2] == test[2]) return;
  throw Error(ErrorCode::shape,
              find_file(folder, "t10k-images-idx3-ubyte").string(),
              "shape " + Shape{test[0], train[1], train[2]}.to_string() + ", the size of the training images",
              test.to_string());
}

}  // namespace

Mnist read_mnist(const fs::path& folder) {
  Mnist mnist{read_part(folder, "train"), read_part(folder, "t10k")};
  require_same_size(folder, mnist.train.images.shape(), mnist.test.images.shape());
  return mnist;
}

}  // namespace recurra
