#!/bin/sh
# Run `make demo` and `make test` in a bare Debian, as an ordinary account: packaging/debian.sh bookworm
#
# usage, as root: packaging/debian.sh SUITE [MIRROR]
#
# SUITE   bookworm (Debian 12, Python 3.11), trixie (Debian 13, Python 3.13) or sid (Python 3.14 in November 2026)
# MIRROR  a Debian mirror; by default DEBIAN_MIRROR from the environment, else deb.debian.org
#
# Needs debootstrap and the internet. The chroot has git, make and python3-venv, and nothing else that moza-mail needs.
# TARGETS="demo" runs only that target. KEEP=1 keeps the chroot. CHROOT=DIR uses that folder, which may contain a chroot already.
# Variables PIP_* are passed on, for example to use your own package mirror. The certificates of this machine are copied.
set -eu
suite=${1:?name a suite: bookworm or trixie}
mirror=${2:-${DEBIAN_MIRROR:-http://deb.debian.org/debian}}
source=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
root=${CHROOT:-$(mktemp -d)}
# mktemp makes a folder that only root may enter.
chmod 755 "$root"

# All mounts end with this namespace, also after a kill.
if [ "${IN_NAMESPACE:-}" != 1 ]; then
    IN_NAMESPACE=1 CHROOT=$root unshare --mount --pid --fork "$0" "$suite" "$mirror" && code=0 || code=$?
    [ "${KEEP:-}" = 1 ] || rm -rf "$root"
    exit $code
fi

packages=git,make,python3,python3-venv,ca-certificates
[ -x "$root/usr/bin/make" ] || debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
if [ -n "${PIP_FIND_LINKS:-}" ] && [ -d "$PIP_FIND_LINKS" ]; then
    mkdir -p "$root$PIP_FIND_LINKS"
    mount --bind "$PIP_FIND_LINKS" "$root$PIP_FIND_LINKS"
fi

# debootstrap writes no hosts file, unlike the installer of Debian.
[ -s "$root/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"

home=/srv/builder
chroot "$root" sh -c "id builder >/dev/null 2>&1 || useradd --create-home --home-dir $home builder"
rm -rf "$root$home/moza-mail"
git clone --quiet "$source" "$root$home/moza-mail"
chroot "$root" chown -R builder "$home"

cat > "$root$home/run.sh" <<'END'
set -eu
cd ~/moza-mail
. /etc/os-release
echo "$PRETTY_NAME, $(python3 --version)"
for target in $TARGETS; do
    echo "make $target"
    make "$target"
done
END
chroot "$root" runuser -u builder -- env HOME=$home LANG=C.UTF-8 TARGETS="${TARGETS:-demo test}" sh "$home/run.sh"
