/// Training that was saved, stopped or killed and goes on: the same bits as if nothing had happened.
#include "tests/support/resume.h"

#include <optional>
#include <set>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/data/npy.h"
#include "recurra/data/npy_source.h"
#include "tests/support/faults.h"

namespace recurra::test {

namespace {

TEST_F(Resume, a_model_saved_after_a_stop_without_checkpoints_goes_on) {
  Sequential model = new_model();
  FitOptions options = plain();
  options.stop = [&] {
    return model.updates_done() == 2;
  };
  EXPECT_TRUE(model.fit(examples_, options).stopped);
  model.evaluate(examples_);  // takes the metrics for itself
  model.save(folder_ / "stopped.safetensors");
  Sequential again = Sequential::resume(folder_ / "stopped.safetensors");
  EXPECT_EQ(again.fit(examples_, plain()).epochs, history_.epochs);
  EXPECT_EQ(whole_state(again), states_.back());
}

TEST_F(Resume, from_one_file_leaves_good_checkpoints_behind_it_alone) {
  stop_after(3, with_checkpoints());
  const fs::path older = folder_ / "run-00000002.safetensors";
  Sequential again = Sequential::resume(older);
  EXPECT_EQ(
      error_text(ErrorCode::invalid_argument, [&] { again.fit(examples_, with_checkpoints()); }),
      "checkpoint.prefix: expected no checkpoints of another run: resume it, remove them or choose another "
      "prefix, got " +
          (folder_ / "run-00000003.safetensors").string());
  EXPECT_TRUE(fs::exists(folder_ / "run-00000003.safetensors"));
}

TEST_F(Resume, two_epochs_are_one_a_file_and_another) {
  Sequential first = new_model();
  FitOptions options = plain();
  options.epochs = 1;
  History history = first.fit(examples_, options);
  first.save(folder_ / "model.safetensors");
  Sequential second = Sequential::load(folder_ / "model.safetensors");
  EXPECT_EQ(second.updates_done(), 3);
  EXPECT_EQ(second.epochs_done(), 1);
  history.epochs.push_back(second.fit(examples_, options).epochs.at(0));
  EXPECT_EQ(history.epochs, history_.epochs);
  EXPECT_EQ(whole_state(second), states_.back());
}

TEST_F(Resume, goes_on_after_a_stop_at_any_update) {
  for (i64 count = 1; count <= updates; ++count) {
    const TemporaryFolder folder(parent_in_memory());
    FitOptions options = plain();
    options.checkpoint = CheckpointOptions{.prefix = folder / "run"};
    const History before = stop_after(count, options);
    EXPECT_TRUE(before.stopped);
    EXPECT_EQ(before.epochs.size(), std::size_t((count - 1) / 3));
    Sequential again = Sequential::resume(folder / "run");
    EXPECT_EQ(whole_state(again), states_[std::size_t(count - 1)]);
    const History after = again.fit(examples_, options);
    std::vector<Logs> epochs = before.epochs;
    epochs.insert(epochs.end(), after.epochs.begin(), after.epochs.end());
    EXPECT_EQ(epochs, history_.epochs) << count;
    EXPECT_EQ(whole_state(again), states_.back()) << count;
  }
}

TEST_F(Resume, goes_on_with_batches_from_files) {
  write_npy(folder_ / "x.npy", examples_.x);
  write_npy(folder_ / "y.npy", examples_.y);
  const auto source = [&] {
    return NpySource(folder_ / "x.npy", folder_ / "y.npy", {batch_size, true, 7});
  };
  FitOptions options = with_checkpoints();
  Sequential model = new_model();
  options.stop = [&] {
    return model.updates_done() == 5;
  };
  NpySource before = source();
  model.fit(before, options);
  Sequential again = Sequential::resume(prefix_);
  options.stop = nullptr;
  NpySource after = source();
  const History history = again.fit(after, options);
  EXPECT_EQ(history.epochs.back(), history_.epochs.back());
  EXPECT_EQ(whole_state(again), states_.back());
}

TEST_F(Resume, of_a_fit_that_ended_has_nothing_left_or_more_epochs) {
  Sequential model = new_model();
  model.fit(examples_, with_checkpoints());
  Sequential again = Sequential::resume(prefix_);
  EXPECT_TRUE(again.fit(examples_, plain()).epochs.empty());
  Sequential more = Sequential::resume(prefix_);
  FitOptions options = plain();
  options.epochs = 3;
  more.fit(examples_, options);
  Sequential all = new_model();
  all.fit(examples_, options);
  EXPECT_EQ(whole_state(more), whole_state(all));
}

TEST_F(Resume, survives_a_kill_at_every_call_of_the_file_layer) {
  i64 kills = 0;
  i64 resumed = 0;
  for (i64 n = 1;; ++n) {
    for (const auto& entry : fs::directory_iterator(folder_.path())) fs::remove(entry);
    const bool killed = killed_at(n, [&] {
      Sequential model = new_model();
      model.fit(examples_, with_checkpoints());
    });
    bool any = false;
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      any = any || entry.path().extension() == ".safetensors";
    if (any) {
      ++resumed;
      expect_goes_on();
    }
    if (!killed) break;
    ++kills;
  }
  EXPECT_GT(kills, 40);
  EXPECT_GT(resumed, kills / 2);
}

TEST_F(Resume, a_full_disk_names_the_file_and_leaves_the_older_one) {
  Sequential model = new_model();
  std::optional<ScopedFault> fault;
  FitOptions options = with_checkpoints();
  options.stop = [&] {
    if (model.updates_done() == 4) fault.emplace("fail:write:1:ENOSPC");
    return false;
  };
  const std::string text = error_text(ErrorCode::io, [&] { model.fit(examples_, options); });
  fault.reset();
  EXPECT_TRUE(text.starts_with(prefix_.string() +
                               "-00000004.safetensors: expected a file that can be written, "
                               "got No space left on device ("))
      << text;
  EXPECT_EQ(Sequential::resume(prefix_).updates_done(), 3);
  expect_goes_on();
}

TEST_F(Resume, passes_over_damaged_ones_and_clears_them_away) {
  stop_after(4, with_checkpoints());
  const fs::path newest = prefix_.string() + "-00000004.safetensors";
  write_bytes(newest, read_file(newest).substr(0, 900));
  std::vector<std::string> skipped;
  Sequential again = Sequential::resume(prefix_, &skipped);
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_TRUE(skipped[0].starts_with(newest.string())) << skipped[0];
  EXPECT_EQ(again.updates_done(), 3);
  FitOptions options = with_checkpoints();
  options.checkpoint->every_updates = 0;
  options.checkpoint->keep = 1;
  options.epochs = 1;
  write_bytes(prefix_.string() + "-00000099.safetensors", "damaged");
  options.epochs = 2;
  again.fit(examples_, options);
  EXPECT_EQ(whole_state(again), states_.back());
  EXPECT_FALSE(fs::exists(prefix_.string() + "-00000099.safetensors"));
  EXPECT_TRUE(fs::exists(prefix_.string() + "-00000006.safetensors"));
}

TEST_F(Resume, checkpoints_of_another_run_are_not_mixed_with_new_ones) {
  stop_after(4, with_checkpoints());
  Sequential other = new_model();
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { other.fit(examples_, with_checkpoints()); }),
            "checkpoint.prefix: expected no checkpoints of another run: resume it, remove them or choose "
            "another prefix, got " +
                prefix_.string() + "-00000004.safetensors");
}

TEST_F(Resume, of_what_is_no_checkpoint_is_named) {
  EXPECT_EQ(error_text(ErrorCode::io, [&] { Sequential::resume(prefix_); }),
            prefix_.string() + "-*.safetensors: expected a checkpoint, got none");
  const std::string path = prefix_.string() + "-00000001.safetensors";
  model_.save(path);
  const std::string text =
      path +
      ": expected a checkpoint that fit has written, or a model saved after a stop, got a "
      "model without its place";
  EXPECT_EQ(error_text(ErrorCode::format, [&] { Sequential::resume(prefix_); }), text);
  EXPECT_EQ(error_text(ErrorCode::format, [&] { Sequential::resume(path); }), text);
}

TEST_F(Resume, checkpoints_come_as_often_as_asked) {
  const auto numbers = [&](CheckpointOptions options) {
    const TemporaryFolder folder(parent_in_memory());
    options.prefix = folder / "run";
    options.keep = 9;
    FitOptions fit = plain();
    fit.checkpoint = options;
    Sequential model = new_model();
    model.fit(examples_, fit);
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder.path())) names.insert(entry.path().stem());
    return names;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(numbers({}), (Names{"run-00000003", "run-00000006"}));
  EXPECT_EQ(numbers({.every_epochs = 2}), (Names{"run-00000006"}));
  EXPECT_EQ(numbers({.every_epochs = 0}), (Names{}));
  EXPECT_EQ(numbers({.every_epochs = 0, .every_updates = 4}), (Names{"run-00000004"}));
  EXPECT_EQ(numbers({.every_minutes = 1e-12, .every_epochs = 0}).size(), 6U);
  EXPECT_EQ(numbers({.every_minutes = 60, .every_epochs = 0}).size(), 0U);
}

}  // namespace

}  // namespace recurra::test
