#include "recurra/base/cpu.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

#include <sched.h>
#include <unistd.h>

namespace recurra {

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// Processors' worth of time the group in `folder` may use.
double quota_of(const std::filesystem::path& folder) {
  double quota = 0;
  double period = 0;
  // Of a group without a limit the first word is "max" here, and -1 in version 1.
  std::ifstream both(folder / "cpu.max");
  if (!(both >> quota >> period)) {
    std::ifstream(folder / "cpu.cfs_quota_us") >> quota;
    std::ifstream(folder / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : unlimited;
}

/// The least quota of the group `path` below `mount` and of those above it. In a container, where its own
/// group is mounted, folders of the path may be absent.
double least_quota(const std::filesystem::path& mount, const std::filesystem::path& path) {
  double least = quota_of(mount);
  std::filesystem::path folder = mount;
  for (const std::filesystem::path& name : path.relative_path()) {
    folder /= name;
    least = std::min(least, quota_of(folder));
  }
  return least;
}

/// Where the groups of these controllers, comma separated, may be mounted; none for others than the
/// processor's.
std::vector<std::string> mounts_of(const std::string& controllers) {
  if (controllers.empty()) return {"", "unified"};  // version 2
  if (("," + controllers + ",").find(",cpu,") == std::string::npos) return {};
  return {controllers, "cpu"};
}

}  // namespace

int quota_processors(const std::filesystem::path& root) noexcept {
  try {
    double least = unlimited;
    std::ifstream groups(root / "proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {  // number:controllers:path
      std::istringstream words(line);
      std::string number, controllers, path;
      std::getline(words, number, ':');
      std::getline(words, controllers, ':');
      std::getline(words, path);
      for (const std::string& mount : mounts_of(controllers)) {
        least = std::min(least, least_quota(root / "sys/fs/cgroup" / mount, path));
      }
    }
    return least < std::numeric_limits<int>::max() ? static_cast<int>(std::ceil(least)) : 0;
  } catch (const std::exception&) {
    return 0;  // what cannot be read limits nobody
  }
}

int usable_processors() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  const int count = std::max(CPU_COUNT(&set), 1);
  const int quota = quota_processors();
  return quota > 0 ? std::min(count, quota) : count;
}

#if defined(__x86_64__)

bool cpu_has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool cpu_has_avx512() noexcept {
  return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}

#else

bool cpu_has_avx2() noexcept {
  return false;
}

bool cpu_has_avx512() noexcept {
  return false;
}

#endif

i64 second_level_cache() noexcept {
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? bytes : i64{1} << 20;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace recurra
