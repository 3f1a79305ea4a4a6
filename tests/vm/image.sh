#!/bin/bash
# Builds the Debian of tests/vm: real systemd, sshd, sudo, python3 and git, in about two minutes.
#   tests/vm/image.sh [CACHE]     default: ${XDG_CACHE_HOME:-~/.cache}/genesis-ops-vm
# Needs mmdebstrap, e2fsprogs, a Debian mirror, and root (or fakeroot). Starts nothing and changes nothing outside CACHE.
set -euo pipefail

cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/genesis-ops-vm}
packages=linux-image-cloud-amd64,systemd-sysv,libpam-systemd,dbus,udev,procps,iproute2,openssh-server,sudo
packages+=,python3,python3-venv,python3-apt,acl,git,curl

[ "$(id -u)" = 0 ] || [ -n "${FAKEROOTKEY:-}" ] || exec fakeroot -- "$0" "$@"
umask 022
mkdir -p "$cache"
chmod 700 "$cache" # the key below opens every machine that is booted from here
work=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
[ -f "$cache/key" ] || ssh-keygen -q -t ed25519 -N '' -C genesis-ops-vm -f "$cache/key"

mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$work/root.tar"
root=$work/root
mkdir "$root"
tar -xf "$work/root.tar" -C "$root"
rm "$work/root.tar"

user() { # NAME ID HOME HASH: a user that is logged in with the key above, as sshd takes no passwords
  printf '%s:x:%s:%s::%s:/bin/bash\n' "$1" "$2" "$2" "$3" >>"$root/etc/passwd"
  printf '%s:x:%s:\n' "$1" "$2" >>"$root/etc/group"
  printf '%s:%s:19000:0:99999:7:::\n' "$1" "$4" >>"$root/etc/shadow"
  mkdir -p "$root$3"
}
login() { # NAME ID
  chown "$2:$2" "$root/home/$1"
  install -d -o "$2" -g "$2" -m 700 "$root/home/$1/.ssh"
  install -o "$2" -g "$2" -m 600 "$cache/key.pub" "$root/home/$1/.ssh/authorized_keys"
}
user genesis 1500 /opt/genesis '!' # a home that is root's: what sudo starts from there nobody else may replace
user ops 1501 /home/ops '*'
user locked 1502 /home/locked "$(openssl passwd -6 locked)"
login ops 1501
login locked 1502
printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\nlocked ALL=(ALL:ALL) ALL\n' >"$root/etc/sudoers.d/vm"
chmod 440 "$root/etc/sudoers.d/vm"

echo genesis-vm >"$root/etc/hostname"
printf '127.0.0.1 localhost genesis-vm\n' >"$root/etc/hosts"
printf '/dev/vda / ext4 rw,noatime 0 1\n' >"$root/etc/fstab"
printf '[Match]\nType=ether\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n' >"$root/etc/systemd/network/vm.network"
printf 'PasswordAuthentication no\nUseDNS no\n' >"$root/etc/ssh/sshd_config.d/vm.conf"
: >"$root/etc/machine-id" # systemd makes one at the first boot of each copy
mkdir -p "$root/var/log/journal" # journald keeps what was before a boot
wants=$root/etc/systemd/system
mkdir -p "$wants/multi-user.target.wants" "$wants/network-online.target.wants"
ln -sf /lib/systemd/system/systemd-networkd.service "$wants/multi-user.target.wants/"
ln -sf /lib/systemd/system/systemd-networkd-wait-online.service "$wants/network-online.target.wants/"

cp "$root"/boot/vmlinuz-* "$work/vmlinuz"
cp "$root"/boot/initrd.img-* "$work/initrd"
awk '{print "genesis-vm " $1 " " $2}' "$root/etc/ssh/ssh_host_ed25519_key.pub" >"$work/known_hosts"
mke2fs -q -t ext4 -d "$root" "$work/disk.img" 16G
chmod 644 "$work"/vmlinuz "$work"/initrd
mv -f "$work/vmlinuz" "$work/initrd" "$work/known_hosts" "$cache/"
mv -f "$work/disk.img" "$cache/disk.img" # the last: an image that is there is whole
