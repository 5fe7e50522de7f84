/// Tests that a machine cannot run.
#pragma once

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

namespace recurra::test {

inline bool in_ci() {
  const char* ci = std::getenv("CI");
  return ci != nullptr && std::string(ci) == "true";
}

}  // namespace recurra::test

/// Ends the test: as skipped, or in CI as failed.
#define RECURRA_SKIP(why)                        \
  do {                                           \
    if (recurra::test::in_ci()) FAIL() << (why); \
    GTEST_SKIP() << (why);                       \
  } while (false)
