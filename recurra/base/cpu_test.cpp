#include "recurra/base/cpu.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sched.h>

#include "tests/support/temporary_folder.h"

namespace recurra {

namespace {

/// A tree with the files of control groups.
class Groups {
 public:
  /// `groups`: the content of /proc/self/cgroup.
  explicit Groups(const std::string& groups) { write("proc/self/cgroup", groups); }

  Groups& write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    test::write_bytes(folder_ / name, content);
    return *this;
  }

  Groups& write_version_1(const std::string& group, const std::string& quota) {
    write("sys/fs/cgroup/" + group + "/cpu.cfs_period_us", "100000\n");
    return write("sys/fs/cgroup/" + group + "/cpu.cfs_quota_us", quota);
  }

  [[nodiscard]] int quota() const { return quota_processors(folder_.path()); }

 private:
  test::TemporaryFolder folder_;
};

TEST(Cpu, a_quota_is_rounded_up_to_processors) {
  Groups groups("0::/\n");
  EXPECT_EQ(groups.quota(), 0) << "no file";
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu.max", "150000 100000\n").quota(), 2);
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu.max", "200000 100000\n").quota(), 2);
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu.max", "1000 100000\n").quota(), 1);
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu.max", "max 100000\n").quota(), 0);
}

TEST(Cpu, the_least_quota_of_the_groups_above_counts) {
  Groups groups("0::/system.slice/work.service\n");
  groups.write("sys/fs/cgroup/system.slice/work.service/cpu.max", "800000 100000\n");
  EXPECT_EQ(groups.quota(), 8);
  groups.write("sys/fs/cgroup/system.slice/cpu.max", "300000 100000\n");
  EXPECT_EQ(groups.quota(), 3);
  groups.write("sys/fs/cgroup/system.slice/other.service/cpu.max", "100000 100000\n");
  EXPECT_EQ(groups.quota(), 3) << "a group this process is not in";
}

TEST(Cpu, version_1_has_its_own_files) {
  Groups groups("4:memory:/\n3:cpuset:/\n2:cpu,cpuacct:/docker/1\n0::/\n");
  EXPECT_EQ(groups.write_version_1("cpu,cpuacct/docker/1", "250000\n").quota(), 3);
  EXPECT_EQ(groups.write_version_1("cpu,cpuacct/docker/1", "-1\n").quota(), 0);
  // In a container the mount is its own group, and the path means nothing.
  EXPECT_EQ(groups.write_version_1("cpu", "100000\n").quota(), 1);
}

TEST(Cpu, other_controllers_do_not_count) {
  Groups groups("3:cpuset:/a\n1:cpuacct:/a\n");
  EXPECT_EQ(groups.write_version_1("cpuset/a", "100000\n").write_version_1("cpuacct/a", "100000\n").quota(),
            0);
}

TEST(Cpu, what_cannot_be_read_limits_nobody) {
  EXPECT_EQ(quota_processors("/nowhere"), 0);
  EXPECT_EQ(Groups("no colons here\n::::\n").quota(), 0);
  Groups groups("0::/\n");
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu.max", "").quota(), 0);
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu.max", "100000 0\n").quota(), 0);
  EXPECT_EQ(groups.write("sys/fs/cgroup/cpu.max", "1e300 1\n").quota(), 0);
}

TEST(Cpu, the_affinity_mask_limits) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_GE(usable_processors(), 1);
  EXPECT_LE(usable_processors(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(usable_processors(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace

}  // namespace recurra
