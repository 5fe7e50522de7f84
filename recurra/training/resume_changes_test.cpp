/// What a program does to a model during a run and between its parts: it goes on with the same bits, or is
/// refused.
#include "recurra/base/error.h"
#include "tests/support/resume.h"

namespace recurra::test {

namespace {

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
