/// Reader of MNIST (LeCun, Cortes, Burges) and of sets in its form: four idx files in one folder.
#pragma once

#include <filesystem>

#include "recurra/base/platform.h"
#include "recurra/base/tensor.h"

namespace recurra {

/// Images and what they show.
struct LabelledImages {
  Tensor images;  ///< f32 `(count, rows, columns)` in [0, 1]: the file's bytes over 255
  Tensor labels;  ///< i32 `(count,)`, 0 to 9
};

/// The two parts of the set as it is distributed: 60,000 and 10,000 images of 28 by 28.
struct Mnist {
  LabelledImages train;
  LabelledImages test;
};

/// Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with `t10k` from `folder`, each
/// plain or, where the plain one is absent, with `.gz`.
///
/// Throws Error naming the file: io (missing), shape (wrong rank; counts that differ between images and
/// labels; sizes that differ between train and test), invalid_argument (a label above 9), and what
/// `read_idx` throws.
[[nodiscard]] RECURRA_API Mnist read_mnist(const std::filesystem::path& folder);

}  // namespace recurra
