# What ./demo and ./check share: the Debian packages, and phases that keep quiet unless they fail.
# Sourced by a POSIX shell. Expects in $logs a folder that exists, writes its log files there.
# shellcheck disable=SC2034,SC2086,SC2154  # used by who sources this; lists are split on purpose; $logs

program_packages="g++ cmake ninja-build zlib1g-dev nlohmann-json3-dev libeigen3-dev libcli11-dev libfmt-dev"
# clang compiles everything a second time, and has its sanitizers in libclang-rt-dev; python3 and binutils serve the scripts in tools/; python3-pip-whl is the least
# that fetches wheels (oneDNN's, to compare with); find_package(libzip) fails without the three zip programs.
test_packages="libgtest-dev libgmock-dev libhdf5-dev libzip-dev zipcmp zipmerge ziptool python3 python3-pip-whl binutils clang libclang-rt-dev clang-format clang-tidy doxygen pkgconf"

now() { date +%s; }

processors() { nproc 2>/dev/null || getconf _NPROCESSORS_ONLN; }

# phase LABEL LOG COMMAND...: one line with the seconds it took. LOG gets the output; its end is shown on failure.
phase() {
  phase_label=$1 phase_log=$logs/$2 phase_start=$(now) phase_status=0
  shift 2
  printf '%-26s' "$phase_label"
  printf '\n== %s: %s\n' "$phase_label" "$*" >>"$phase_log"
  "$@" >>"$phase_log" 2>&1 </dev/null || phase_status=$?
  if [ "$phase_status" -eq 0 ]; then
    printf '%4d s%s\n' $(($(now) - phase_start)) "$(phase_remark)"
  else
    printf '%4d s  FAILED, the end of its log:\n\n' $(($(now) - phase_start))
    # What a test said stands far above the end where others ran after it.
    grep -A 9 -E ': Failure$|runtime error:|: ERROR: |WARNING: ThreadSanitizer|\*\*\*' "$phase_log" | head -n 80
    tail -n 30 "$phase_log"
    printf '\nThe whole log: %s\n' "$phase_log"
  fi
  [ "$phase_status" -eq 0 ]
}

# A run of ctest is summed up by its own words.
phase_remark() { sed -n 's/^\([0-9]*% tests passed, .*\)/  \1/p' "$phase_log" | tail -n 1; }

# Prints those of the given packages that are not installed.
missing_packages() {
  missing_found=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' "$@" 2>/dev/null || :)"
  for missing_package in "$@"; do
    case $missing_found in
      *" $missing_package=installed "*) ;;
      *) printf '%s ' "$missing_package" ;;
    esac
  done
}

# apt_install AS_ROOT PACKAGES: AS_ROOT is the command that gives the rights, or nothing.
apt_install() {
  # A failed update is not yet a failure: a broken list of some other source need not concern these packages.
  $1 env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 update || echo "(going on without the update)"
  # A freshly started machine may hold the lock for its own updates: wait for it.
  $1 env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o Acquire::Retries=3 \
    -o DPkg::Lock::Timeout=300 install $2
}

# require_packages PACKAGES: installs what is missing, or says what to type and exits with 2.
require_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is no Debian system. Needed are what these Debian packages hold: $1"
    return 0
  fi
  missing=$(missing_packages $1)
  missing=${missing% }
  [ -n "$missing" ] || return 0
  echo "packages missing: $missing"

  if [ "$(id -u)" -eq 0 ]; then
    as_root=
  elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  elif command -v sudo >/dev/null && [ -t 0 ] && [ -t 1 ]; then
    as_root=sudo
    echo "sudo may ask for your password to install them."
    sudo -v || exit 2
  else
    apt_line="apt-get update && apt-get install -y --no-install-recommends $missing"
    echo "They need an administrator's rights. Type this, then start again:"
    if command -v sudo >/dev/null; then echo "  sudo sh -c '$apt_line'"; else echo "  su -c '$apt_line'"; fi
    exit 2
  fi
  phase "installing packages" packages.log apt_install "$as_root" "$missing" || exit 1
}
