# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion of geoblock and geoblock-sync

set -l lists \
    'query: --json --live --no-live --rdns --os --config --help' \
    'check: --json --verbose --config --help' \
    'export: --format --countries --output --result --json --config --help' \
    'fingerprint: --json --summary --signatures --only --config --help' \
    'replay: --json --summary --any-port --config --help' \
    'status: --json --config --help' \
    'top: --by --json --config --help' \
    'log: --follow --json --config --help' \
    'reload: --confirm --json --config --help' \
    'confirm: --no --json --config --help' \
    'metrics: --json --config --help' \
    'greylist: --json --config --help' \
    'sync: --offline --dry-run --force --report --confirm --no-apply --progress --publish --key --make-key --json --quiet --verbose --config --version --help'
set -l commands query check export fingerprint replay status top log reload confirm metrics greylist help

complete -c geoblock -f -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c geoblock -f -n '__fish_seen_subcommand_from help' -a 'query check export fingerprint replay status top log reload confirm metrics greylist'
complete -c geoblock -n "not __fish_seen_subcommand_from $commands" -l config -r
complete -c geoblock -n "not __fish_seen_subcommand_from $commands" -l version
complete -c geoblock -n "not __fish_seen_subcommand_from $commands" -l help

for line in $lists
    set -l part (string split -m 1 ': ' -- $line)
    for option in (string split ' ' -- $part[2])
        set -l name (string sub -s 3 -- $option)
        set -l where -c geoblock -n "__fish_seen_subcommand_from $part[1]"
        test $part[1] = sync; and set where -c geoblock-sync
        switch $name
            case os
                complete $where -l os -x -a 'windows linux android macos ios bsd solaris other scanner unknown'
            case format
                complete $where -l format -x -a 'nft cidr ranges ipset postfix json mmdb'
            case by
                complete $where -l by -x -a 'country os net reason'
            case countries result
                complete $where -l $name -x
            case config output signatures
                complete $where -l $name -r
            case '*'
                complete $where -l $name
        end
    end
end
complete -c geoblock -f -n '__fish_seen_subcommand_from greylist' -a 'list forget stats'
