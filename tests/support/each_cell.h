/// Every cell on every target of this machine.
#pragma once

#include <span>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/engine_case.h"
#include "tests/support/thinning.h"

namespace recurra::test {

/// Calls check(table, cell) for every cell, built in or toy, of every target; under a sanitizer, for every
/// cell on one target of three, another in the next call.
template <class Check>
void for_each_cell(Check check) {
  static int calls = 0;
  int first = calls++;
  for (const Target* target : supported_targets()) {
    Thinning thinning(first++);
    for (const Target* table : {target, &toy_target(*target)}) {
      for (const CellKernels& cell : std::span(table->cells, std::size_t(table->cell_count))) {
        if (thinning.skips()) continue;
        SCOPED_TRACE(std::string(target->name) + " " + cell.name);
        check(*table, cell);
      }
    }
  }
}

}  // namespace recurra::test
