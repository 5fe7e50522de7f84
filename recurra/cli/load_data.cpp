#include "recurra/cli/load_data.h"

#include "recurra/base/error.h"
#include "recurra/cli/digits.h"

namespace recurra::cli {

namespace {

constexpr i64 digit_classes = 10;

LoadedData load_mnist(const DataOptions& options, Purpose purpose) {
  Digits digits = load_digits(options.data, options.folder);
  LoadedData data;
  data.examples = std::move(purpose == Purpose::train ? digits.train : digits.test);
  data.description.kind = DataKind::mnist;
  data.description.target_kind = "class";
  data.description.classes = digit_classes;
  data.description.outputs = digit_classes;
  data.row_title = "digit";
  return data;
}

LoadedData load(const DataOptions& options, Purpose purpose, const DataDescription* known) {
  switch (kind_of(options)) {
    case DataKind::sequences:
      return load_sequences(options, purpose, known);
    case DataKind::windows:
      return load_windows(options, purpose, known);
    case DataKind::arrays:
      return load_arrays(options, purpose, known);
    case DataKind::text:
      return load_text(options, purpose, known);
    case DataKind::mnist:
      break;
  }
  return load_mnist(options, purpose);
}

}  // namespace

LoadedData load_data(const DataOptions& options, Purpose purpose, const DataDescription* known) {
  LoadedData data = load(options, purpose, known);
  if (purpose == Purpose::predict) return data;
  if (data.examples.y.size() == 0) {
    throw Error(ErrorCode::invalid_argument, options.data, "targets beside the inputs", "none");
  }
  check_examples(data.examples, options.data.c_str());
  return data;
}

}  // namespace recurra::cli
