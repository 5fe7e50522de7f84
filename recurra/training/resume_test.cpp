/// Training that was saved, stopped or killed and goes on: the same bits as if nothing had happened.
#include <fstream>
#include <optional>

#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "recurra/base/file.h"
#include "recurra/data/npy.h"
#include "recurra/data/npy_source.h"
#include "recurra/training/sequential.h"
#include "tests/support/faults.h"
#include "tests/support/small_models.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

namespace fs = std::filesystem;

// Ten examples in fours: three updates an epoch, the last on two examples.
constexpr i64 batch_size = 4;
constexpr i64 updates = 6;

Sequential new_model() {
  Sequential model = small_model("adam", "lstm:3,batch_norm,dense:2");
  model.set_threads(1);  // a child of a process must not wait for threads that were not copied
  return model;
}

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

/// Nothing but the run itself moves its place: else what goes on from there would leave out batches.
TEST_F(Resume, has_no_place_left_once_others_changed_the_weights) {
  stop_after(2, with_checkpoints());
  const fs::path from = prefix_.string() + "-00000002.safetensors";
  const std::pair<const char*, void (*)(Sequential&)> changes[] = {
      {"train_on_batch",
       [](Sequential& model) {
         model.train_on_batch(sign_examples(10, 3));
       }},
      {"train_on_batch of tensors",
       [](Sequential& model) {
         const Examples batch = sign_examples(10, 3);
         model.train_on_batch(batch.x, batch.y);
       }},
      {"set_weights",
       [](Sequential& model) {
         model.set_weights(model.get_weights());
       }},
      {"parameters_changed", [](Sequential& model) {
         model.parameters_changed();
       }}};
  for (const auto& [what, change] : changes) {
    for (const bool resumed : {false, true}) {
      Sequential model = resumed ? Sequential::resume(from) : Sequential::load(from);
      change(model);
      model.save(folder_ / "changed.safetensors");
      const std::string text =
          error_text(ErrorCode::format, [&] { Sequential::resume(folder_ / "changed.safetensors"); });
      EXPECT_TRUE(text.ends_with("got a model without its place")) << what << ": " << text;
      EXPECT_EQ(model.fit(examples_, plain()).epochs.size(), 2U) << what << ": a new fit";
    }
  }
}

TEST_F(Resume, has_a_place_as_long_as_nothing_changes_the_weights) {
  stop_after(2, with_checkpoints());
  const fs::path from = prefix_.string() + "-00000002.safetensors";
  Sequential model = Sequential::load(from);
  model.evaluate(examples_);
  static_cast<void>(model.predict(examples_.x));
  Examples wrong = examples_;
  wrong.y.as<std::int32_t>()[0] = -1;
  EXPECT_NE(error_text([&] { model.train_on_batch(wrong); }), "no error");
  model.save(folder_ / "same.safetensors");
  Sequential again = Sequential::resume(folder_ / "same.safetensors");
  again.compile(make_optimizer("adam", 0.02), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  again.save(folder_ / "compiled.safetensors");  // with the state that fit is to go on with, not a new one
  Sequential last = Sequential::resume(folder_ / "compiled.safetensors");
  EXPECT_EQ(last.fit(examples_, plain()).epochs, history_.epochs);
  EXPECT_EQ(whole_state(last), states_.back());
}

/// The optimizer's state is part of what a run goes on with.
TEST_F(Resume, has_no_place_left_in_a_model_compiled_anew) {
  stop_after(2, with_checkpoints());
  Sequential model = Sequential::load(prefix_.string() + "-00000002.safetensors");
  model.compile(make_optimizer("adam", 0.02), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  model.save(folder_ / "compiled.safetensors");
  EXPECT_NE(error_text([&] { Sequential::resume(folder_ / "compiled.safetensors"); }), "no error");
}

TEST_F(Resume, is_not_disturbed_by_a_hook_that_changes_weights) {
  const auto halve_and_stop_after = [](Sequential& model, i64 count) {
    return [&model, count] {
      std::vector<Tensor> weights = model.get_weights();
      for (float& value : weights[0].as<float>()) value /= 2;
      model.set_weights(weights);
      return model.updates_done() == count;
    };
  };
  Sequential all = new_model();
  FitOptions options = plain();
  options.stop = halve_and_stop_after(all, -1);
  all.fit(examples_, options);
  Sequential first = new_model();
  options.checkpoint = CheckpointOptions{.prefix = prefix_};
  options.stop = halve_and_stop_after(first, 2);
  EXPECT_TRUE(first.fit(examples_, options).stopped);
  Sequential second = Sequential::resume(prefix_);
  options.stop = halve_and_stop_after(second, -1);
  second.fit(examples_, options);
  EXPECT_EQ(whole_state(second), whole_state(all));
}

TEST_F(Resume, fit_and_compile_within_a_fit_are_refused) {
  Sequential model = new_model();
  FitOptions options = plain();
  options.stop = [&] {
    model.fit(examples_);
    return false;
  };
  EXPECT_EQ(error_text([&] { model.fit(examples_, options); }),
            "sequential.fit: expected a call outside fit, got one within");
  options.stop = [&] {
    model.compile(make_optimizer("adam"), make_loss("sparse_categorical_crossentropy"));
    return false;
  };
  EXPECT_EQ(error_text([&] { model.fit(examples_, options); }),
            "sequential.compile: expected a call outside fit, got one within");
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

TEST_F(Resume, with_other_settings_is_refused_with_all_of_them) {
  stop_after(4, with_checkpoints());
  Sequential again = Sequential::resume(prefix_);
  const auto compile = [&](double rate) {
    again.compile(make_optimizer("adam", rate), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  };
  compile(0.5);
  FitOptions options = plain();
  options.batch_size = 5;
  options.seed = 8;
  options.class_weight.clear();
  const Examples fewer = sign_examples(9, 3);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { again.fit(fewer, options); }),
            "resumed fit: expected batch_size 4, class_weight none, class_weight.0 1.5, examples 10, "
            "optimizer.learning_rate 0.02, seed 7, got batch_size 5, class_weight null, class_weight.0 none, "
            "examples 9, optimizer.learning_rate 0.5, seed 8");
  // Compiled as it was, it still has what the optimizer knew.
  compile(0.02);
  again.fit(examples_, plain());
  EXPECT_EQ(whole_state(again), states_.back());
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

TEST_F(Resume, a_hook_that_throws_ends_fit_with_its_error) {
  Sequential model = new_model();
  FitOptions options = plain();
  options.stop = []() -> bool {
    throw Error(ErrorCode::invalid_argument, "hook", "one thing", "another");
  };
  EXPECT_EQ(error_text([&] { model.fit(examples_, options); }), "hook: expected one thing, got another");
  EXPECT_EQ(whole_state(model), states_[0]);
}

/// As a schedule does: the checkpoint has the rate of its time, and so goes on.
class ResumeWithSchedule : public Resume {
 protected:
  static constexpr i64 stopped_after = 2;

  /// Halves the rate once, before the third update.
  static FitOptions scheduled(FitOptions options, Sequential& model, i64 stop_after = -1) {
    options.stop = [&model, stop_after] {
      if (model.updates_done() == stopped_after) model.optimizer()->set_learning_rate(0.01);
      return model.updates_done() == stop_after;
    };
    return options;
  }

  void SetUp() override {
    all_.fit(examples_, scheduled(plain(), all_));
    Sequential first = new_model();
    EXPECT_TRUE(first.fit(examples_, scheduled(with_checkpoints(), first, stopped_after)).stopped);
  }

  static void compile(Sequential& model, double rate) {
    model.compile(make_optimizer("adam", rate), make_loss("sparse_categorical_crossentropy"), {"accuracy"});
  }

  Sequential all_ = new_model();
};

TEST_F(ResumeWithSchedule, goes_on_with_the_rate_of_the_checkpoint) {
  Sequential again = Sequential::resume(prefix_);
  EXPECT_EQ(again.optimizer()->learning_rate(), 0.01);
  again.fit(examples_, scheduled(plain(), again));
  EXPECT_EQ(whole_state(again), whole_state(all_));
}

TEST_F(ResumeWithSchedule, may_be_compiled_as_it_began_or_as_the_checkpoint_is) {
  for (const double rate : {0.02, 0.01}) {
    Sequential again = Sequential::resume(prefix_);
    compile(again, rate);
    again.fit(examples_, scheduled(plain(), again));
    EXPECT_EQ(whole_state(again), whole_state(all_)) << rate;
    EXPECT_EQ(again.optimizer()->learning_rate(), 0.01) << rate;
  }
}

TEST_F(ResumeWithSchedule, goes_on_a_second_time) {
  Sequential second = Sequential::resume(prefix_);
  EXPECT_TRUE(second.fit(examples_, scheduled(with_checkpoints(), second, 5)).stopped);
  for (const bool compiled : {false, true}) {
    Sequential third = Sequential::resume(prefix_);
    if (compiled) compile(third, 0.02);
    third.fit(examples_, scheduled(plain(), third));
    EXPECT_EQ(whole_state(third), whole_state(all_));
  }
}

TEST_F(ResumeWithSchedule, with_a_third_rate_is_refused) {
  Sequential again = Sequential::resume(prefix_);
  again.optimizer()->set_learning_rate(0.02);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { again.fit(examples_, plain()); }),
            "resumed fit: expected optimizer.learning_rate 0.01, got optimizer.learning_rate 0.02");
  compile(again, 0.5);
  EXPECT_EQ(error_text(ErrorCode::invalid_argument, [&] { again.fit(examples_, plain()); }),
            "resumed fit: expected checkpoint.optimizer.learning_rate 0.01, optimizer.learning_rate 0.02, "
            "got checkpoint.optimizer.learning_rate 0.02, optimizer.learning_rate 0.5");
}

}  // namespace

}  // namespace recurra::test
