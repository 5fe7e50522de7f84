/// Sizes that there are not are refused before memory is taken.
#include "recurra/base/tensor.h"

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

constexpr i64 huge = i64{1} << 40;

TEST(Tensors, have_extents_from_0_up_whose_product_fits) {
  const auto refusal = [](const Shape& shape) {
    return error_text(ErrorCode::invalid_argument, [&] { Tensor tensor(shape); });
  };
  const std::string wanted = "shape: expected extents from 0 up whose product fits into 63 bits, got ";
  EXPECT_EQ(refusal({3, -1}), wanted + "(3, -1)");
  EXPECT_EQ(refusal({0, -1}), wanted + "(0, -1)");
  EXPECT_EQ(refusal({huge, huge}), wanted + "(1099511627776, 1099511627776)");
  EXPECT_EQ(refusal({huge, i64{1} << 22}),
            "tensor: expected sizes whose product fits into 63 bits, got 4611686018427387904 * 4");
  EXPECT_EQ(Tensor({0, huge, 1}).size(), 0);
}

TEST(Tensors, keep_what_they_are_where_they_cannot_become_another) {
  Tensor tensor({2, 3});
  EXPECT_EQ(error_text(ErrorCode::shape, [&] { tensor.reshape({7}); }),
            "reshape: expected 6 elements, got (7,)");
  EXPECT_EQ(error_text(ErrorCode::invalid_argument,
                       [&] {
                         tensor.resize({huge, huge});
                       }),
            "shape: expected extents from 0 up whose product fits into 63 bits, got (1099511627776, "
            "1099511627776)");
  EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(error_text(ErrorCode::dtype, [&] { tensor.as<std::int32_t>(); }),
            "tensor: expected i32, got f32");
}

}  // namespace

}  // namespace recurra::test
