#!/bin/sh
# deploy.sh: the parties to Azure Container Instances, or with --aks to virtual nodes of AKS. See deploy.sh --help.
#
# Everything that decides who gets a key is computed here, from the built image: no confcom, no docker. A key is made with
# its release policy or not at all. Every step can be run again; what exists is kept.
set -eu
LC_ALL=C
export LC_ALL
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
umask 077
# shellcheck source=scripts/deploy/common.sh
. scripts/deploy/common.sh
# shellcheck source=scripts/deploy/azure.sh
. scripts/deploy/azure.sh
# shellcheck source=scripts/deploy/templates.sh
. scripts/deploy/templates.sh
# shellcheck source=scripts/deploy/aks.sh
. scripts/deploy/aks.sh

usage() {
	cat << 'END'
usage: scripts/deploy.sh build|deploy|status|cleanup --prefix P [OPTION...]

build    resource group, registry, image, vaults, identities (with --aks also networks, cluster, virtual node)
deploy   policies, keys with their release policies, roles, containers; waits, then verifies every party
status   what is there
cleanup  lists everything, asks, deletes

  --prefix P            3 to 8 lower-case letters and digits: the start of every name
  --location L          Azure region, default eastus
  --registry R          name of the registry, default made of the prefix
  --aks                 virtual nodes of AKS instead of container instances
  --parties FILE        lines "NAME SETTINGS.json"; default policy/parties/{contoso,fabrikam,woodgrove}.json
  --maa HOST            attestation service, default the region's shared one
  --key-size N          2048, 3072 (default) or 4096
  --no-fragment         no infrastructure fragment: nothing that Microsoft signs may run beside
  --no-snooper          not the party without hardware
  --no-purge-protection vaults that cleanup can purge (for trials)
  --yes                 do not ask
  --dry-run             print every call, run none; az need not be installed

Files are written to build/deploy/P: policies, templates, the operators' tokens, the state.
END
}

parse() {
	[ $# -gt 0 ] || { usage >&2; exit 2; }
	command=$1
	shift
	case $command in
	build|deploy|status|cleanup) ;;
	-h|--help|help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	prefix='' location='' registry='' aks='' mode=aci parties='' maa='' key_size=3072 fragment=yes snooper=yes protection=yes yes=no dry=no
	while [ $# -gt 0 ]; do
		case $1 in
		--prefix|--location|--registry|--parties|--maa|--key-size)
			[ $# -gt 1 ] || die "$1 needs a value"
			case $1 in
			--prefix) prefix=$2 ;;
			--location) location=$2 ;;
			--registry) registry=$2 ;;
			--parties) parties=$2 ;;
			--maa) maa=$2 ;;
			--key-size) key_size=$2 ;;
			esac
			shift 2 ;;
		--aks) mode=aks aks=yes; shift ;;
		--no-fragment) fragment=no; shift ;;
		--no-snooper) snooper=no; shift ;;
		--no-purge-protection) protection=no; shift ;;
		--yes) yes=yes; shift ;;
		--dry-run) dry=yes; shift ;;
		*) usage >&2; die "unknown option: $1" ;;
		esac
	done
	case $prefix in
	''|?|??|?????????*|*[!a-z0-9]*) die "--prefix must be 3 to 8 lower-case letters and digits" ;;
	esac
	for word in "$location" "$registry" "$maa"; do
		[ -z "$word" ] || is_word "$word" || die "not a name: '$word'"
	done
	case $key_size in 2048|3072|4096) ;; *) die "--key-size must be 2048, 3072 or 4096" ;; esac
}

main() {
	parse "$@"
	prepare
	case $command in
	build)
		check_tools
		build_azure
		[ "$mode" = aci ] || build_aks
		say "built. Next: scripts/deploy.sh deploy --prefix $prefix${aks:+ --aks}" ;;
	deploy)
		check_tools
		find_azure
		if [ "$mode" = aci ]; then deploy_aci; else deploy_aks; fi
		verify_all ;;
	status) check_tools; show_status ;;
	cleanup) check_tools; clean_up ;;
	esac
}

main "$@"
