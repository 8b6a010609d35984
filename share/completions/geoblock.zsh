#compdef geoblock geoblock-sync
# SPDX-License-Identifier: GPL-2.0-or-later

local -a lists classes formats
lists=(
	'query: --json --live --no-live --rdns --os --config --help'
	'check: --json --verbose --config --help'
	'export: --format --countries --output --result --json --config --help'
	'fingerprint: --json --summary --signatures --only --config --help'
	'replay: --json --summary --any-port --config --help'
	'status: --json --config --help'
	'top: --by --json --config --help'
	'log: --follow --json --config --help'
	'reload: --confirm --json --config --help'
	'confirm: --no --json --config --help'
	'metrics: --json --config --help'
	'greylist: --json --config --help'
	'sync: --offline --dry-run --force --report --confirm --no-apply --progress --publish --key --make-key --json --quiet --verbose --config --version --help'
)
classes=(windows linux android macos ios bsd solaris other scanner unknown)
formats=(nft cidr ranges ipset postfix json mmdb)

case $words[CURRENT-1] in
--os) compadd -- $classes && return ;;
--by) compadd -- country os net reason && return ;;
--format) compadd -- $formats && return ;;
--config|--output|--signatures) _files && return ;;
esac

local command=sync line
if [[ ${service:-$words[1]} != geoblock-sync ]]; then
	command=${${(M)words[2,CURRENT-1]:#(query|check|export|fingerprint|replay|status|top|log|reload|confirm|metrics|greylist|help)}[1]}
	if [[ -z $command || $command == help ]]; then
		compadd -- query check export fingerprint replay status top log reload confirm metrics greylist help
		[[ -n $command ]] || compadd -- --config --version --help
		return
	fi
fi
for line in $lists; do
	[[ $line == $command:* ]] && compadd -- ${=line#*: }
done
[[ $command == greylist ]] && compadd -- list forget stats
[[ $command == (sync|check|fingerprint|replay) ]] && _files
