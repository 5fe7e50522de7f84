/// How often memory was asked for.
#pragma once

namespace recurra::test {

/// Calls so far of the C library's and the language's functions that give memory, from this program and the
/// library within it (only in programs linked with recurra_test_allocations).
[[nodiscard]] long allocations();

}  // namespace recurra::test
