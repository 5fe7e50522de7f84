#!/usr/bin/env bash
# Proves ./demo and ./check where nothing is installed: in a minimal Debian 12 tree, on a clean clone of this checkout.
set -euo pipefail

suite=bookworm
demo_limit=360 again_limit=15 check_limit=900 # seconds; the second demo's is for all but the training
accuracy_floor=0.75

usage() {
  cat <<'TEXT'
usage: tools/bare_debian.sh [--demo-only] [--tree DIR] [--command COMMAND]   (as root)

Makes a minimal tree with debootstrap, clones the last commit of this checkout into it and runs, in a chroot,
./demo twice and ./check once. Prints the time of each and PASS or FAIL; exit status 1 if one failed.
The packages come from where this machine's apt gets them, through the same proxy. The tree is removed at the end.

  --demo-only        leave out ./check
  --tree DIR         keep the untouched minimal system as DIR/bare.tar and start from it the next time
  --command COMMAND  run this in the clone instead, once
If RECURRA_SHARED names a folder, it is seen read-only in the tree, as /shared, and RECURRA_SHARED says so there.
TEXT
}

fail() { echo "bare_debian: $*" >&2; exit 2; }

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
arguments=("$@") demo_only='' keep='' command=''
while [ $# -gt 0 ]; do
  case $1 in
    --demo-only) demo_only=yes ;;
    --tree) keep=${2:?--tree needs a folder}; shift ;;
    --command) command=${2:?--command needs a command}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown option \"$1\"; see --help" ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || fail "needs root, for debootstrap and chroot"

# In a mount namespace of its own: whatever happens, no mount outlives this process to meet a later rm.
if [ -z "${RECURRA_BARE_DEBIAN-}" ]; then
  RECURRA_BARE_DEBIAN=1 exec unshare --mount --propagation private "${BASH_SOURCE[0]}" "${arguments[@]}"
fi

if ! command -v debootstrap >/dev/null; then
  echo "installing debootstrap"
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install debootstrap debian-archive-keyring >/dev/null
fi
commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null) || fail "$root has no commit to clone"
[ -z "$(git -C "$root" status --porcelain)" ] || echo "note: changes that are not committed are not in the clone"

work=$(mktemp -d "${TMPDIR:-/tmp}/bare-debian.XXXXXX")
tree=$work/tree
base=''
[ -z "$keep" ] || { mkdir -p "$keep" && base=$(cd -- "$keep" && pwd -P)/bare.tar; }

mounts_below() { awk -v below="$work/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo; }

cleanup() {
  status=$?
  trap '' INT TERM
  mounts_below | sort -r | while read -r mounted; do umount "$mounted" || umount --lazy "$mounted"; done
  if [ -n "$(mounts_below)" ]; then
    echo "bare_debian: still mounted, not removed: $work" >&2
  else
    rm -rf --one-file-system -- "$work"
  fi
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Prints the apt lines for the suite as this machine has them, whichever format it keeps them in.
apt_sources() {
  # shellcheck disable=SC2016  # apt expands these
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk -v suite="$suite" '($2 == suite || index($2, suite "-") == 1) && $3 == "main" { print "deb", $0 }' | sort -u
}

# Prints what lets apt reach its archive from here: of the configuration the files that say how to acquire, and keys,
# passwords, certificates, names.
apt_access() {
  grep -ls '^[^#/]*Acquire' /etc/apt/apt.conf /etc/apt/apt.conf.d/* || :
  ls -d /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/apt/trusted.gpg /etc/apt/trusted.gpg.d /etc/apt/keyrings \
    /etc/ssl/certs/ca-certificates.crt /etc/resolv.conf /etc/hosts 2>/dev/null || :
}

make_base() {
  local proxy='' mirror
  mirror=$(apt_sources | awk -v suite="$suite" '$3 == suite { print $2; exit }')
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  if [ -n "$proxy" ] && [ "$proxy" != DIRECT ]; then export http_proxy=${http_proxy:-$proxy}; fi
  if ! debootstrap --variant=minbase "$suite" "$tree" "${mirror:-http://deb.debian.org/debian}" >"$work/log" 2>&1; then
    tail -n 20 "$work/log" "$tree/debootstrap/debootstrap.log" >&2 || :
    fail "debootstrap failed"
  fi
  rm -rf -- "$tree"/var/cache/apt/archives/*.deb
  [ -n "$keep" ] || return 0
  tar -C "$tree" --numeric-owner -cf "$base.part" .
  mv -- "$base.part" "$base"
}

make_tree() {
  if [ -f "$base" ]; then mkdir "$tree" && tar -C "$tree" --numeric-owner -xpf "$base"; else make_base; fi
  local sources path
  sources=$(apt_sources)
  [ -z "$sources" ] || printf '%s\n' "$sources" >"$tree/etc/apt/sources.list"
  for path in $(apt_access); do
    mkdir -p "$tree$(dirname "$path")"
    rm -f "$tree$path" 2>/dev/null || :
    cp -rL "$path" "$tree$(dirname "$path")/"
  done
  git clone --quiet --no-hardlinks -- "$root" "$tree/recurra"
  mount -t proc proc "$tree/proc"
  mount --bind /dev "$tree/dev"
  if [ -n "${RECURRA_SHARED-}" ]; then
    mkdir "$tree/shared"
    mount --bind -o ro -- "$RECURRA_SHARED" "$tree/shared"
  fi
}

# Runs a command in the clone; nothing of this environment gets in but proxies.
inside() {
  local name environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
  for name in http_proxy https_proxy no_proxy; do [ -z "${!name-}" ] || environment+=("$name=${!name}"); done
  [ -z "${RECURRA_SHARED-}" ] || environment+=(RECURRA_SHARED=/shared)
  env -i "${environment[@]}" chroot "$tree" /bin/sh -c "cd /recurra && $1" </dev/null
}

results=()

# prove NAME LIMIT COMMAND [besides-training]: the command must succeed, keep to the limit, and print a good accuracy
# where it trains.
prove() {
  local name=$1 limit=$2 output=$work/output start=$SECONDS status=0 verdict=PASS remark='' seconds training accuracy
  echo "== $name: $3"
  inside "$3" 2>&1 | tee "$output" || status=$?
  seconds=$((SECONDS - start)) training=0
  [ "$status" -eq 0 ] || { verdict=FAIL remark+=" exit status $status;"; }
  if [ "$3" = ./demo ]; then
    accuracy=$(sed -n 's/.*val_accuracy: \([0-9.]*\).*/\1/p' "$output" | tail -n 1)
    training=$(sed -n 's/.* \([0-9]*\) s of them training\..*/\1/p' "$output" | tail -n 1)
    remark+=" ${training:=0} s training; val_accuracy ${accuracy:-missing};"
    awk -v got="${accuracy:-0}" -v floor="$accuracy_floor" 'BEGIN { exit !(got >= floor) }' || verdict=FAIL
  fi
  if [ $# -eq 4 ]; then limit=$((limit + training)); fi
  [ "$seconds" -le "$limit" ] || verdict=FAIL
  results+=("$(printf '%s  %-16s %5d s of %d;%s' "$verdict" "$name" "$seconds" "$limit" "$remark")")
}

start=$SECONDS
if [ -f "$base" ]; then origin="unpacked from $base"; else origin="made by debootstrap"; fi
make_tree
echo "bare tree $origin in $((SECONDS - start)) s: $suite, $(inside 'dpkg-query -W | wc -l') packages, clone of $commit"
if [ -n "$command" ]; then
  prove "command" 86400 "$command"
else
  prove "demo, from bare" "$demo_limit" ./demo
  prove "demo, again" "$again_limit" ./demo besides-training
  [ -n "$demo_only" ] || prove "check" "$check_limit" ./check
fi
echo
printf '%s\n' "${results[@]%;}"
[[ "${results[*]}" != *FAIL* ]]
