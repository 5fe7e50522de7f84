/// What tests of runs that go on share: one that nothing interrupted, and how to interrupt another.
#pragma once

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "recurra/training/sequential.h"
#include "tests/support/small_models.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace fs = std::filesystem;

// Ten examples in fours: three updates an epoch, the last on two examples.
inline constexpr i64 batch_size = 4;
inline constexpr i64 updates = 6;

inline Sequential new_model() {
  Sequential model = small_model("adam", "lstm:3,batch_norm,dense:2");
  model.set_threads(1);  // a child of a process must not wait for threads that were not copied
  return model;
}

/// A run of two epochs that nothing interrupted, and what tests need to interrupt another.
class Resume : public testing::Test {
 protected:
  void SetUp() override {
    FitOptions options = plain();
    options.stop = [&] {
      states_.push_back(whole_state(model_));
      return false;
    };
    history_ = model_.fit(examples_, options);
    ASSERT_EQ(states_.size(), std::size_t(updates));
  }

  FitOptions plain() const {
    FitOptions options;
    options.batch_size = batch_size;
    options.epochs = 2;
    options.seed = 7;
    options.class_weight = {{0, 1.5}};
    options.validation_data = &examples_;
    return options;
  }

  FitOptions with_checkpoints() const {
    FitOptions options = plain();
    options.checkpoint = CheckpointOptions{.prefix = prefix_, .every_updates = 1, .keep = 2};
    return options;
  }

  /// Fits a new model and stops after so many updates.
  History stop_after(i64 count, FitOptions options) {
    Sequential model = new_model();
    options.stop = [&] {
      return model.updates_done() == count;
    };
    return model.fit(examples_, options);
  }

  /// The newest checkpoint is the state after its updates, and goes on to the same end.
  void expect_goes_on() {
    Sequential again = Sequential::resume(prefix_);
    ASSERT_GE(again.updates_done(), 1);
    EXPECT_EQ(whole_state(again), states_[std::size_t(again.updates_done() - 1)]);
    again.set_threads(1);
    again.fit(examples_, plain());
    EXPECT_EQ(whole_state(again), states_.back());
  }

  TemporaryFolder folder_{parent_in_memory()};
  fs::path prefix_ = folder_ / "run";
  Examples examples_ = sign_examples(10, 3);
  Sequential model_ = new_model();
  std::vector<std::vector<float>> states_;  // after each update of a fit that nothing interrupted
  History history_;
};

}  // namespace recurra::test
