/// The problems that oneDNN tests and times its RNN primitive with: ours against the double reference, and
/// against oneDNN itself.
#include <algorithm>
#include <cstdlib>

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

const std::vector<Problem>& problems() {
  static const std::vector<Problem> all =
      read_problems(std::string(RECURRA_SOURCE_DIR) + "/tests/data/onednn_shapes.json");
  return all;
}

/// How far a tensor may be from the reference: the bounds of the engine's tests, for each of the layers.
double tolerance(const Problem& p, bool gradient, double largest) {
  const double layers = double(p.layers);
  return layers * (gradient ? 1e-5 * std::max(largest, 1e-6) : output_tolerance(int(p.units), largest));
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

class OnednnProblems : public testing::TestWithParam<std::size_t> {
 protected:
  Problem p = reduced(problems()[GetParam()], most_flops);
  Tensors<float> inputs = random_inputs(p, seed);
  Tensors<float> gradients = random_gradients(p, seed);
  testing::ScopedTrace trace{__FILE__, __LINE__, p.name};
};

TEST_P(OnednnProblems, inference_and_training_agree_with_the_reference_and_with_onednn) {
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
  // Its way back through an attention is not the derivative of its way forward.
  if (p.has_attention()) return;
  expect_near("oneDNN's training", p, doubled(trained.gradients), expected.gradients, 1);
  expect_near("our training beside oneDNN's", p, training.gradients, doubled(trained.gradients), 2);
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

TEST(Onednn, problems_are_all_of_its_list_and_small_enough) {
  ASSERT_EQ(problems().size(), 44U);
  for (const Problem& whole : problems()) {
    const Problem p = reduced(whole, most_flops);
    EXPECT_TRUE(p.flops() <= most_flops || p.steps == 1) << p.name;
    EXPECT_GE(p.batch, std::min<i64>(whole.batch, 7)) << p.name;
  }
}

}  // namespace

}  // namespace recurra::test
