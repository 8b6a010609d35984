# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of geoblock and geoblock-sync

_geoblock() {
	local word=$2 previous=$3 command= i words=
	local query='--json --live --no-live --rdns --os --config --help'
	local check='--json --verbose --config --help'
	local export='--format --countries --output --result --json --config
		--help'
	local fingerprint='--json --summary --signatures --only --config --help'
	local replay='--json --summary --any-port --config --help'
	local status='--json --config --help'
	local top='--by --json --config --help'
	local log='--follow --json --config --help'
	local reload='--confirm --json --config --help'
	local confirm='--no --json --config --help'
	local metrics='--json --config --help'
	local greylist='--json --config --help'
	local sync='--offline --dry-run --force --report --confirm --no-apply --progress --publish --key --make-key
		--json --quiet
		--verbose --config --version --help'

	COMPREPLY=()
	case $previous in
	--os)
		words='windows linux android macos ios bsd solaris other scanner
			unknown'
		;;
	--format)
		words='nft cidr ranges ipset postfix json mmdb'
		;;
	--by)
		words='country os net reason'
		;;
	--config | --output | --signatures)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	if [ -n "$words" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
		return
	fi

	if [ "${1##*/}" = geoblock-sync ]; then
		command=sync
	else
		for ((i = 1; i < COMP_CWORD; i++)); do
			case ${COMP_WORDS[i]} in
			--config) i=$((i + 1)) ;;
			-*) ;;
			*)
				command=${COMP_WORDS[i]}
				break
				;;
			esac
		done
	fi
	case $command in
	'') words='query check export fingerprint replay status top log reload confirm metrics greylist
		help --config --version --help' ;;
	help) words='query check export fingerprint replay status top log reload confirm metrics greylist' ;;
	query) words=$query ;;
	check) words=$check ;;
	export) words=$export ;;
	fingerprint) words=$fingerprint ;;
	replay) words=$replay ;;
	status) words=$status ;;
	top) words=$top ;;
	log) words=$log ;;
	reload) words=$reload ;;
	confirm) words=$confirm ;;
	metrics) words=$metrics ;;
	greylist)
		words=$greylist
		case $word in
		-*) ;;
		*) words='list forget stats' ;;
		esac
		;;
	sync) words=$sync ;;
	esac
	# FILEs, unless an option is being typed
	case $command:$word in
	sync:-* | check:-* | fingerprint:-* | replay:-*) ;;
	sync:* | check:* | fingerprint:* | replay:*) words= ;;
	esac
	if [ -n "$words" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _geoblock geoblock geoblock-sync
