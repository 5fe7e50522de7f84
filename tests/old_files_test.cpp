/// Model files of every released format version, kept for ever: they load and predict what they did then.
#include <filesystem>

#include <gtest/gtest.h>

#include "recurra/training/sequential.h"

namespace recurra::test {

namespace {

/// Two sequences of three steps and two features: -1.5, -1.25, … 1.25.
Tensor ramp() {
  Tensor x({2, 3, 2});
  for (int i = 0; i < 12; ++i) x.data()[i] = 0.25F * float(i) - 1.5F;
  return x;
}

TEST(OldFiles, version_1_without_checksums_predicts_what_it_did) {
  const std::filesystem::path folder = RECURRA_SOURCE_DIR "/tests/data/models";
  Sequential model = Sequential::load(folder / "version_1.safetensors");
  ASSERT_EQ(model.layers().size(), 2U);
  EXPECT_EQ(model.layers()[0]->name(), "lstm");
  const Tensor y = model.predict(ramp());
  ASSERT_EQ(y.shape(), (Shape{2, 2}));
  const float expected[] = {-0.219459862F, 0.0966261104F, 0.0851474255F, -0.177998543F};
  // Targets sum in different orders: a few units in the last place of numbers below 1.
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(y.data()[i], expected[i], 1e-6F) << i;
}

TEST(OldFiles, version_2_predicts_and_goes_on_training_as_it_did) {
  const std::filesystem::path folder = RECURRA_SOURCE_DIR "/tests/data/models";
  Sequential model = Sequential::load(folder / "version_2.safetensors");
  EXPECT_EQ(model.seed(), 5U);
  EXPECT_EQ(model.epochs_done(), 1);
  EXPECT_EQ(model.updates_done(), 2);
  EXPECT_EQ(model.optimizer()->iterations(), 2);
  const Tensor y = model.predict(ramp());
  ASSERT_EQ(y.shape(), (Shape{2, 2}));
  const float expected[] = {-0.208654121F, 0.164223328F, 0.00218900782F, -0.0471740328F};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(y.data()[i], expected[i], 1e-6F) << i;
  Examples batch{ramp(), Tensor({2}, Dtype::i32)};
  batch.y.as<std::int32_t>()[1] = 1;
  model.train_on_batch(batch);
  const float after[] = {-0.2123622F, 0.173684657F, -0.0387515724F, -0.0331642106F};
  const Tensor z = model.predict(ramp());
  // Adam divides by roots of small numbers.
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(z.data()[i], after[i], 1e-5F) << i;
}

}  // namespace

}  // namespace recurra::test
