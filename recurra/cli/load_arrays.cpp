/// Inputs and targets from npy and npz files.
#include <algorithm>
#include <limits>

#include "recurra/base/error.h"
#include "recurra/cli/load_data.h"
#include "recurra/data/npy.h"

namespace recurra::cli {

namespace {

template <class From>
Tensor to_i32(const Tensor& tensor, const std::string& subject) {
  Tensor result(tensor.shape(), Dtype::i32);
  const std::span<std::int32_t> to = result.as<std::int32_t>();
  const std::span<const From> from = tensor.as<From>();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto value = static_cast<i64>(from[i]);
    if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
      throw Error(ErrorCode::invalid_argument, subject, "integers of 32 bits", std::to_string(value));
    to[i] = static_cast<std::int32_t>(value);
  }
  return result;
}

/// NumPy's integers have 64 bits unless told otherwise; ids are no larger for it.
Tensor inputs(Tensor tensor, const std::string& subject) {
  if (tensor.dtype() == Dtype::i64) return to_i32<std::int64_t>(tensor, subject);
  if (tensor.dtype() == Dtype::u8)
    throw Error(ErrorCode::dtype, subject, "numbers as f32, or ids as i32 or i64", "u8");
  return tensor;
}

Tensor targets(Tensor tensor, const std::string& subject) {
  if (tensor.dtype() == Dtype::i64) return to_i32<std::int64_t>(tensor, subject);
  if (tensor.dtype() == Dtype::u8) return to_i32<std::uint8_t>(tensor, subject);
  return tensor;
}

/// Number of classes, checked against those of the training.
i64 count_classes(const Tensor& labels, const std::string& subject, const DataDescription* known) {
  const i64 most = known != nullptr ? known->classes : std::numeric_limits<std::int32_t>::max();
  i64 classes = known != nullptr ? known->classes : 0;
  i64 row = 0;
  const i64 width = labels.size() / std::max<i64>(labels.shape()[0], 1);
  for (const std::int32_t label : labels.as<std::int32_t>()) {
    if (label < 0 || label >= most) {
      throw Error(ErrorCode::invalid_argument,
                  subject + ": row " + std::to_string(row / width),
                  known != nullptr ? "a class from 0 to " + std::to_string(most - 1) + ", which training saw"
                                   : "a class from 0 up",
                  std::to_string(label));
    }
    classes = std::max<i64>(classes, label + i64{1});
    ++row;
  }
  return classes;
}

void describe_targets(const Examples& examples,
                      const std::string& subject,
                      const DataDescription* known,
                      DataDescription& description) {
  const Tensor& y = examples.y;
  const int rank = y.shape().rank();
  if (rank == 0 || (known != nullptr && known->classes > 0 && y.dtype() != Dtype::i32)) {
    throw Error(ErrorCode::dtype,
                subject,
                "classes as integers, as in training",
                y.shape().to_string() + " of " + std::string(name_of(y.dtype())));
  }
  const bool steps = examples.x.shape().rank() > 1 && rank > 1 && y.shape()[1] == examples.x.shape()[1];
  if (y.dtype() == Dtype::i32) {
    const bool per_step = steps && (rank == 3 || y.shape()[1] != 1);
    description.target_kind = per_step ? "class-per-step" : "class";
    description.classes = count_classes(y, subject, known);
    description.outputs = description.classes;
    return;
  }
  description.target_kind = rank == 3 && steps ? "number-per-step" : "number";
  description.outputs = rank == 1 ? 1 : y.shape().back();
}

/// An array and what errors call it.
struct NamedArray {
  std::string subject;
  Tensor tensor;
};

std::vector<NamedArray> read_arrays(const DataOptions& options) {
  std::vector<NamedArray> arrays;
  if (!ends_in(options.data, ".npz")) {
    arrays.push_back({options.data, read_npy(options.data)});
    if (!options.labels.empty()) arrays.push_back({options.labels, read_npy(options.labels)});
    return arrays;
  }
  std::vector<std::string> names{options.x};
  if (!options.y.empty()) names.push_back(options.y);
  std::vector<Tensor> tensors = read_npz_arrays(options.data, names);
  for (std::size_t i = 0; i < names.size(); ++i)
    arrays.push_back({options.data + ": " + names[i], std::move(tensors[i])});
  return arrays;
}

}  // namespace

LoadedData load_arrays(const DataOptions& options, Purpose purpose, const DataDescription* known) {
  std::vector<NamedArray> arrays = read_arrays(options);
  LoadedData data;
  data.description.kind = DataKind::arrays;
  data.examples.x = inputs(std::move(arrays[0].tensor), arrays[0].subject);
  const Tensor& x = data.examples.x;
  if (x.shape().rank() < 2) {
    throw Error(ErrorCode::shape, arrays[0].subject, "(examples, steps, …)", x.shape().to_string());
  }
  if (x.dtype() == Dtype::i32 && x.size() > 0)
    data.description.ids = std::ranges::max(x.as<std::int32_t>()) + i64{1};
  if (arrays.size() < 2 || purpose == Purpose::predict) return data;
  data.examples.y = targets(std::move(arrays[1].tensor), arrays[1].subject);
  describe_targets(data.examples, arrays[1].subject, known, data.description);
  return data;
}

}  // namespace recurra::cli
