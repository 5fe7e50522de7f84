/// The target that was asked for is the one that ran. Run once for each value of RECURRA_TARGET, and without
/// it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recurra/base/error.h"
#include "tests/support/engine_case.h"
#include "tests/support/temporary_folder.h"

namespace recurra::test {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Flags of the first processor as the system lists them; empty where it lists none.
std::set<std::string> processor_flags() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("flags", 0) != 0) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

/// What each target needs, by the system's names, told apart from what the library asks the processor.
bool processor_has(const std::string& target) {
  std::set<std::string> needed;
  if (target == "avx2") needed = {"avx2", "fma"};
  if (target == "avx512") needed = {"avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw"};
  const std::set<std::string> flags = processor_flags();
  return std::includes(flags.begin(), flags.end(), needed.begin(), needed.end());
}

bool is_supported(const std::string& name) {
  for (const Target* target : supported_targets()) {
    if (target->name == name) return true;
  }
  return false;
}

std::string supported_names() {
  std::string names;
  for (const Target* target : supported_targets())
    names += (names.empty() ? "" : ", ") + std::string(target->name);
  return names;
}

/// An LSTM large enough that several threads get work.
EngineCase some_case() {
  Random random(20263);
  EngineCase c;
  c.cell = "lstm";
  c.numbers = sizes_of(find_cell(active_target(), c.cell));
  c.sizes = {9, 7, 30, 150, 0, false};
  c.fill(random);
  return c;
}

/// The target this process has to run on, or "" where its processor cannot.
std::string expected_target() {
  const std::string forced = environment("RECURRA_TARGET");
  return forced.empty() ? supported_targets().back()->name : is_supported(forced) ? forced : "";
}

/// Whether this process can run on its target. Where its processor lacks the forced one, that it is refused
/// is what is left to test.
bool can_run() {
  if (!expected_target().empty()) return true;
  const std::string forced = environment("RECURRA_TARGET");
  EXPECT_TRUE(forced == "avx2" || forced == "avx512") << "no such target: " << forced;
  EXPECT_FALSE(processor_has(forced)) << forced << " is not among " << supported_names();
  EXPECT_EQ(error_text(ErrorCode::unsupported, [] { (void)active_target(); }),
            "target \"" + forced + "\": supported are " + supported_names() + " on this processor");
  std::cout << "this processor lacks " << forced << "; it has " << supported_names() << "\n";
  return false;
}

TEST(TargetTest, the_forced_target_or_the_fastest_is_active) {
  if (!can_run()) return;
  EXPECT_EQ(active_target().name, expected_target());
}

TEST(TargetTest, its_kernels_run_forward_and_backward) {
  if (!can_run()) return;
  Team team(2);
  for (const Schedule schedule : {Schedule::rows, Schedule::units}) {
    const Execution execution{&team, 2, schedule};
    const Outputs out = run_training(some_case(), active_target(), execution);
    EXPECT_EQ(out.forward.target, expected_target());
    EXPECT_EQ(out.backward.target, expected_target());
    EXPECT_EQ(run_forward(some_case(), active_target(), execution).forward.target, expected_target());
  }
}

TEST(TargetTest, a_plan_takes_it_where_none_is_named) {
  if (!can_run()) return;
  EXPECT_EQ(Plan(Recurrence{"lstm", 3, 5, 0, false}).target().name, expected_target());
}

TEST(TargetsTest, the_supported_targets_are_the_ones_the_system_lists) {
  std::string expected = "scalar";
  for (const char* name : {"avx2", "avx512"}) expected += processor_has(name) ? std::string(", ") + name : "";
  EXPECT_EQ(supported_names(), expected);
}

TEST(TargetsTest, each_supported_target_is_found_by_its_name_and_runs) {
  for (const Target* target : supported_targets()) {
    EXPECT_EQ(&find_target(target->name), target);
    const Outputs out = run_training(some_case(), find_target(target->name), {});
    EXPECT_STREQ(out.forward.target, target->name);
    EXPECT_STREQ(out.backward.target, target->name);
  }
}

TEST(TargetsTest, a_target_of_no_such_name_is_refused_with_those_there_are) {
  EXPECT_EQ(error_text(ErrorCode::unsupported, [] { (void)find_target("bogus"); }),
            "target \"bogus\": supported are " + supported_names() + " on this processor");
  EXPECT_EQ(error_text(ErrorCode::unsupported, [] { (void)find_target(""); }),
            "target \"\": supported are " + supported_names() + " on this processor");
}

TEST(PlansTest, have_a_known_cell_and_sizes_in_range) {
  std::string names;
  for (int i = 0; i < active_target().cell_count; ++i) {
    names += (i == 0 ? "" : ", ") + std::string(active_target().cells[i].name);
  }
  EXPECT_EQ(error_text(ErrorCode::unsupported,
                       [] {
                         Plan({"bogus", 3, 5, 0, false});
                       }),
            "cell \"bogus\": supported are " + names);
  const auto refusal = [](i64 input, i64 units, i64 projection) {
    return error_text(ErrorCode::invalid_argument, [&] { Plan({"lstm", input, units, projection, false}); });
  };
  EXPECT_EQ(refusal(0, 5, 0), "input: expected 1 to 1048576, got 0");
  EXPECT_EQ(refusal(1 << 21, 5, 0), "input: expected 1 to 1048576, got 2097152");
  EXPECT_EQ(refusal(3, 0, 0), "units: expected 1 to 1048576, got 0");
  EXPECT_EQ(refusal(3, 1 << 21, 0), "units: expected 1 to 1048576, got 2097152");
  EXPECT_EQ(refusal(3, 5, -1), "projection: expected 0 to 1048576, got -1");
  EXPECT_EQ(refusal(3, 5, 1 << 21), "projection: expected 0 to 1048576, got 2097152");
}

TEST(PlansTest, refuse_a_projection_for_a_cell_that_cannot_have_one) {
  for (const std::string cell : {"indrnn", "scan"}) {
    const auto make = [&] {
      Plan({cell, 3, 5, 2, false}, table_of(active_target(), cell));
    };
    EXPECT_EQ(error_text(ErrorCode::invalid_argument, make),
              "projection: expected none for cell \"" + cell + "\", got 2");
  }
}

TEST(PlansTest, refuse_activations_the_cell_has_no_place_for_or_out_of_range) {
  const auto refusal = [](std::vector<Activation> activations) {
    return error_text(ErrorCode::invalid_argument, [&] { Plan({"lstm", 3, 5, 0, false, activations}); });
  };
  const Activation tanh{ActivationKind::tanh};
  EXPECT_EQ(refusal({tanh}), "activations: expected none or 5 for cell \"lstm\", got 1");
  EXPECT_EQ(refusal({{ActivationKind::elu, -1.0F}, tanh, tanh, tanh, tanh}),
            "activations elu: expected alpha from 0 up, got -1");
  EXPECT_EQ(refusal({{ActivationKind::affine, 1.0F, NAN}, tanh, tanh, tanh, tanh}),
            "activations affine: expected a finite beta, got nan");
  EXPECT_EQ(refusal({{ActivationKind::clipped_relu, 0.0F}, tanh, tanh, tanh, tanh}),
            "activations clipped_relu: expected alpha above 0, got 0");
}

/// Asks for the active target in a process that has RECURRA_TARGET=bogus, writes the error and ends with
/// status 3.
[[noreturn]] void ask_for_bogus() {
  setenv("RECURRA_TARGET", "bogus", 1);
  const std::string first = error_text(ErrorCode::unsupported, [] { (void)active_target(); });
  const std::string second = error_text(ErrorCode::unsupported, [] {
    (void)Plan(Recurrence{"lstm", 3, 5, 0, false});
  });
  std::fprintf(stderr, "%s\n%s\n", first.c_str(), second.c_str());
  std::_Exit(3);
}

TEST(TargetsDeathTest, a_bogus_forced_target_is_an_error_each_time_it_is_needed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a process of its own, which has not chosen yet
  const std::string text = "target \"bogus\": supported are " + supported_names() + " on this processor\n";
  EXPECT_EXIT(ask_for_bogus(), testing::ExitedWithCode(3), testing::HasSubstr(text + text));
}

}  // namespace

}  // namespace recurra::test
