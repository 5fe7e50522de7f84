#include "recurra/engine/dispatch/dispatch.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "recurra/base/cpu.h"
#include "recurra/base/error.h"

namespace recurra {

namespace scalar {
extern const Target table;
}

#if defined(RECURRA_HAS_X86_TARGETS)
namespace avx2 {
extern const Target table;
}

namespace avx512 {
extern const Target table;
}
#endif

namespace {

std::vector<const Target*> list_targets() {
  std::vector<const Target*> list = {&scalar::table};
#if defined(RECURRA_HAS_X86_TARGETS)
  if (cpu_has_avx2()) list.push_back(&avx2::table);
  if (cpu_has_avx512()) list.push_back(&avx512::table);
#endif
  return list;
}

const Target& choose_target() {
  const char* forced = std::getenv("RECURRA_TARGET");
  return forced != nullptr ? find_target(forced) : *supported_targets().back();
}

}  // namespace

std::span<const Target* const> supported_targets() {
  static const std::vector<const Target*> list = list_targets();
  return list;
}

const Target& find_target(std::string_view name) {
  std::string names;
  for (const Target* target : supported_targets()) {
    if (name == target->name) return *target;
    names += (names.empty() ? "" : ", ") + std::string(target->name);
  }
  throw Error(ErrorCode::unsupported, "target", names + " on this processor", std::string(name));
}

const Target& active_target() {
  static const Target& target = choose_target();
  return target;
}

const CellKernels& find_cell(const Target& target, std::string_view name) {
  std::string names;
  for (const CellKernels& cell : std::span(target.cells, static_cast<std::size_t>(target.cell_count))) {
    if (name == cell.name) return cell;
    names += (names.empty() ? "" : ", ") + std::string(cell.name);
  }
  throw Error(ErrorCode::unsupported, "cell", names, std::string(name));
}

}  // namespace recurra
