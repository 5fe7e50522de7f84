/// The problems that oneDNN tests and times its RNN primitive with: ours against the double reference, and
/// against oneDNN itself, which refuses none of them; one that it refused would fail by its name.
///
/// Six of them are one step that reads a state of another width than it gives, which our descriptor does not
/// have: those of `read_apart` below. They are run as docs/primitive.md says, [x, h] as the input, a call a
/// layer; oneDNN runs them as they are.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/onednn/composed.h"
#include "tests/onednn/ours.h"
#include "tests/onednn/rnn.h"
#include "tests/support/engine_case.h"
#include "tests/support/skip.h"

namespace recurra::test {

namespace {

using namespace onednn;

constexpr std::uint64_t seed = 20265;
constexpr double most_flops = 0.5e9;

constexpr const char* read_apart[] = {"GNMT dec-inference batch 640",
                                      "exp-1 deep single step training",
                                      "small slc!=dhc tail",
                                      "large all different tail",
                                      "lstmp small dhc!=dic",
                                      "lstmp large mb31"};

const std::vector<Problem>& problems() {
  static const std::vector<Problem> all = read_problems(RECURRA_SOURCE_DIR "/tests/data/onednn_shapes.json");
  return all;
}

/// How far a tensor may be from the reference: the bounds of the engine's tests of one layer, whatever the
/// layers.
double tolerance(const Problem& p, bool gradient, double largest) {
  return gradient ? 1e-5 * std::max(largest, 1e-6) : output_tolerance(int(p.units), largest);
}

Difference difference(const std::vector<double>& actual, const std::vector<double>& expected) {
  return compare({actual.begin(), actual.end()}, expected);
}

Tensors<double> doubled(const Tensors<float>& tensors) {
  Tensors<double> to;
  for (const auto& [tensor, values] : tensors) to[tensor] = {values.begin(), values.end()};
  return to;
}

void expect_near(const char* whose,
                 const Problem& p,
                 const Tensors<double>& actual,
                 const Tensors<double>& expected,
                 double times) {
  for (const auto& [tensor, values] : expected) {
    ASSERT_TRUE(actual.contains(tensor)) << whose << ' ' << name_of(tensor);
    const Difference d = difference(actual.at(tensor), values);
    const bool gradient = !is_output(tensor);
    EXPECT_LE(d.error, times * tolerance(p, gradient, d.largest))
        << whose << (gradient ? " gradient of " : " ") << name_of(tensor);
  }
}

/// oneDNN's results; of a problem that it refuses the test says so.
Results<float> run_onednn(const Problem& p, const Tensors<float>& inputs, const Tensors<float>& gradients) {
  try {
    Rnn rnn(p, !gradients.empty());
    rnn.set(inputs, gradients);
    rnn.forward();
    if (!gradients.empty()) rnn.backward();
    return rnn.results();
  } catch (const Refused& reason) {
    ADD_FAILURE() << "oneDNN refuses " << p.name << ": " << reason.what();
    return {};
  }
}

/// Ours against the reference, oneDNN's against the reference, and ours against oneDNN's.
void compare_all(const Problem& p) {
  SCOPED_TRACE(p.name);
  const Tensors<float> inputs = random_inputs(p, seed);
  const Tensors<float> gradients = random_gradients(p, seed);
  const Results<double> expected = run_reference(p, inputs, gradients);
  const Results<double> inference = run_ours(p, inputs, {});
  const Results<double> training = run_ours(p, inputs, gradients);
  expect_near("our inference", p, inference.outputs, expected.outputs, 1);
  expect_near("our training", p, training.outputs, expected.outputs, 1);
  expect_near("our training", p, training.gradients, expected.gradients, 1);
  if (!is_available()) return;

  const Tensors<double> inferred = doubled(run_onednn(p, inputs, {}).outputs);
  expect_near("oneDNN's inference", p, inferred, expected.outputs, 1);
  expect_near("our inference beside oneDNN's", p, inference.outputs, inferred, 2);
  const Results<float> trained = run_onednn(p, inputs, gradients);
  expect_near("oneDNN's training", p, doubled(trained.outputs), expected.outputs, 1);
  if (p.has_attention()) return;  // see below
  expect_near("oneDNN's training", p, doubled(trained.gradients), expected.gradients, 1);
  expect_near("our training beside oneDNN's", p, training.gradients, doubled(trained.gradients), 2);
}

class OnednnProblems : public testing::TestWithParam<std::size_t> {};

TEST_P(OnednnProblems, inference_and_training_agree_with_the_reference_and_with_onednn) {
  compare_all(reduced(problems()[GetParam()], most_flops));
}

std::string test_name(const testing::TestParamInfo<std::size_t>& info) {
  std::string name = problems()[info.param].name;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, OnednnProblems, testing::Range(std::size_t{0}, problems().size()), test_name);

TEST(Onednn, is_there_to_compare_with) {
  if (is_available()) return;
  RECURRA_SKIP("no comparison with oneDNN: tools/fetch_onednn.py fetches its wheels");
}

TEST(Onednn, six_problems_read_a_state_of_another_width_than_they_give) {
  std::vector<std::string> found;
  for (const Problem& p : problems()) {
    if (p.recurrent == p.width) continue;
    EXPECT_EQ(p.steps, 1) << p.name;
    found.push_back(p.name);
  }
  EXPECT_THAT(found, testing::ElementsAreArray(read_apart));
}

TEST(Onednn, problems_are_all_of_its_list_and_small_enough) {
  ASSERT_EQ(problems().size(), 44U);
  for (const Problem& whole : problems()) {
    const Problem p = reduced(whole, most_flops);
    EXPECT_TRUE(p.flops() <= most_flops || p.steps == 1) << p.name;
    EXPECT_GE(p.batch, std::min<i64>(whole.batch, 7)) << p.name;
  }
}

/// Which none of the list has.
TEST(Onednn, agrees_on_peepholes_and_projection_together) {
  compare_all({.name = "peepholes and projection",
               .cell = "lstmp_peephole",
               .direction = "concat",
               .steps = 5,
               .batch = 3,
               .input = 6,
               .recurrent = 7,
               .units = 9,
               .width = 7});
}

/// Central differences of what goes forward, weighed by the outputs' gradients: by the reference.
std::vector<double> differences(const Problem& p,
                                Tensors<float> inputs,
                                const Tensors<float>& gradients,
                                Tensor of) {
  const auto loss = [&] {
    double sum = 0.0;
    for (const auto& [tensor, values] : run_reference(p, inputs, {}).outputs) {
      for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * double(gradients.at(tensor)[i]);
    }
    return sum;
  };
  std::vector<double> result;
  for (float& number : inputs.at(of)) {
    const float above = number + 0x1p-11F;
    const float below = number - 0x1p-11F;
    const float at = std::exchange(number, above);
    const double of_above = loss();
    number = below;
    result.push_back((of_above - loss()) / (double(above) - double(below)));
    number = at;
  }
  return result;
}

/// |actual - expected| / |expected|.
double relative_error(const std::vector<double>& actual, const std::vector<double>& expected) {
  double error = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += (actual.at(i) - expected[i]) * (actual.at(i) - expected[i]);
    size += expected[i] * expected[i];
  }
  return std::sqrt(error / size);
}

/// In oneDNN's way back u stands where (1 - a) u does in its way forward.
TEST(Onednn, gradients_of_augrus_are_not_the_derivatives_that_ours_are) {
  for (const char* cell : {"augru", "lbr_augru"}) {
    for (const i64 steps : {1, 4}) {
      const Problem p{.name = cell,
                      .cell = cell,
                      .steps = steps,
                      .batch = 3,
                      .input = 6,
                      .recurrent = 5,
                      .units = 5,
                      .width = 5};
      const Tensors<float> inputs = random_inputs(p, seed);
      const Tensors<float> gradients = random_gradients(p, seed);
      const Results<double> ours = run_ours(p, inputs, gradients);
      const Results<float> theirs = is_available() ? run_onednn(p, inputs, gradients) : Results<float>();
      const Tensors<double> outputs = run_reference(p, inputs, {}).outputs;
      if (is_available()) expect_near("oneDNN's training", p, doubled(theirs.outputs), outputs, 1);
      for (const Tensor tensor : {Tensor::src_layer,
                                  Tensor::src_iter,
                                  Tensor::attention,
                                  Tensor::weights_layer,
                                  Tensor::weights_iter,
                                  Tensor::bias}) {
        const std::vector<double> expected = differences(p, inputs, gradients, tensor);
        EXPECT_LT(relative_error(ours.gradients.at(tensor), expected), 1e-5)
            << cell << ' ' << name_of(tensor);
        if (!is_available()) continue;
        EXPECT_GT(relative_error(doubled(theirs.gradients).at(tensor), expected), 0.1)
            << cell << ' ' << steps << " steps " << name_of(tensor);
      }
    }
  }
}

}  // namespace

}  // namespace recurra::test
