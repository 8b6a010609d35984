# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154 # after tap.sh, which sets tmp and BUILD
#
# Two network namespaces for shell tests of the kernel side: here the mail server,
# with the firewall; there the world, with as many senders as a test wants.
#
#   . "$(dirname "$0")/../tap.sh"
#   . "$(dirname "$0")/ends.sh"      goes on in a namespace of its own
#   ends                             both ends and the veth between them
#   sender ADDR…                     addresses that the world sends from
#   serve PORT…                      listeners here, IPv4 and IPv6
#   in_world command…
#   outcome ADDR [PORT]              accepted, reset or timeout

probe=$BUILD/helpers/net/probe
mx4=198.51.100.25
mx6=2001:db8:25::25
wait_ms=${WAIT_MS:-700} # for what does not come

if [ "${GEOBLOCK_IN_NAMESPACE-}" != yes ]; then
	if [ "$(id -u)" != 0 ]; then
		skip "$(basename "$0")" "needs root for a network namespace"
		done_testing
	fi
	rm -rf "$tmp"
	GEOBLOCK_IN_NAMESPACE=yes exec unshare --net --kill-child "$0" "$@"
fi

give_up() {
	echo "# $*" >&2
	exit 3
}

in_world() {
	nsenter --net="/proc/$world/ns/net" "$@"
}

# wait_for command…: until it succeeds, thirty seconds at most
wait_for() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.05
	done
}

apart() {
	[ "$(readlink "/proc/$world/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

wire() {
	ip link add mx0 address 02:00:00:00:00:25 type veth \
		peer name world0 address 02:00:00:00:00:01 netns "$world" &&
		ip addr add $mx4/24 dev mx0 &&
		ip addr add $mx6/64 dev mx0 nodad &&
		ip link set mx0 up &&
		in_world ip link set lo up &&
		in_world ip addr add 198.51.100.1/24 dev world0 &&
		in_world ip addr add 2001:db8:25::1/64 dev world0 nodad &&
		in_world ip link set world0 up &&
		# discovery among strangers takes a second or two
		ip neigh add 2001:db8:25::1 lladdr 02:00:00:00:00:01 dev mx0 &&
		in_world ip neigh add $mx6 lladdr 02:00:00:00:00:25 dev world0 &&
		ip route add default via 198.51.100.1 &&
		ip route add default via 2001:db8:25::1
}

ends() {
	ip link set lo up
	unshare --net "$probe" hold &
	world=$!
	wait_for apart || give_up "no second namespace"
	wire || give_up "no network between the namespaces"
}

sender() {
	for address; do
		case $address in
		*:*) in_world ip addr add "$address/128" dev lo nodad ;;
		*) in_world ip addr add "$address/32" dev lo ;;
		esac || give_up "$address cannot send"
	done
}

serve() {
	"$probe" listen "$@" >"$tmp/serving" &
	wait_for test -s "$tmp/serving" || give_up "no listener on $*"
}

outcome() {
	case $1 in
	*:*) to=$mx6 ;;
	*) to=$mx4 ;;
	esac
	set -- "$1" "$(in_world "$probe" connect "$1" $to "${2:-25}" "$wait_ms")"
	echo "${2% * ms*}"
}
